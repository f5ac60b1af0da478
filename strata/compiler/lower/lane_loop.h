// A scan as one kernel: every lane of its state goes through all steps by itself, in the memory of its task.
//
// All of the state has the axes [lead..., x..., lane]: the leading ones and the last are the same everywhere, and
// nothing in a step mixes what lies at different places of them. Sums, maxima and products go along the axes between,
// whose extents are numbers:
//
//   parallel b in 0..B { for q in 0..T {                        lead axes, lane
//     alloc c[D]; for d { c[d] = %start[b, d, q] }              state; constants that products read
//     for t in 0..length {
//       alloc s[64]
//       for x in 0..64 { var acc = 0; for d in 0..D { acc = fma(%k[t, b, x, d], q[d], acc) }; s[x] = acc }
//       var m = -inf; for x in 0..64 { m = max(m, s[x]) }
//       ...
//       for d { c[d] = ... }
//     }
//     for d { %last[b, d, q] = c[d] }
//   } }
//
// Attention is such a scan (ops/composites/attention_blocks.h), and so are its gradients. Within a step:
//
//   kept       in scratch: sums, products, what a product reads and what is read twice
//   a view     made of constants and slices alone, element by element: computed where it is read
//   the rest   computed where it is read; a product whose only reader is kept is computed there, too
//
// Where a step mixes what lies along all axes but the leading ones, and all that it has are matrices, a point of these
// axes keeps whole matrices, and there are no lanes (attention's gradients in one walk, attention_one_walk.h). Then a
// product's sides may both be state, and a slice of a stacked result may be made of a product.
//
// A step that changes its state only in some lanes (every new value is select(c, new, old) for one c that differs by
// lane; without lanes, a scalar) stands in an `if (c)`.
#pragma once

#include <string>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// Why the region is no such kernel; empty: it is. One scan, whose region has neither composites, calls nor fusions;
/// in front of it what is computed where the scan reads it, behind it elements of its last state, which may be
/// transposed.
std::string lane_loop_refusal(const ir::Graph& kernel);

/// The statements, when there is no refusal. Buffers by parameters and results.
std::vector<ir::loops::StmtPtr> lane_loop(const ir::Graph& kernel, ir::loops::LoopContext& context,
                                          const std::vector<const ir::loops::Buffer*>& inputs,
                                          const std::vector<const ir::loops::Buffer*>& outputs);

}  // namespace strata::compiler
