#include "strata/base/bytes/hash.h"

#include <fmt/format.h>

#define XXH_INLINE_ALL  // compiled into this file: short inputs are most of them, and a call costs more than the hash
#include <xxhash.h>

namespace strata::base {
namespace {

Hash128 of(const void* data, size_t size) {
  const XXH128_hash_t hash = XXH3_128bits(data, size);
  return {hash.low64, hash.high64};
}

}  // namespace

std::string Hash128::hex() const { return fmt::format("{:016x}{:016x}", hi, lo); }

Hash128 hash_bytes(std::span<const std::byte> bytes) { return of(bytes.data(), bytes.size()); }
Hash128 hash_text(std::string_view text) { return of(text.data(), text.size()); }

Hash128 combine(Hash128 first, Hash128 second) {
  const uint64_t words[] = {first.lo, first.hi, second.lo, second.hi};
  return of(words, sizeof words);
}

Hash128 combine(Hash128 first, uint64_t second) {
  const uint64_t words[] = {first.lo, first.hi, second};
  return of(words, sizeof words);
}

}  // namespace strata::base
