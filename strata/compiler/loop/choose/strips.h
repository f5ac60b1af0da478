// How wide the strips of a nest of programs are, and their register tiles.
#pragma once

#include "strata/compiler/loop/choose/variation.h"
#include "strata/compiler/loop/nest/matrix_program.h"
#include "strata/compiler/loop/nest/strip.h"
#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

StripSchedule choose_strips(const Strip& strip, const Nest& nest, const machine::VectorUnit& vectors,
                            Variation& variation);

/// Of a nest whose points are programs of matrices: the tiles of all products.
MatrixSchedule choose_matrix_tiles(std::span<const MatrixProduct> products, const machine::VectorUnit& vectors,
                                   Variation& variation);

}  // namespace strata::compiler
