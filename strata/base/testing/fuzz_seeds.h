// For tests: which random programs a test goes through.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace strata::base {

/// Seeds from `first` to `end`: `count` from 1, or as many as the environment variable `counted_by` says from
/// STRATA_FUZZ_SEED on. A test that is shared out takes the part `share` of `shares`.
struct FuzzSeeds {
  uint64_t first, end;

  explicit FuzzSeeds(uint64_t count, const char* counted_by = "STRATA_FUZZ_PROGRAMS", uint64_t share = 0,
                     uint64_t shares = 1) {
    const uint64_t each = from_environment(counted_by, count) / shares;
    first = from_environment("STRATA_FUZZ_SEED", 1) + share * each;
    end = first + each;
  }
  uint64_t count() const { return end - first; }

 private:
  static uint64_t from_environment(const char* name, uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
  }
};

}  // namespace strata::base
