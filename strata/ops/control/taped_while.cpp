// taped_while: the known part of a while runs forward and keeps on a tape what its way back reads; the way back begins
// when it is known how long that is.
//
//   forward    while condition(constants, state):   state, kept = known(constants, state);   tape.push(kept)
//   backward   until the tape is empty:             back = transposed(constants, tape.pop(), back)
//
// The room for the tape is not known before the run, so it belongs to no plan (ir/tape.h).
#include "strata/ops/control/taped_while.h"

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/tape.h"
#include "strata/ops/control/block_sums.h"
#include "strata/ops/control/regions.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/operands/operators.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kTapedWhileAttrs[] = {
    {"constants", AttrKind::Int, "leading operands that are the same at each step"},
    {"state", AttrKind::Int, "operands after them that go forward; the others go backward"}};

template <class T>
std::vector<T> joined(std::span<const T> a, std::span<const T> b) {
  std::vector<T> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

void taped_while_infer(ir::Infer& i) {
  const int64_t constants = i.attrs.integer("constants"), state = i.attrs.integer("state");
  if (constants < 0 || state < 0 || constants > i.count() || state > i.count() - constants)
    i.fail(base::code::kAttributeValue, "more constants and state than operands");
  const std::vector<Type> types = types_of(i.operands);
  const std::span<const Type> all = types;
  const auto fixed = all.first(constants), forward = all.first(constants + state),
             back = all.subspan(constants + state);
  require_parameters(i, *i.regions[0], forward, "operand of the condition");
  require_parameters(i, *i.regions[1], forward, "operand of the step");
  const Type truth[] = {Type::scalar(DType::boolean)};
  require_results(i, *i.regions[0], truth, "result of the condition");
  const std::vector<Type> made = result_types(*i.regions[1]);
  const std::span<const Type> step = made;
  if (std::ssize(made) < state || !std::ranges::equal(step.first(state), forward.subspan(fixed.size())))
    i.fail(base::code::kRegionMismatch, "the step does not begin with the next state");
  const std::vector<Type> read = joined(fixed, step.subspan(state));
  require_parameters(i, *i.regions[2], joined(std::span<const Type>(read), back), "operand of the way back");
  require_results(i, *i.regions[2], back, "state of the way back");
  for (Type t : back) i.result(t);
}

void taped_while_reference(ir::Reference& r) {
  const size_t constants = r.node.attrs.integer("constants"), state = r.node.attrs.integer("state");
  const std::span<const HostArray> fixed = r.operands.first(constants);
  std::vector<HostArray> forward(r.operands.begin(), r.operands.begin() + constants + state);
  ir::Tape tape;
  while (r.run(r.node.region(0), forward)[0].get_int(0) != 0) {
    std::vector<HostArray> next = r.run(r.node.region(1), forward);
    tape.push(std::span(next).subspan(state));
    std::move(next.begin(), next.begin() + state, forward.begin() + constants);
  }
  const auto after = r.operands.subspan(constants + state);
  std::vector<HostArray> back(after.begin(), after.end());
  while (!tape.is_empty()) {
    const std::vector<HostArray> kept = tape.pop(), read = joined(fixed, std::span<const HostArray>(kept));
    back = r.run(r.node.region(2), joined(std::span<const HostArray>(read), std::span<const HostArray>(back)));
  }
  std::ranges::move(back, r.results.begin());
}

std::vector<ir::Sample> taped_while_samples() {
  // Forward y = y * x until the counter is 0; backward the cotangents of x and of the first y.
  const Type t = Type::of(DType::f32, {3}), count = Type::scalar(DType::i32);
  const Type forward[] = {t, count, t}, back[] = {t, t, t, t};
  const GraphRef condition = make_region(
      "condition", forward, [](Graph&, const std::vector<Value>& p) { return std::vector<Value>{gt<Value>(p[1], 0)}; });
  const GraphRef step = make_region("step", forward, [](Graph&, const std::vector<Value>& p) {
    return std::vector<Value>{p[1] - 1, p[2] * p[0], p[2]};
  });
  const GraphRef transposed = make_region("back", back, [](Graph&, const std::vector<Value>& p) {
    return std::vector<Value>{p[2] + p[1] * p[3], p[0] * p[3]};
  });
  return {{{normal({3}), operand(DType::i32, {}, Domain::Index, 5), normal({3}), normal({3}), normal({3})},
           {Attr("constants", 1), Attr("state", 2)},
           {condition, step, transposed}}};
}

/// Makes the node for a while.
class TapedTranspose {
 public:
  explicit TapedTranspose(ir::Transpose& t)
      : t_(t),
        node_(t.node),
        constants_(t.node.attrs.integer("constants")),
        is_linear_(t.node.operand_count),
        has_cotangent_(t.node.result_count) {
    const Graph& body = node_.region(1);
    for (size_t i = 0; i < is_linear_.size(); ++i) is_linear_[i] = t.is_linear(i);
    std::vector<bool> results;
    for (bool changed = true; changed;) {  // state that starts from a known zero becomes linear in the first step
      results = linear_results(body, is_linear_.view());
      changed = false;
      for (size_t s = 0; s < node_.result_count; ++s)
        if (results[s] && !is_linear_[constants_ + s]) is_linear_[constants_ + s] = changed = true;
    }
    for (size_t s = 0; s < node_.result_count; ++s) has_cotangent_[s] = results[s];
    split_ = t.split_region(body, is_linear_.view(), has_cotangent_.view());
    for (size_t i = 0; i < is_linear_.size(); ++i)
      (!is_linear_[i] ? known_ : i < constants_ ? linear_constants_ : linear_state_).push_back(i);
    fixed_ = std::ranges::count_if(known_, [&](size_t i) { return i < constants_; });
    for (size_t r = 0; r < split_.residual_parameter.size(); ++r)
      if (is_taped(r)) taped_.push_back(r);
  }

  void run() {
    std::vector<Value> operands;
    for (size_t i : known_) operands.push_back(t_.operand(i));
    const std::vector<Type> forward = types_of(operands);
    const std::vector<Value> back = first_of_way_back();
    operands.insert(operands.end(), back.begin(), back.end());
    const GraphRef step = step_region(forward);
    std::vector<Type> read(forward.begin(), forward.begin() + fixed_);
    const std::vector<Type> made = result_types(*step);
    read.insert(read.end(), made.end() - std::ssize(taped_), made.end());
    for (const Value& v : back) read.push_back(v.type());
    const Attr attrs[] = {Attr("constants", fixed_), Attr("state", std::ssize(known_) - fixed_)};
    const GraphRef regions[] = {condition_region(forward), step, back_region(read)};
    set_results(*t_.graph.add(kTapedWhile, operands, attrs, regions));
  }

 private:
  /// A residual that is a constant of the loop need not be kept at each step.
  bool is_taped(size_t residual) const {
    const int parameter = split_.residual_parameter[residual];
    return parameter < 0 || parameter >= fixed_;
  }

  /// Sums for constants, cotangents of state, totals, number of steps (BlockSums): the last two where there are sums.
  std::vector<Value> first_of_way_back() const {
    std::vector<Value> back;
    const auto add_zeros = [&] {
      for (size_t i : linear_constants_) back.push_back(full(t_.graph, sum_type(i), 0.0));
    };
    add_zeros();
    for (size_t i : linear_state_) {
      const Value ct = t_.cotangent(i - constants_);
      back.push_back(ct ? ct : full(t_.graph, t_.operand_type(i), 0.0));
    }
    add_zeros();
    if (!linear_constants_.empty()) back.push_back(scalar(t_.graph, DType::i64, 0));
    return back;
  }
  /// Half floats add up in f32.
  Type sum_type(size_t operand) const {
    const Type type = t_.operand_type(operand);
    return type.with_dtype(accumulation_dtype(type.dtype()));
  }

  GraphRef condition_region(std::span<const Type> types) const {
    return make_region("condition", types, [&](Graph& g, const std::vector<Value>& p) {
      std::vector<Value> arguments(is_linear_.size());
      for (size_t k = 0; k < known_.size(); ++k) arguments[known_[k]] = p[k];
      return inline_needed(node_.region(0), g, arguments, node_.region(0).results());
    });
  }

  GraphRef step_region(std::span<const Type> types) const {
    return make_region("step", types, [&](Graph& g, const std::vector<Value>& p) {
      const std::vector<Value> results = ir::inline_graph(*split_.known, g, p);
      std::vector<Value> ordered;
      size_t next = 0;
      for (size_t s = 0; s < node_.result_count; ++s) {
        if (split_.result_is_linear[s]) continue;
        if (!is_linear_[constants_ + s]) ordered.push_back(results[next]);
        ++next;
      }
      for (size_t r : taped_) ordered.push_back(results[next + r]);
      return ordered;
    });
  }

  GraphRef back_region(std::span<const Type> types) const {
    return make_region("back", types, [&](Graph& g, const std::vector<Value>& p) {
      const size_t sums = fixed_ + taped_.size(), count = linear_constants_.size(), cotangents = sums + count,
                   totals = cotangents + linear_state_.size();
      std::vector<Value> arguments;
      size_t next_taped = fixed_;
      for (size_t r = 0; r < split_.residual_parameter.size(); ++r)
        arguments.push_back(is_taped(r) ? p[next_taped++] : p[split_.residual_parameter[r]]);
      for (size_t s = 0; s < linear_state_.size(); ++s)
        if (has_cotangent_[linear_state_[s] - constants_]) arguments.push_back(p[cotangents + s]);
      std::vector<Value> results = ir::inline_graph(*split_.transposed, g, arguments);
      if (count == 0) return results;
      const auto part = [&](size_t first) { return std::vector<Value>(p.begin() + first, p.begin() + first + count); };
      BlockSums block{part(sums), part(totals), p.back()};
      block.add_step(std::span(results).first(count));
      std::ranges::copy(block.sums, results.begin());
      results.insert(results.end(), block.totals.begin(), block.totals.end());
      results.push_back(block.steps);
      return results;
    });
  }

  void set_results(const Node& made) {
    const size_t count = linear_constants_.size(), totals = count + linear_state_.size();
    const auto result = [&](size_t r) { return made.result(r); };
    for (size_t c = 0; c < count; ++c) {
      const int i = linear_constants_[c];
      if (t_.is_linear(i)) t_.set(i, cast(result(totals + c) + result(c), t_.operand_type(i).dtype()));
    }
    for (size_t s = 0; s < linear_state_.size(); ++s)
      if (const int i = linear_state_[s]; t_.is_linear(i)) t_.set(i, result(count + s));
  }

  ir::Transpose& t_;
  const Node& node_;
  size_t constants_;
  Flags is_linear_, has_cotangent_;
  ir::SplitRegion split_;
  std::vector<size_t> known_, linear_constants_, linear_state_;  ///< operands of the while
  int64_t fixed_ = 0;                                            ///< known ones that are constants of the loop
  std::vector<size_t> taped_;                                    ///< residuals
};

}  // namespace

constinit const Op kTapedWhile = {
    .name = "taped_while",
    .family = "control",
    .doc =
        "The way back of a while. Runs the second region on (constants, state) as long as the first gives true for "
        "them: it gives the next state and what the step keeps. Then, for each step from the last to the first, the "
        "third on (constants, what the step kept, state of the way back) for the next state of the way back; gives the "
        "last one. What the steps keep takes memory in proportion to their number, beside the plan's.",
    .operands_min = 0,
    .operands_max = -1,
    .region_count = 3,
    .attrs = kTapedWhileAttrs,
    .infer = taped_while_infer,
    .jvp = ir::refuse("a derivative of the way back of a while: give the loop a known number of steps, or use scan"),
    .transpose = ir::refuse("see jvp"),
    .vmap = ir::refuse("the examples of a batch may take different numbers of steps: batch the loop, and take its "
                       "gradient then"),
    .lower = kPlanRunsRegions,
    .reference = taped_while_reference,
    .tolerance = exact(),
    .cost = [](const Node& n) { return cost_of_regions(n, 1); },
    .samples = taped_while_samples,
};

void transpose_by_tape(ir::Transpose& t) { TapedTranspose(t).run(); }

}  // namespace strata::ops
