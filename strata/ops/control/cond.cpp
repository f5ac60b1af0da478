// cond: one of two regions, chosen by a bool scalar.
#include "strata/base/error/codes/ir_codes.h"
#include "strata/ops/control/lanes.h"
#include "strata/ops/control/regions.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"

namespace strata::ops {
namespace {

void cond_infer(ir::Infer& i) {
  if (!(i.type(0) == Type::scalar(DType::boolean)))
    i.fail(base::code::kRegionMismatch, "the condition is a bool scalar, found " + i.type(0).str());
  const auto types = types_of(i.operands.subspan(1));
  require_parameters(i, *i.regions[0], types, "operand of the first region");
  require_parameters(i, *i.regions[1], types, "operand of the second region");
  require_results(i, *i.regions[1], result_types(*i.regions[0]), "result of the second region");
  for (Type t : result_types(*i.regions[0])) i.result(t);
}

Node* add_cond(std::span<const Value> operands, GraphRef then, GraphRef otherwise) {
  const GraphRef regions[] = {std::move(then), std::move(otherwise)};
  return operands[0].graph().add(kCond, operands, {}, regions);
}

void cond_jvp(ir::Jvp& j) {
  const Node& n = j.node;
  Flags has(n.operand_count - 1);
  std::vector<Value> operands(n.operands().begin(), n.operands().end());
  for (uint32_t i = 1; i < n.operand_count; ++i)
    if ((has[i - 1] = j.has(i))) operands.push_back(j.tangent(i));
  std::vector<bool> first, second, either;
  const GraphRef then = j.jvp_region(n.region(0), has.view(), first),
                 otherwise = j.jvp_region(n.region(1), has.view(), second);
  for (size_t r = 0; r < first.size(); ++r) either.push_back(first[r] || second[r]);
  const Node* both = add_cond(operands, with_tangents(then, n.result_count, first, either),
                              with_tangents(otherwise, n.result_count, second, either));
  int next = n.result_count;
  for (size_t r = 0; r < either.size(); ++r)
    if (either[r]) j.set(r, both->result(next++));
}

void cond_transpose(ir::Transpose& t) {
  const Node& n = t.node;
  Flags is_linear(n.operand_count - 1), has_cotangent(n.result_count);
  std::vector<Value> operands{n.operand(0)};
  for (uint32_t i = 1; i < n.operand_count; ++i)
    if (!(is_linear[i - 1] = t.is_linear(i))) operands.push_back(n.operand(i));
  for (uint32_t r = 0; r < n.result_count; ++r)
    if ((has_cotangent[r] = static_cast<bool>(t.cotangent(r)))) operands.push_back(t.cotangent(r));
  const Node* back = add_cond(operands, t.transpose_region(n.region(0), is_linear.view(), has_cotangent.view()),
                              t.transpose_region(n.region(1), is_linear.view(), has_cotangent.view()));
  int next = 0;
  for (uint32_t i = 1; i < n.operand_count; ++i)
    if (is_linear[i - 1]) t.set(i, back->result(next++));
}

/// A condition per example runs both regions, each for its lanes, and selects.
void cond_vmap(ir::Vmap& v) {
  const Node& n = v.node;
  if (v.is_batched(0)) {
    const Value takes = v.operand(0);
    const std::vector<Value> a = run_in_lanes(v, n.region(0), 1, Lanes(takes)),
                             b = run_in_lanes(v, n.region(1), 1, Lanes(bitwise_not(takes)));
    for (size_t r = 0; r < a.size(); ++r) v.set(r, select(broadcast(takes, a[r].shape(), ints_span({0})), a[r], b[r]));
    return;
  }
  Flags is_batched(n.operand_count - 1);
  std::vector<Value> operands{v.operand(0)};
  for (uint32_t i = 1; i < n.operand_count; ++i) {
    is_batched[i - 1] = v.is_batched(i);
    operands.push_back(v.operand(i));
  }
  const GraphRef then = v.vmap_region(n.region(0), is_batched.view()),
                 otherwise = v.vmap_region(n.region(1), is_batched.view());
  set_all(v, results_of(*add_cond(operands, then, otherwise)));
}

void cond_reference(ir::Reference& r) {
  auto results = r.run(r.node.region(r.operands[0].get_int(0) != 0 ? 0 : 1), r.operands.subspan(1));
  for (size_t k = 0; k < results.size(); ++k) r.results[k] = std::move(results[k]);
}

std::vector<ir::Sample> cond_samples() {
  const Type types[] = {Type::of(DType::f32, {3}), Type::of(DType::f32, {3})};
  const GraphRef product =
      make_region("then", types, [](Graph&, const std::vector<Value>& p) { return std::vector<Value>{p[0] * p[1]}; });
  const GraphRef first =
      make_region("else", types, [](Graph&, const std::vector<Value>& p) { return std::vector<Value>{p[0]}; });
  return {{{operand(DType::boolean, {}), normal({3}), normal({3})}, {}, {product, first}}};
}

}  // namespace

constinit const Op kCond = {
    .name = "cond",
    .family = "control",
    .doc =
        "Runs the first region on the operands behind the bool scalar if it is true, else the second; only that one "
        "runs. In a batch each region counts for the lanes that take it: prints, checks, positions out of range and "
        "derivatives of the others are not seen.",
    .operands_min = 1,
    .operands_max = -1,
    .region_count = 2,
    .types = ir::kBool,
    .infer = cond_infer,
    .jvp = cond_jvp,
    .transpose = cond_transpose,
    .vmap = cond_vmap,
    .lower = kPlanRunsRegions,
    .reference = cond_reference,
    .tolerance = exact(),
    .cost = [](const Node& n) { return cost_of_regions(n, 1); },
    .samples = cond_samples,
};

std::vector<Value> cond(Value condition, const std::vector<Value>& operands, const RegionFn& then,
                        const RegionFn& otherwise) {
  const auto types = types_of(operands);
  std::vector<Value> all{condition};
  all.insert(all.end(), operands.begin(), operands.end());
  return results_of(*add_cond(all, make_region("then", types, then), make_region("else", types, otherwise)));
}

}  // namespace strata::ops
