// Functions with derivatives of their own, and functions that the backward pass computes again. What they compute is
// their first region; the compiler puts it in their place.
#pragma once

#include "strata/ops/control.h"

namespace strata::ops {

extern const Op kCustomVjp, kCustomVjpTangent, kCustomJvp, kCheckpoint;

/// Regions of a function with its own reverse mode. Each takes the captures behind its own parameters.
struct CustomVjpRegions {
  GraphRef body;      ///< (inputs, captures) -> outputs
  GraphRef forward;   ///< (inputs, captures) -> (outputs, residuals)
  GraphRef backward;  ///< (residuals, cotangents of the float outputs, captures) -> cotangents of the float inputs
};
std::vector<Value> custom_vjp(Graph& graph, const CustomVjpRegions& regions, std::span<const Value> inputs,
                              std::span<const Value> captures);

/// `body`: (inputs, captures) -> outputs. `rule`: (inputs, tangents of the float inputs, captures) -> tangents of the
/// float outputs, linear in the tangents.
std::vector<Value> custom_jvp(Graph& graph, GraphRef body, GraphRef rule, std::span<const Value> inputs,
                              std::span<const Value> captures);

/// What the body gives; reverse mode keeps only the operands and computes the rest again.
std::vector<Value> checkpoint(Graph& graph, GraphRef body, std::span<const Value> operands);

}  // namespace strata::ops
