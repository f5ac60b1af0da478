// Forward mode through the regions of control-flow ops: what ir::Jvp::jvp_region is given.
#pragma once

#include <span>
#include <vector>

#include "strata/ir/graph.h"

namespace strata::transform {

/// The region with tangent parameters for the marked ones behind the primal parameters, and tangents of those results that have
/// one behind the primal results. See Jvp::jvp_region.
ir::GraphRef jvp_region(const ir::Graph& region, std::span<const bool> has_tangent, std::vector<bool>& result_has_tangent);

}  // namespace strata::transform
