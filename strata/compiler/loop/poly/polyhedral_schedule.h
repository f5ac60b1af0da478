// The polyhedral way to schedule a kernel: for nests and groups of nests that are none of the kinds of
// schedule_kinds.h, such as stencils in time, eliminations and stages that read windows of each other. It sees loops,
// bounds and indices, and no op.
//
// As text, one rewrite `poly`, whose parts may all be left out but one:
//
//   poly auto                       everything is chosen
//   poly tile by 32, 32, 256        sizes along the coordinates of each band, outermost first; 0: not cut
//        fuse | apart               statements share loops wherever that is legal, or where they need each other alone
//        lanes by 8                 of vectors
//        rows by 4, vectors by 2    of what waits in registers (register_tile.h)
//        effort by 2000000          thousands of operations that isl may spend before it gives up (E0341)
//
// The result gives the bits of the naive nest: every flow, anti and output dependence is kept, those of sums included.
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/rewrites.h"
#include "strata/ir/loops/kernel.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

/// Whether a schedule's text asks for it.
bool is_polyhedral(const std::vector<Rewrite>& rewrites);

struct PolyhedralKernel {
  ir::loops::Kernel kernel;
  Rewrite schedule;                  ///< with every choice that was made; gives the same kernel again
  std::vector<std::string> remarks;  ///< domains, dependences, bands, and why they are as they are
};

/// E0340 with the line for a kernel that is no static control part, E0341 when isl gives up, E0317 for a schedule that
/// the kernel can't have.
PolyhedralKernel schedule_polyhedrally(const ir::loops::Kernel& naive, const std::vector<Rewrite>& rewrites,
                                       const machine::VectorUnit& vectors);

}  // namespace strata::compiler
