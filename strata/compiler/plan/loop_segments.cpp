#include "strata/compiler/plan/loop_segments.h"

#include <algorithm>

#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/scan_parts.h"
#include "strata/ops/control/value_checks.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using ir::Graph;
using ir::Node;
using ir::Value;
using ops::ScanParts;
using Values = std::vector<Value>;

/// The scan's region over another number of steps, in another graph.
Values add_steps(Graph& graph, const Node& scan, int64_t steps, const Values& operands) {
  const ir::LocationScope scope(graph, scan.where);
  const ScanParts parts(scan);
  const Dim length[] = {Dim(steps)};
  const ir::Attr attrs[] = {
      ir::Attr("length", std::span<const Dim>(length)), ir::Attr("constants", static_cast<int64_t>(parts.constants)),
      ir::Attr("carries", static_cast<int64_t>(parts.carries)), ir::Attr("reverse", parts.is_reverse())};
  return ops::results_of(*graph.add(*scan.op, operands, attrs, scan.regions()));
}

/// [T, ..] as [T / steps, steps, ..].
Value in_segments(Value stacked, int64_t steps) {
  ops::Shape shape = ops::shape_of(stacked);
  shape[0] = floor_div(shape[0], Dim(steps));
  shape.insert(shape.begin() + 1, Dim(steps));
  return ops::reshape(stacked, shape);
}
/// [T / steps, steps, ..] as [T, ..].
Value joined(Value segments, Dim length) {
  ops::Shape shape = ops::shape_of(segments);
  shape.erase(shape.begin());
  shape[0] = length;
  return ops::reshape(segments, shape);
}

/// A scan that runs commands, none of which has an effect or a check, and whose operands have axes to split.
bool may_have_segments(const Node& node, const PlanRequest& request) {
  const auto is_encoded = [](ir::Type t) { return t.is_encoded(); };
  return !node.is_parameter() && node.op == &ops::kScan && !request.kernels.contains(node.id) &&
         !ops::has_value_check(node) && std::ranges::none_of(node.types(), is_encoded) &&
         std::ranges::none_of(node.operands(), is_encoded, &Value::type);
}

/// Which results of the scan, whatever reads them, are read by this one's slices alone.
std::vector<bool> residuals_between(const Node& forward, const Node& backward,
                                    const std::vector<std::vector<uint32_t>>& uses) {
  const ScanParts f(forward), b(backward);
  std::vector<uint32_t> as_slices(forward.result_count);
  for (size_t i = b.first_slice(); i < backward.operand_count; ++i)
    if (const Value v = backward.operand(i); v.node == &forward) ++as_slices[v.index];
  std::vector<bool> is_residual(forward.result_count);
  for (size_t r = f.carries; r < forward.result_count; ++r)
    is_residual[r] = as_slices[r] > 0 && as_slices[r] == uses[forward.id][r];
  return is_residual;
}

/// Builds the graph with both scans in segments.
class Segmenter {
 public:
  Segmenter(const ProgramParts& parts, const ScanPair& pair, int64_t steps)
      : parts_(parts),
        pair_(pair),
        steps_(steps),
        forward_(*pair.forward),
        backward_(*pair.backward),
        result_(std::make_shared<Graph>(parts.request.graph->name())),
        copier_(*parts.request.graph, *result_) {}

  std::shared_ptr<const ProgramParts> make() {
    const Graph& graph = *parts_.request.graph;
    const std::vector<bool> live = ir::live_nodes(graph);
    copier_.copy_parameters();
    std::vector<const Node*> origin;
    for (const Node* n : graph.nodes()) {
      if (!live[n->id] || n->is_parameter()) continue;
      const Node* made = nullptr;
      if (n == pair_.forward)
        add_forward();
      else if (n == pair_.backward)
        add_backward();
      else
        made = copier_.copy(*n);
      origin.resize(result_->nodes().size());
      if (made) origin[made->id] = n;
    }
    copier_.copy_results();
    return with_graph(origin);
  }

 private:
  Dim segments() const { return floor_div(forward_.length, Dim(steps_)); }
  /// Images of some of a node's operands.
  Values images(const Node& node, size_t first, size_t behind) const {
    return copier_.get(node.operands().subspan(first, behind - first));
  }
  Values images_in_segments(const Node& node, size_t first) const {
    Values values = images(node, first, node.operand_count);
    for (Value& v : values) v = in_segments(v, steps_);
    return values;
  }

  void add_forward() {
    const Node& f = *pair_.forward;
    const ir::LocationScope scope(*result_, f.where);
    forward_slices_ = images_in_segments(f, forward_.first_slice());
    const ops::ScanResults made = ops::scan(
        {images(f, 0, forward_.constants), images(f, forward_.constants, forward_.first_slice()), forward_slices_},
        segments(),
        [&](Graph& g, const Values& p) {
          const Values of_steps = add_steps(g, *pair_.forward, steps_, p);
          Values results(of_steps.begin(), of_steps.begin() + forward_.carries);
          for (size_t r = forward_.carries; r < of_steps.size(); ++r)
            if (!pair_.is_residual[r]) results.push_back(of_steps[r]);
          results.insert(results.end(), p.begin() + forward_.constants, p.begin() + forward_.first_slice());
          return results;
        },
        forward_.order);
    for (size_t c = 0; c < forward_.carries; ++c) copier_.set(f.result(c), made.carries[c]);
    auto next = made.ys.begin();
    for (size_t r = forward_.carries; r < f.result_count; ++r)
      if (!pair_.is_residual[r]) copier_.set(f.result(r), joined(*next++, forward_.length));
    starts_.assign(next, made.ys.end());
    outer_scans_.push_back(starts_[0].node);
  }

  bool is_recomputed(Value v) const { return v.node == pair_.forward && pair_.is_residual[v.index]; }

  void add_backward() {
    const Node& f = *pair_.forward;
    const Node& b = *pair_.backward;
    const ir::LocationScope scope(*result_, b.where);
    ops::ScanOperands operands{images(f, 0, forward_.constants),
                               images(b, backward_.constants, backward_.first_slice()), starts_};
    const Values constants = images(b, 0, backward_.constants);
    operands.constants.insert(operands.constants.end(), constants.begin(), constants.end());
    operands.xs.insert(operands.xs.end(), forward_slices_.begin(), forward_slices_.end());
    for (size_t i = backward_.first_slice(); i < b.operand_count; ++i)
      if (!is_recomputed(b.operand(i))) operands.xs.push_back(in_segments(copier_.get(b.operand(i)), steps_));
    const ops::ScanResults made = ops::scan(
        operands, segments(), [&](Graph& g, const Values& p) { return backward_segment(g, p); }, backward_.order);
    for (size_t c = 0; c < backward_.carries; ++c) copier_.set(b.result(c), made.carries[c]);
    for (size_t r = backward_.carries; r < b.result_count; ++r)
      copier_.set(b.result(r), joined(made.ys[r - backward_.carries], backward_.length));
    outer_scans_.push_back(made.carries.empty() ? made.ys[0].node : made.carries[0].node);
  }

  /// F's constants | B's constants | B's carries | F's carries at the start | F's slices | those of B that are kept.
  Values backward_segment(Graph& g, const Values& p) const {
    auto next = p.begin();
    const auto take = [&](size_t count) {
      const Values some(next, next + static_cast<ptrdiff_t>(count));
      next += static_cast<ptrdiff_t>(count);
      return some;
    };
    const auto append = [](Values& to, const Values& more) { to.insert(to.end(), more.begin(), more.end()); };
    Values of_forward = take(forward_.constants), of_backward = take(backward_.constants);
    append(of_backward, take(backward_.carries));
    append(of_forward, take(forward_.carries));
    append(of_forward, take(forward_slices_.size()));
    const Values again = add_steps(g, *pair_.forward, steps_, of_forward);
    for (size_t i = backward_.first_slice(); i < backward_.operands; ++i) {
      const Value v = pair_.backward->operand(i);
      of_backward.push_back(is_recomputed(v) ? again[v.index] : *next++);
    }
    return add_steps(g, *pair_.backward, steps_, of_backward);
  }

  /// The program of a segment: two loops, whose regions are those of the pair.
  std::shared_ptr<const ProgramParts> segment_parts(const ir::GraphRef& graph) const {
    auto parts = std::make_shared<ProgramParts>();
    parts->request.graph = graph;
    for (const Node* n : {pair_.forward, pair_.backward}) {
      const Graph* region = n->regions()[0].get();
      parts->regions.emplace(region, parts_.regions.at(region));
      parts->region_programs.emplace(region, parts_.region_programs.at(region));
    }
    parts->request.regions = plans_of(parts->region_programs);
    parts->origin = parts_.origin;
    parts->origin.recorded = [graph] { return graph; };
    parts->plan = make_plan(parts->request);
    return parts;
  }

  std::shared_ptr<const ProgramParts> with_graph(const std::vector<const Node*>& origin) const {
    auto made = std::make_shared<ProgramParts>(parts_);
    made->request = with_origin(parts_.request, result_, origin);
    for (const Node* scan : outer_scans_) {
      const ir::GraphRef& region = scan->regions()[0];
      const auto& segment = made->regions.emplace(region.get(), segment_parts(region)).first->second;
      made->region_programs.emplace(region.get(), assemble(*segment, segment->plan, segment->region_programs, {}));
    }
    made->request.regions = plans_of(made->region_programs);
    made->plan = make_plan(made->request);
    return made;
  }

  const ProgramParts& parts_;
  const ScanPair& pair_;
  const int64_t steps_;
  const ScanParts forward_, backward_;
  std::shared_ptr<Graph> result_;
  ir::GraphCopier copier_;
  Values forward_slices_, starts_;  ///< in the new graph: operands of F in segments, carries that segments begin with
  std::vector<const Node*> outer_scans_;  ///< there: those over segments
};

}  // namespace

std::vector<ScanPair> scan_pairs(const Graph& graph, const PlanRequest& request) {
  const std::vector<bool> live = ir::live_nodes(graph);
  const std::vector<std::vector<uint32_t>> uses = ir::use_counts(graph);
  std::vector<ScanPair> pairs;
  for (const Node* b : graph.nodes()) {
    if (!live[b->id] || !may_have_segments(*b, request)) continue;
    const ScanParts backward(*b);
    for (size_t i = backward.first_slice(); i < b->operand_count; ++i) {
      const Node* f = b->operand(i).node;
      if (std::ranges::any_of(pairs, [&](const ScanPair& p) { return p.forward == f && p.backward == b; })) continue;
      if (!may_have_segments(*f, request)) continue;
      const ScanParts forward(*f);
      if (forward.carries == 0 || !(forward.length == backward.length) || forward.order == backward.order) continue;
      std::vector<bool> is_residual = residuals_between(*f, *b, uses);
      if (std::ranges::find(is_residual, true) != is_residual.end()) pairs.push_back({f, b, std::move(is_residual)});
    }
  }
  return pairs;
}

std::vector<int64_t> segment_lengths(const ScanPair& pair) {
  const Dim length = ScanParts(*pair.forward).length;
  std::vector<int64_t> lengths{1};
  if (!length.is_constant()) return lengths;
  for (int64_t k = 2; k * 2 <= length.constant(); ++k)
    if (length.constant() % k == 0) lengths.push_back(k);
  return lengths;
}

std::shared_ptr<const ProgramParts> with_segments(const ProgramParts& parts, const ScanPair& pair, int64_t steps) {
  return Segmenter(parts, pair, steps).make();
}

}  // namespace strata::compiler
