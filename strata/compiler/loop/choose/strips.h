// How wide the strips of a nest of programs are, and their register tiles.
#pragma once

#include "strata/compiler/loop/choose/variation.h"
#include "strata/compiler/loop/nest/strip.h"
#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

StripSchedule choose_strips(const Strip& strip, const Nest& nest, const machine::VectorUnit& vectors,
                            Variation& variation);

/// Of a nest whose points are programs of matrices (nest/matrix_program.h): the tiles of all products. A strip is a
/// tile's columns.
StripSchedule choose_matrix_tiles(const Nest& nest, const machine::VectorUnit& vectors, Variation& variation);

}  // namespace strata::compiler
