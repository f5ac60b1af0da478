// What passes ask of reductions. One of a few terms is written out like any function of an index, and fuses like one.
#pragma once

#include <cstdint>

namespace strata::ir {
struct Node;
}

namespace strata::ops {

/// Whether a node is one of the six reductions over its attribute `axes`.
bool is_reduction_over_axes(const ir::Node& node);

/// Terms for each element of such a reduction; 0 for any other node.
int64_t terms_written_out(const ir::Node& node);

}  // namespace strata::ops
