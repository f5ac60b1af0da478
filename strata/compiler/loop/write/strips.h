// Writes nests whose points are programs of their own (nest/strip.h), a strip of lanes at a time:
//
//   parallel task over (outer loops, strips of lanes)
//     scratch [..., lane in the strip]
//     each leaf, for all lanes of the strip before the next one
//       a product:  register tiles of rows by lanes;  sums = 0; for k { sums = fma(row, lanes, sums) }; its stores
//       others:     for x... { for lanes by vectors { as written } }
//
// A branch that lanes take differently is taken if one of them takes it; what lies outside changes only in those that
// do. Lanes behind the last one of a nest are computed where that is simpler, of whatever lies there, and never stored
// outside of scratch.
#pragma once

#include <vector>

#include "strata/compiler/loop/schedule_kinds.h"

namespace strata::compiler {

/// Of a nest that is such a program (read_strip). E0317 when a product's sides have no vector form.
std::vector<ir::loops::StmtPtr> write_strips(const Nest& nest, const StripSchedule& schedule,
                                             ir::loops::LoopContext& context, const ir::Facts& facts);

}  // namespace strata::compiler
