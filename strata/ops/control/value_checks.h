// What a run may refuse because of the values that it meets, not of their types.
#pragma once

#include "strata/base/error/error.h"
#include "strata/ir/graph/graph.h"

namespace strata::ops {

/// Whether a run may end at this node because of its operands' values: an effect, indices that are checked, or a region
/// with one of them.
bool has_value_check(const ir::Node& node);

/// Whether the error is one of such a node (E0118, E0136): the same values would be refused again.
bool is_value_check(const base::Error& error);

}  // namespace strata::ops
