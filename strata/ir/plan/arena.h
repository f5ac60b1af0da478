// Offsets of buffers in one arena, from their lifetimes and sizes.
//
// Largest first, each at the lowest gap that fits between those already placed whose lifetimes overlap (best fit by
// lowest offset; Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, call it greedy
// by size). Where that leaves gaps at the peak, two other orders are tried, and the best is taken. Hundreds of buffers
// take well under a millisecond, so offsets are computed for each binding of the dimensions and kept. Time grows with
// the square of the buffers, so very many are first placed in the order of the commands, each in the smallest hole that
// fits, and that stands if it is within a tenth of the lower bound.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace strata::ir {

struct ArenaRequest {
  int first = 0, last = 0;  ///< commands, inclusive
  int64_t bytes = 0;
};

struct ArenaLayout {
  std::vector<int64_t> offsets;  ///< of each request, multiples of 64
  int64_t bytes = 0;             ///< of the arena
  int64_t largest_live = 0;      ///< the largest sum of bytes alive at one command: no arena can be smaller
};

ArenaLayout lay_out_arena(std::span<const ArenaRequest> requests);

}  // namespace strata::ir
