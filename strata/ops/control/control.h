// Control flow and calls: ops whose meaning is in their regions. A region is a graph of its own and sees only its
// parameters, so what it reads from outside becomes an operand.
#pragma once

#include <string_view>

#include "strata/ops/operands/axes.h"

namespace strata::ops {

extern const Op kCond, kWhile, kTapedWhile, kScan, kCall, kComposite;

/// Fills a region: given its graph and parameters, returns its results.
using RegionFn = base::FunctionRef<std::vector<Value>(Graph&, const std::vector<Value>&)>;
GraphRef make_region(std::string_view name, std::span<const Type> parameters, const RegionFn& fill);
std::vector<Type> types_of(std::span<const Value> values);
std::vector<Value> results_of(const Node& node);

/// condition (bool scalar) ? then(operands) : otherwise(operands); both give the same types.
std::vector<Value> cond(Value condition, const std::vector<Value>& operands, const RegionFn& then,
                        const RegionFn& otherwise);
/// while (condition(constants, state)) state = body(constants, state); returns the last state.
std::vector<Value> while_loop(const std::vector<Value>& constants, const std::vector<Value>& state,
                              const RegionFn& condition, const RegionFn& body);

struct ScanOperands {
  std::vector<Value> constants;  ///< the same at each step
  std::vector<Value> carries;    ///< handed from step to step
  std::vector<Value> xs;         ///< [length, ...]: one slice per step
};
struct ScanResults {
  std::vector<Value> carries;
  std::vector<Value> ys;  ///< [length, ...]
};
enum class ScanOrder : uint8_t { Forward, Reverse };
/// (constants, carries, slices of xs) -> (carries, slices of ys), `length` times. Reverse starts at the last slice.
ScanResults scan(const ScanOperands& operands, Dim length, const RegionFn& body, ScanOrder order = ScanOrder::Forward);

std::vector<Value> call_graph(GraphRef body, const std::vector<Value>& operands);
/// A named composite: means what its body means. `attrs` say what a backend that knows the name needs to know.
std::vector<Value> composite(std::string_view name, std::span<const Attr> attrs, const std::vector<Value>& operands,
                             GraphRef body);

}  // namespace strata::ops
