// 128-bit hashes (XXH3) for structure: the identity of graph nodes, keys of caches. Not for security; see sha256.h for
// that. The same bytes give the same hash on every machine and in every version of Strata.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace strata::base {

struct Hash128 {
  uint64_t lo = 0, hi = 0;

  friend bool operator==(const Hash128&, const Hash128&) = default;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;

  /// 32 hex digits, hi first.
  std::string hex() const;
};

Hash128 hash_bytes(std::span<const std::byte> bytes);
Hash128 hash_text(std::string_view text);

/// Of the object representation, so only for types without padding.
template <class T>
Hash128 hash_span(std::span<const T> values) {
  static_assert(std::has_unique_object_representations_v<T> || std::is_floating_point_v<T>);
  return hash_bytes(std::as_bytes(values));
}

/// Depends on the order of its operands: combine(a, b) != combine(b, a).
Hash128 combine(Hash128 first, Hash128 second);
Hash128 combine(Hash128 first, uint64_t second);

/// For unordered containers keyed by Hash128.
struct Hash128Hasher {
  size_t operator()(const Hash128& hash) const { return hash.lo; }
};

}  // namespace strata::base
