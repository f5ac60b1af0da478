// Finds special tokens (<|endoftext|>) in text: at each place the longest that begins there, the leftmost place first.
//
// They are cut out before pre-tokenisation, so BPE never sees or makes them. A trie answers in one step a byte of the
// match; places that can't begin one are skipped by a byte table, or by memchr when all begin with the same byte.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/text/bpe/token.h"

namespace strata::text {

struct SpecialToken {
  std::string content;
  TokenId id = 0;
  bool special = true;      // false: an ordinary word that must not be cut (shown when special tokens are hidden)
  bool normalized = false;  // the file's flag: such tokens are looked for after the others

  friend bool operator==(const SpecialToken&, const SpecialToken&) = default;
};

class SpecialTokenFinder {
 public:
  struct Match {
    std::size_t begin, bytes;  // bytes 0: none left
    TokenId id;
  };

  SpecialTokenFinder() { first_bytes_.fill(false); }

  /// Adds a token; its content must not be empty.
  void add(std::string_view content, TokenId id);

  bool empty() const { return nodes_.empty(); }

  /// The first match at or after `from`.
  Match find(std::string_view text, std::size_t from) const;

 private:
  static constexpr TokenId kNone = 0xFFFFFFFF;
  struct Node {
    TokenId id = kNone;
    std::vector<std::pair<char, std::uint32_t>> children;
  };

  const std::uint32_t* child(std::uint32_t node, char byte) const;
  std::size_t next_possible(std::string_view text, std::size_t from) const;
  Match match_at(std::string_view text, std::size_t begin) const;

  std::vector<Node> nodes_;
  std::array<bool, 256> first_bytes_;
  int sole_first_byte_ = -1;  // -1: none yet; -2: several
};

}  // namespace strata::text
