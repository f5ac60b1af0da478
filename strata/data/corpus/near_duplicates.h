// Finds paragraphs that say nearly what an earlier one said: the same but for case, digits and marks, or with most of
// their runs of four words in common.
//
// Sketches: each run of four words is hashed; the hash's top bits choose one of 16 places and the place keeps its least
// hash ("one permutation hashing": Li, Owen, Zhang 2012). Four places together make a band; a paragraph that shares a
// band with an earlier one is compared with it, place by place. 0.9 alike is found in 98 of 100 cases, 0.5 compared in
// one of four and then refused.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace strata::data {

class NearDuplicates {
 public:
  /// Whether an earlier paragraph said it. If not, it is remembered.
  bool seen(std::string_view paragraph);

 private:
  static constexpr size_t kPlaces = 16, kBands = 4, kRows = kPlaces / kBands;
  static constexpr int kAlikePlaces = 12;  ///< of 16, from which two are duplicates
  using Sketch = std::array<uint32_t, kPlaces>;

  bool near_seen(const std::vector<uint64_t>& words);

  std::unordered_set<uint64_t> exact_;
  std::vector<Sketch> sketches_;
  std::array<std::unordered_map<uint64_t, uint32_t>, kBands> bands_;  ///< of the band's bits: index into sketches_
};

}  // namespace strata::data
