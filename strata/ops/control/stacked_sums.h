// Sums over the steps of a scan that are better made behind it.
//
// The cotangent of a weight is a product in each step, and the sum of these over the steps is one product that sums
// over the steps, too:
//
//   each step    W' += g[t]^T h[t]             writes and reads all of W' in every step
//   behind       W'  = G^T H                   G [T, B, out] and H [T, B, in] stacked: one contraction over T and B
//
// A sum over some axes (a bias) of what is stacked anyway follows the same way. The terms are those of the steps, in
// another order: a contraction's (ops/contraction/dot.cpp) instead of a chain of partial sums.
#pragma once

#include <functional>

#include "strata/ops/operands/axes.h"

namespace strata::ops {

class StackedSums {
 public:
  /// Where a parameter of the step comes from: a residual that is the same in each step or stacked outside, or else.
  enum class Place : uint8_t { Constant, Stacked, Step };

  StackedSums() = default;
  /// `step` gives cotangents, those of `constants` first.
  StackedSums(const Graph& step, size_t constants, const std::function<Place(size_t parameter)>& place);

  bool has(size_t position) const { return position < sums_.size() && sums_[position].node != nullptr; }
  /// Values of the step that it gives behind its other results, to be stacked.
  const std::vector<Value>& handed_out() const { return handed_out_; }
  /// The step's results without the sums, then what it hands out.
  std::vector<Value> inline_step(Graph& to, std::span<const Value> arguments) const;
  /// `residuals`: of the step's first parameters, stacked; `stacked`: what it handed out. In `dtype`.
  Value sum(size_t position, std::span<const Value> residuals, std::span<const Value> stacked, DType dtype) const;

 private:
  struct Sum {
    const Node* node = nullptr;  ///< a dot or a reduce_sum of the step; null: summed step by step
    std::vector<Ints> moves;     ///< transposes behind it, the last first
  };
  bool reads_steps(const Node& node, const std::function<Place(size_t)>& place) const;
  /// Whether what a step would have to hand out is more than the sum that it would otherwise add to: stacked, it would
  /// take memory that grows with the steps, to spare none.
  bool sides_outgrow_sum(const Node& dot, const std::function<Place(size_t)>& place) const;
  void hand_out(Value v, const std::function<Place(size_t)>& place);
  /// How a value of the step looks over all steps.
  Value over_steps(Value v, std::span<const Value> residuals, std::span<const Value> stacked) const;

  const Graph* step_ = nullptr;
  std::vector<Sum> sums_;
  std::vector<Value> handed_out_;
};

}  // namespace strata::ops
