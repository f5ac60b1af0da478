#include "strata/compiler/graph/lane_loops.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "strata/compiler/graph/region_passes.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/lane_loop.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/uses.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/control/scan_parts.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::Graph;
using ir::GraphCopier;
using ir::GraphRef;
using ir::Node;
using ir::Value;

namespace {

/// Whether a closer look is worth its passes.
bool may_treat_lanes_alone(const Graph& region) {
  const std::vector<bool> live = ir::live_nodes(region);
  return std::ranges::all_of(region.nodes(), [&](const Node* node) {
    if (node->is_parameter() || !live[node->id] || node->op == &ops::kBarrier) return true;
    if (node->op->effect != ir::Effect::None) return false;
    if (node->op->is_call) return may_treat_lanes_alone(*node->regions()[0]);
    const Form form = form_of(*node);
    return form == Form::Element || form == Form::Alias || form == Form::Reduction || form == Form::Contraction;
  });
}

/// Moves data or makes it of nothing: as good where it is read as in memory.
bool is_view(const Node& node) {
  const ir::Op* op = node.op;
  return op == &ops::kTranspose || op == &ops::kReshape || op == &ops::kBroadcast || op == &ops::kIota ||
         (op == &ops::kConstant && node.type().rank() == 0);
}

using Strides = std::vector<Dim>;

/// The same memory under another shape; empty where an axis would run through several that don't lie one behind the
/// other.
Strides reshaped(std::span<const Dim> old, const Strides& from, std::span<const Dim> shape) {
  Strides strides(shape.size(), Dim(1));
  size_t a = shape.size(), o = old.size();
  while (o > 0) {
    Dim run = old[--o], stride = from[o];
    for (; o > 0 && from[o - 1] == from[o] * old[o]; --o) run = run * old[o - 1];
    while (a > 0 && (run != Dim(1) || shape[a - 1] == Dim(1))) {
      const Dim rest = ir::floor_div(run, shape[a - 1]);
      if (rest * shape[a - 1] != run) return {};
      strides[--a] = stride;
      stride = stride * shape[a];
      run = rest;
    }
  }
  return a == 0 ? strides : Strides{};
}

/// Elements between neighbours along each axis, in the memory that a chain of views reads; empty where that is nothing
/// so simple.
Strides strides_of(Value v) {
  const auto shape = v.type().shape();
  if (v.node->is_parameter() || !is_view(*v.node)) {
    Strides strides(shape.size(), Dim(1));
    for (size_t a = shape.size(); a-- > 1;) strides[a - 1] = strides[a] * shape[a];
    return strides;
  }
  const bool is_moved = v.node->op == &ops::kTranspose;
  if (!is_moved && v.node->op != &ops::kReshape) return {};
  const Strides from = strides_of(v.node->operand(0));
  if (from.empty()) return {};
  if (!is_moved) return reshaped(v.node->operand(0).type().shape(), from, shape);
  Strides strides;
  for (const int64_t axis : v.node->attrs.ints("perm")) strides.push_back(from[axis]);
  return strides;
}

/// A kernel in the making: the scan, what is taken in, what it reads and gives.
class LaneKernel {
 public:
  LaneKernel(const Graph& graph, const Node& scan, GraphRef step, const std::vector<std::vector<ir::Use>>& uses)
      : graph_(graph), scan_(scan), step_(std::move(step)), uses_(uses) {}

  /// The region, or null with the reason.
  GraphRef make(bool takes_in, std::string& refusal) {
    operands.clear();
    results.clear();
    behind_.clear();
    auto kernel = std::make_shared<Graph>("fusion");
    kernel_ = kernel.get();
    for (const ir::SymbolFact& fact : graph_.facts().all()) kernel->facts().add(fact);
    const ir::LocationScope scope(*kernel, scan_.where);
    images_.clear();
    const size_t slices = ops::ScanParts(scan_).first_slice();
    std::vector<Value> arguments;
    for (uint32_t i = 0; i < scan_.operand_count; ++i)
      arguments.push_back(taken_in(scan_.operand(i), takes_in && (i < slices || !should_be_copied(scan_.operand(i)))));
    const Node* scan = kernel->add(*scan_.op, arguments, scan_.attrs.all(), {&step_, 1});
    for (uint32_t r = 0; r < scan_.result_count; ++r) images_[key(scan_.result(r))] = scan->result(r);
    if (takes_in) take_in_readers();
    std::vector<Value> given;
    const auto give = [&](const Node& node) {
      for (uint32_t r = 0; r < node.result_count; ++r)
        if (is_read_outside(node.result(r))) {
          results.push_back(node.result(r));
          given.push_back(images_.at(key(node.result(r))));
        }
    };
    give(scan_);
    for (const Node* node : behind_) give(*node);
    kernel->set_results(given);
    refusal = lane_loop_refusal(*kernel);
    return refusal.empty() ? kernel : nullptr;
  }

  std::vector<Value> operands;  ///< of the kernel
  std::vector<Value> results;   ///< values of the program that it gives
  bool has(const Node& node) const { return std::ranges::find(behind_, &node) != behind_.end(); }

 private:
  using Key = std::pair<uint32_t, uint32_t>;
  static Key key(Value v) { return {v.node->id, v.index}; }

  /// Slices that are read in each step as they lie: those of lanes should have these as neighbours, and the rows of
  /// others should lie close, or they evict each other from the cache.
  bool should_be_copied(Value slices) const {
    const ir::Type type = slices.type();
    if (type.rank() <= 1) return false;
    const Strides strides = strides_of(slices);
    if (!strides.empty() && strides.back() == Dim(1) && strides[strides.size() - 2] == type.shape().back())
      return false;
    int rank = 0;  // of the state: leading axes, one between, the lanes
    for (const Value& v : step_->results()) {
      rank = std::max(rank, v.rank());
      if (v.rank() > 0 && type.shape().back() == v.type().shape().back()) return true;
    }
    return type.rank() > rank;
  }

  Value taken_in(Value v, bool through) {
    if (const auto found = images_.find(key(v)); found != images_.end()) return found->second;
    if (!through || v.node->is_parameter() || !is_view(*v.node)) {
      operands.push_back(v);
      return images_[key(v)] = kernel_->add_parameter(v.type());
    }
    std::vector<Value> inner;
    for (const Value& x : v.node->operands()) inner.push_back(taken_in(x, true));
    return images_[key(v)] = kernel_->add(*v.node->op, inner, v.node->attrs.all())->result(v.index);
  }

  bool is_number(Value v) const {
    const Node* n = v.node->op == &ops::kBroadcast ? v.node->operand(0).node : v.node;
    return !n->is_parameter() && n->op == &ops::kConstant && n->type().rank() == 0;
  }

  /// Elements of the last state; behind a transpose there is nothing more.
  void take_in_readers() {
    const auto is_inside = [&](Value v) {
      if (v.node == &scan_) return v.index < ops::ScanParts(scan_).carries;
      return has(*v.node) && v.node->op != &ops::kTranspose;
    };
    std::set<uint32_t> open;
    for (const ir::Use& use : uses_[scan_.id]) open.insert(use.user->id);
    while (!open.empty()) {
      const Node& node = *graph_.nodes()[*open.begin()];
      open.erase(open.begin());
      const bool is_element =
          node.result_count == 1 && node.op->effect == ir::Effect::None && !has(node) && form_of(node) == Form::Element;
      if (!is_element || !std::ranges::all_of(node.operands(), [&](Value v) { return is_inside(v) || is_number(v); }))
        continue;
      std::vector<Value> inner;
      for (const Value& x : node.operands()) inner.push_back(taken_in(x, true));
      images_[key(node.result())] = kernel_->add(*node.op, inner, node.attrs.all())->result();
      behind_.push_back(&node);
      for (const ir::Use& use : uses_[node.id]) open.insert(use.user->id);
    }
  }

  bool is_read_outside(Value v) const {
    for (const ir::Use& use : uses_[v.node->id])
      if (!has(*use.user) && use.user->operand(use.operand) == v) return true;
    return std::ranges::find(graph_.results(), v) != graph_.results().end();
  }

  const Graph& graph_;
  const Node& scan_;
  GraphRef step_;
  const std::vector<std::vector<ir::Use>>& uses_;
  Graph* kernel_ = nullptr;
  std::map<Key, Value> images_;
  std::vector<const Node*> behind_;
};

}  // namespace

std::unique_ptr<Graph> lane_loops(const Graph& graph, const PassContext& context) {
  std::set<const Node*> taken;  // by a kernel that has been put already
  std::vector<std::vector<ir::Use>> uses;
  auto made = ir::rewrite_graph(graph, [&](const Node& node, GraphCopier& copier, Graph& to) {
    if (taken.contains(&node)) return true;
    if (node.op != &ops::kScan || !may_treat_lanes_alone(node.region(0))) return false;
    if (uses.empty()) uses = ir::uses_of(graph, ir::live_nodes(graph));
    LaneKernel kernel(graph, node, ready_for_lowering(node.regions()[0], context), uses);
    std::string refusal;
    GraphRef region = kernel.make(true, refusal);
    if (!region) region = kernel.make(false, refusal);
    if (!region) {
      if (context.remarks) {
        const std::string where = node.where.str();
        context.remarks->push_back(fmt::format("scan{}{}: its steps run as kernels of their own: {}",
                                               where.empty() ? "" : " at ", where, refusal));
      }
      return false;
    }
    const Node* fusion = to.add(ops::kFusion, copier.get(kernel.operands), {}, {&region, 1});
    for (size_t r = 0; r < kernel.results.size(); ++r) copier.set(kernel.results[r], fusion->result(r));
    for (const Node* other : graph.nodes())
      if (kernel.has(*other)) taken.insert(other);
    return true;
  });
  return ir::copy_graph(*made);  // without what now is computed in kernels alone
}

}  // namespace strata::compiler
