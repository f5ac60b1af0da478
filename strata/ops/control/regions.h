// Taking regions apart and putting them together: what the blocks of cond, while, scan, call and custom gradients
// share.
#pragma once

#include <algorithm>
#include <memory>

#include "strata/ir/graph/op.h"
#include "strata/ops/control/control.h"

namespace strata::ops {

/// A list of flags that a span of bool can look at.
class Flags {
 public:
  explicit Flags(size_t n, bool value = false) : data_(std::make_unique<bool[]>(n)), size_(n) {
    std::fill_n(data_.get(), n, value);
  }
  bool& operator[](size_t i) { return data_[i]; }
  bool operator[](size_t i) const { return data_[i]; }
  size_t size() const { return size_; }
  std::span<const bool> view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<bool[]> data_;
  size_t size_;
};

/// The region's parameters are `types` (E0117).
void require_parameters(const ir::Infer& i, const Graph& region, std::span<const Type> types, const char* what);
void require_results(const ir::Infer& i, const Graph& region, std::span<const Type> types, const char* what);
std::vector<Type> parameter_types(const Graph& region);
std::vector<Type> result_types(const Graph& region);

/// The jvp region with a tangent for each wanted result: zeros where it gives none. `has`: which tangents it gives,
/// behind its `primal` results.
GraphRef with_tangents(const GraphRef& jvp, size_t primal, const std::vector<bool>& has,
                       const std::vector<bool>& wanted);
/// Which results depend on marked parameters through floats.
std::vector<bool> linear_results(const Graph& region, std::span<const bool> is_linear);
/// Copies into `to` what the given results need; `arguments` stand for the parameters, null where one is not needed.
std::vector<Value> inline_needed(const Graph& region, Graph& to, std::span<const Value> arguments,
                                 std::span<const Value> wanted);

/// What one run of each region costs, `times` over, beside the operands and results.
ir::Cost cost_of_regions(const Node& node, Dim times);
/// A slice along axis 0, and its way back.
HostArray slice_of(const HostArray& x, int64_t i);
void set_slice(HostArray& x, int64_t i, const HostArray& slice);

/// The results of a batching rule.
void set_all(ir::Vmap& v, std::span<const Value> results);

inline constexpr ir::refuse kPlanRunsRegions("the plan runs its regions; no single kernel does");

/// Runs the first region on the operands that it has parameters for.
void body_reference(ir::Reference& r);

/// What the blocks share of ops that mean their first region. It runs on the leading operands.
constexpr Op body_block(std::string_view name, int regions, std::string_view doc) {
  Op op;
  op.name = name;
  op.family = "call";
  op.is_call = true;
  op.doc = doc;
  op.operands_min = 0;
  op.operands_max = -1;
  op.region_count = regions;
  op.lower = kPlanRunsRegions;
  op.reference = body_reference;
  op.cost = [](const Node& n) { return cost_of_regions(n, 1); };
  return op;
}

}  // namespace strata::ops
