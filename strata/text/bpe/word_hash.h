// Hash of a short byte string, inline because it runs once a word.
//
// 64x64-bit products folded to 64 bits mix all input bits into the top ones, which pick the slot. It is unseeded:
// tables that hold untrusted words bound their probing instead of relying on the hash being unpredictable.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace strata::text {

inline std::uint64_t fold_product(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// The first `n` (at most 8) bytes at `p` as a little-endian word; reads nothing beyond them.
inline std::uint64_t load_prefix(const char* p, std::size_t n) {
  std::uint64_t word = 0;
  if (n >= 8) {
    std::memcpy(&word, p, 8);
  } else if (n >= 4) {
    std::uint32_t low, high;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + n - 4, 4);
    word = low | std::uint64_t{high} << (8 * (n - 4));
  } else if (n > 0) {
    const auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<std::uint8_t>(p[i])}; };
    word = byte(0) | byte(n / 2) << (8 * (n / 2)) | byte(n - 1) << (8 * (n - 1));
  }
  return word;
}

inline std::uint64_t hash_words(std::uint64_t low, std::uint64_t high) {
  return fold_product(low ^ 0x9E3779B97F4A7C15ull, high ^ 0xD1B54A32D192ED03ull);
}

inline std::uint64_t hash_bytes(std::string_view bytes) {
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t hash = bytes.size() * 0xA0761D6478BD642Full;
  for (; left > 16; p += 16, left -= 16) hash = hash_words(load_prefix(p, 8) ^ hash, load_prefix(p + 8, 8));
  const std::uint64_t high = left > 8 ? load_prefix(p + 8, left - 8) : 0;
  return hash_words(load_prefix(p, left) ^ hash, high + hash);
}

}  // namespace strata::text
