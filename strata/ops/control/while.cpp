// while: a region run as long as another says so. Forward mode carries tangents beside the state; reverse mode is
// that of a scan where the number of steps follows from constants, and keeps its residuals on a tape otherwise
// (taped_while.cpp).

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/lanes.h"
#include "strata/ops/control/regions.h"
#include "strata/ops/control/taped_while.h"
#include "strata/ops/control/trip_count.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/reduce/reduce.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kWhileAttrs[] = {
    {"constants", AttrKind::Int, "leading operands that are the same at each step; the others are the state"}};

void while_infer(ir::Infer& i) {
  const int64_t constants = i.attrs.integer("constants");
  if (constants < 0 || constants > i.count()) i.fail(base::code::kAttributeValue, "more constants than operands");
  const auto types = types_of(i.operands);
  const auto state = std::span(types).subspan(constants);
  require_parameters(i, *i.regions[0], types, "operand of the condition");
  require_parameters(i, *i.regions[1], types, "operand of the body");
  const Type truth[] = {Type::scalar(DType::boolean)};
  require_results(i, *i.regions[0], truth, "result of the condition");
  require_results(i, *i.regions[1], state, "state");
  for (Type t : state) i.result(t);
}

Node* add_while(Graph& graph, const std::vector<Value>& constants, const std::vector<Value>& state,
                const RegionFn& condition, const RegionFn& body) {
  std::vector<Value> operands = constants;
  operands.insert(operands.end(), state.begin(), state.end());
  const auto types = types_of(operands);
  const Attr attrs[] = {Attr("constants", std::ssize(constants))};
  const GraphRef regions[] = {make_region("condition", types, condition), make_region("body", types, body)};
  return graph.add(kWhile, operands, attrs, regions);
}

void while_jvp(ir::Jvp& j) {
  const Node& n = j.node;
  const size_t constants = n.attrs.integer("constants");
  const size_t count = n.operand_count, state = count - constants;
  Flags has(count);
  for (size_t i = 0; i < count; ++i) has[i] = j.has(i);
  std::vector<bool> made;
  GraphRef both;
  for (bool changed = true; changed;) {  // state that gets a tangent in one step has one from the start
    both = j.jvp_region(n.region(1), has.view(), made);
    changed = false;
    for (size_t s = 0; s < state; ++s)
      if (made[s] && !has[constants + s]) has[constants + s] = changed = true;
  }
  std::vector<bool> wanted;
  for (size_t s = 0; s < state; ++s) wanted.push_back(has[constants + s]);
  both = with_tangents(both, state, made, wanted);
  // constants, their tangents | state, its tangents
  std::vector<Value> all_constants, all_state;
  std::vector<size_t> tangent_of(count);
  for (size_t i = 0; i < count; ++i) (i < constants ? all_constants : all_state).push_back(n.operand(i));
  for (size_t i = 0; i < count; ++i)
    if (has[i]) {
      auto& group = i < constants ? all_constants : all_state;
      tangent_of[i] = group.size();
      group.push_back(j.tangent(i));
    }
  const size_t first_state = all_constants.size();
  auto primal = [&](const std::vector<Value>& p) {
    std::vector<Value> arguments(p.begin(), p.begin() + constants);
    arguments.insert(arguments.end(), p.begin() + first_state, p.begin() + first_state + state);
    return arguments;
  };
  const Node* node = add_while(
      j.graph, all_constants, all_state,
      [&](Graph& g, const std::vector<Value>& p) { return ir::inline_graph(n.region(0), g, primal(p)); },
      [&](Graph& g, const std::vector<Value>& p) {
        std::vector<Value> arguments = primal(p);
        for (size_t i = 0; i < count; ++i)
          if (has[i]) arguments.push_back(p[(i < constants ? 0 : first_state) + tangent_of[i]]);
        return ir::inline_graph(*both, g, arguments);
      });
  int next = state;
  for (size_t s = 0; s < state; ++s)
    if (wanted[s]) j.set(s, node->result(next++));
}

/// With a known number of steps it is a scan without slices.
void while_transpose(ir::Transpose& t) {
  const Node& n = t.node;
  const std::optional<int64_t> steps = trip_count(n);
  if (!steps) return transpose_by_tape(t);
  const Dim lengths[] = {Dim(*steps)};
  const int64_t constants = n.attrs.integer("constants");
  const Attr attrs[] = {Attr("length", std::span<const Dim>(lengths)), Attr("constants", constants),
                        Attr("carries", n.operand_count - constants), Attr("reverse", false)};
  const Node* loop = t.graph.add(kScan, n.operands(), attrs, n.regions().subspan(1));
  Flags is_linear(n.operand_count);
  std::vector<Value> cotangents;
  for (uint32_t i = 0; i < n.operand_count; ++i) is_linear[i] = t.is_linear(i);
  for (uint32_t r = 0; r < n.result_count; ++r) cotangents.push_back(t.cotangent(r));
  ir::Transpose scan(*loop, cotangents, is_linear.view());
  scan.transpose_region = t.transpose_region;
  scan.split_region = t.split_region;
  kScan.transpose.fn(scan);
  for (uint32_t i = 0; i < n.operand_count; ++i) t.set(i, scan.contributions()[i]);
}

/// Batching of one while.
struct WhileBatch {
  ir::Vmap& v;
  const Node& n;
  size_t constants;
  Flags is_batched;
  bool differs = false;  ///< whether the condition does between the lanes
  std::vector<Value> fixed, state;

  explicit WhileBatch(ir::Vmap& v)
      : v(v), n(v.node), constants(n.attrs.integer("constants")), is_batched(n.operand_count) {
    for (size_t i = 0; i < n.operand_count; ++i) is_batched[i] = v.is_batched(i);
    for (bool changed = true; changed;) {  // state that differs behind one step does so from the start
      changed = false;
      differs = dependent_results(n.region(0), is_batched.view())[0];
      const std::vector<bool> results = dependent_results(n.region(1), is_batched.view());
      for (size_t s = constants; s < n.operand_count; ++s)
        if (!is_batched[s] && (differs || results[s - constants])) is_batched[s] = changed = true;
    }
    for (size_t i = 0; i < n.operand_count; ++i) {
      const int k = i;
      (i < constants ? fixed : state).push_back(is_batched[i] ? v.batched(k) : v.operand(k));
    }
  }

  /// All lanes run equally often: what does not differ stays as it is, so the number of steps may still follow from
  /// constants.
  void run_together() const {
    const GraphRef condition = v.vmap_region(n.region(0), is_batched.view()),
                   body = v.vmap_region(n.region(1), is_batched.view());
    const Node* node = add_while(
        v.graph, fixed, state,
        [&](Graph& g, const std::vector<Value>& p) {
          if (has_effects(*condition)) ir::inline_graph(*condition, g, p);
          return inline_needed(n.region(0), g, shared(p), n.region(0).results());
        },
        [&](Graph& g, const std::vector<Value>& p) {
          std::vector<Value> next = ir::inline_graph(*body, g, p);
          for (size_t s = 0; s < next.size(); ++s)
            if (!is_batched[constants + s])
              next[s] = inline_needed(n.region(1), g, shared(p), n.region(1).results().subspan(s, 1))[0];
          return next;
        });
    for (size_t s = 0; s < state.size(); ++s) {
      const Value y = node->result(s);
      v.set(s, is_batched[constants + s] ? y : broadcast(y, prepend(v.size, y.shape()), iota_ints(1, y.rank())));
    }
  }

  /// Runs until the last lane has finished; those that have keep their state. Whether a lane goes on is state, too.
  void run_in_lanes() const {
    const GraphRef first = v.vmap_region(n.region(0), is_batched.view());
    Flags with_lanes(n.operand_count + 1, true);
    for (size_t i = 0; i < n.operand_count; ++i) with_lanes[i] = is_batched[i];
    const GraphRef condition = v.vmap_region(*with_lane(n.region(0), n.operand_count), with_lanes.view()),
                   body = v.vmap_region(*with_lane(n.region(1), n.operand_count), with_lanes.view());
    std::vector<Value> start = fixed, all_state = state;
    start.insert(start.end(), state.begin(), state.end());
    all_state.push_back(ir::inline_graph(*first, v.graph, start)[0]);
    const Node* node = add_while(
        v.graph, fixed, all_state,
        [&](Graph&, const std::vector<Value>& p) { return std::vector<Value>{reduce_or(p.back(), {0})}; },
        [&](Graph& g, const std::vector<Value>& p) {
          const Lanes lanes(p.back());
          std::vector<Value> arguments;
          for (size_t i = 0; i < n.operand_count; ++i) arguments.push_back(is_batched[i] ? lanes.given(p[i]) : p[i]);
          arguments.push_back(p.back());
          const std::vector<Value> next = ir::inline_graph(*body, g, arguments);
          std::vector<Value> kept(p);
          for (size_t s = 0; s < next.size(); ++s)
            kept[constants + s] =
                select(broadcast(p.back(), next[s].shape(), ints_span({0})), next[s], p[constants + s]);
          const Value goes_on = p.back() & ir::inline_graph(*condition, g, kept)[0];
          kept.back() = goes_on;
          kept.erase(kept.begin(), kept.begin() + constants);
          return kept;
        });
    for (size_t s = 0; s < state.size(); ++s) v.set(s, node->result(s));
  }

 private:
  /// The parameters that do not differ; null for the others.
  std::vector<Value> shared(std::vector<Value> p) const {
    for (size_t i = 0; i < p.size(); ++i)
      if (is_batched[i]) p[i] = {};
    return p;
  }
};

void while_vmap(ir::Vmap& v) {
  const WhileBatch batch(v);
  batch.differs ? batch.run_in_lanes() : batch.run_together();
}

void while_reference(ir::Reference& r) {
  const size_t constants = r.node.attrs.integer("constants");
  std::vector<HostArray> values(r.operands.begin(), r.operands.end());
  while (r.run(r.node.region(0), values)[0].get_int(0) != 0) {
    auto next = r.run(r.node.region(1), values);
    std::move(next.begin(), next.end(), values.begin() + constants);
  }
  for (size_t s = 0; s < r.results.size(); ++s) r.results[s] = values[constants + s];
}

std::vector<ir::Sample> while_samples() {
  // Doubles x by the constant factor until the counter is 0.
  const Type types[] = {Type::of(DType::f32, {3}), Type::scalar(DType::i32), Type::of(DType::f32, {3})};
  const GraphRef condition = make_region(
      "condition", types, [](Graph&, const std::vector<Value>& p) { return std::vector<Value>{gt<Value>(p[1], 0)}; });
  const GraphRef body = make_region(
      "body", types, [](Graph&, const std::vector<Value>& p) { return std::vector<Value>{p[1] - 1, p[2] * p[0]}; });
  return {{{normal({3}), operand(DType::i32, {}, Domain::Index, 5), normal({3})},
           {Attr("constants", 1)},
           {condition, body}}};
}

}  // namespace

constinit const Op kWhile = {
    .name = "while",
    .family = "control",
    .doc =
        "Runs the second region on (constants, state) to make the next state, as long as the first region gives true "
        "for them; gives the last state. A batch runs until its last example has finished; nothing is seen of those "
        "that have: no check, no print, no derivative.",
    .operands_min = 1,
    .operands_max = -1,
    .region_count = 2,
    .attrs = kWhileAttrs,
    .infer = while_infer,
    .jvp = while_jvp,
    .transpose = while_transpose,
    .vmap = while_vmap,
    .lower = kPlanRunsRegions,
    .reference = while_reference,
    .tolerance = exact(),
    .cost = [](const Node& n) { return cost_of_regions(n, 1); },
    .samples = while_samples,
};

std::vector<Value> while_loop(const std::vector<Value>& constants, const std::vector<Value>& state,
                              const RegionFn& condition, const RegionFn& body) {
  if (state.empty()) throw base::Error(base::code::kOperandCount, "while: there is no state to loop on");
  return results_of(*add_while(state[0].graph(), constants, state, condition, body));
}

}  // namespace strata::ops
