// Transforms of the regions of control-flow ops: what the rules of such ops are given (ops/facets/rules.h says what
// each means).
#pragma once

#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ops/facets/rules.h"

namespace strata::transform {

/// The region with tangent parameters for the marked ones behind the primal parameters, and tangents of those results
/// that have one behind the primal results. See Jvp::jvp_region.
ir::GraphRef jvp_region(const ir::Graph& region, std::span<const bool> has_tangent,
                        std::vector<bool>& result_has_tangent);

/// See Transpose::transpose_region and Transpose::split_region.
ir::GraphRef transpose_region(const ir::Graph& region, std::span<const bool> is_linear,
                              std::span<const bool> has_cotangent);
ir::SplitRegion split_region(const ir::Graph& region, std::span<const bool> is_linear,
                             std::span<const bool> has_cotangent);

}  // namespace strata::transform
