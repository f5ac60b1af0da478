// The words of byte-level BPE that its parts share: token ids and merges.
#pragma once

#include <cstdint>

namespace strata::text {

/// Index into the vocabulary. Below kMaxTokenId, which leaves the encoder's cache 8 bits beside an id.
using TokenId = std::uint32_t;
constexpr TokenId kMaxTokenId = (1u << 24) - 1;

/// Neighbours `left`, `right` become `result`. A merge's rank is its place in the list: lower ranks are applied first.
struct Merge {
  TokenId left, right, result;

  friend bool operator==(const Merge&, const Merge&) = default;
};

/// Two ids as one word; comparing keys compares (left, right).
constexpr std::uint64_t pair_key(TokenId left, TokenId right) { return std::uint64_t{left} << 32 | right; }

}  // namespace strata::text
