// Where a block lies, as a number instead of an attribute: x[3] and x[4] are then one program with another number.
//
//   slice x {start = [3, 0], ...}   -->   dynamic_slice x, 3, 0
//   pad y, c {lo = [3, 0], ...}     -->   dynamic_pad y, c, 3, 0 {sizes}
#pragma once

#include <memory>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

/// Null where nothing is cut or padded at constant places by steps of 1, or so much of it that the plan had better cut.
std::shared_ptr<ir::Graph> with_starts_as_numbers(const ir::Graph& graph);

}  // namespace strata::compiler
