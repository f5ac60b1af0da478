// Functions with derivatives of their own, and functions that the backward pass computes again. What they compute is
// their first region; the compiler puts it in their place.
#pragma once

#include <functional>

#include "strata/ops/control/control.h"

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

/// value(x), element by element, whose derivative is slope(x): for a formula whose own derivative loses digits or is
/// NaN at its ends.
using Formula = std::function<Value(Value)>;
Value with_slope(Value x, const Formula& value, const Formula& slope);
/// The same of two operands of one type.
using PairFormula = std::function<Value(Value, Value)>;
Value with_slopes(Value x, Value y, const PairFormula& value, const PairFormula& slope_x, const PairFormula& slope_y);

/// What the body gives; reverse mode keeps only the operands and computes the rest again.
std::vector<Value> checkpoint(Graph& graph, GraphRef body, std::span<const Value> operands);

}  // namespace strata::ops
