// call and composite: a region run once. A composite has a name that a backend may claim; every transform uses its
// body.
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/regions.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kCompositeAttrs[] = {{"name", AttrKind::Text, "the composite's name; attributes of its own follow"}};

void call_infer(ir::Infer& i) {
  require_parameters(i, *i.regions[0], types_of(i.operands), "operand");
  for (Type t : result_types(*i.regions[0])) i.result(t);
}

void composite_infer(ir::Infer& i) {
  const Attr* name = i.attrs.find("name");
  if (!name || name->kind != AttrKind::Text || name->count == 0)
    i.fail(base::code::kUndeclaredAttributes, "a composite has the attribute 'name'");
  call_infer(i);
}

Node* add_call(GraphRef body, std::span<const Value> operands, Graph& graph) {
  const GraphRef regions[] = {std::move(body)};
  return graph.add(kCall, operands, {}, regions);
}

void call_jvp(ir::Jvp& j) {
  const Node& n = j.node;
  Flags has(n.operand_count);
  std::vector<Value> operands(n.operands().begin(), n.operands().end());
  for (uint32_t i = 0; i < n.operand_count; ++i)
    if ((has[i] = j.has(i))) operands.push_back(j.tangent(i));
  std::vector<bool> results;
  const Node* both = add_call(j.jvp_region(n.region(0), has.view(), results), operands, j.graph);
  int next = n.result_count;
  for (size_t r = 0; r < results.size(); ++r)
    if (results[r]) j.set(r, both->result(next++));
}

void call_transpose(ir::Transpose& t) {
  const Node& n = t.node;
  Flags is_linear(n.operand_count), has_cotangent(n.result_count);
  std::vector<Value> operands;
  for (uint32_t i = 0; i < n.operand_count; ++i)
    if (!(is_linear[i] = t.is_linear(i))) operands.push_back(n.operand(i));
  for (uint32_t r = 0; r < n.result_count; ++r)
    if ((has_cotangent[r] = static_cast<bool>(t.cotangent(r)))) operands.push_back(t.cotangent(r));
  const Node* back =
      add_call(t.transpose_region(n.region(0), is_linear.view(), has_cotangent.view()), operands, t.graph);
  int next = 0;
  for (uint32_t i = 0; i < n.operand_count; ++i)
    if (is_linear[i]) t.set(i, back->result(next++));
}

/// The batched region and its operands.
std::pair<GraphRef, std::vector<Value>> batched_region(ir::Vmap& v) {
  Flags is_batched(v.node.operand_count);
  std::vector<Value> operands;
  for (uint32_t i = 0; i < v.node.operand_count; ++i) {
    is_batched[i] = v.is_batched(i);
    operands.push_back(v.operand(i));
  }
  return {v.vmap_region(v.node.region(0), is_batched.view()), std::move(operands)};
}

void call_vmap(ir::Vmap& v) {
  auto [region, operands] = batched_region(v);
  set_all(v, results_of(*add_call(std::move(region), operands, v.graph)));
}

/// The batched body in place of the composite: the attributes speak of the axes that it had before.
void composite_vmap(ir::Vmap& v) {
  const auto [region, operands] = batched_region(v);
  set_all(v, ir::inline_graph(*region, v.graph, operands));
}

GraphRef square_plus_one() {
  const Type types[] = {Type::of(DType::f32, {3})};
  return make_region("body", types,
                     [](Graph&, const std::vector<Value>& p) { return std::vector<Value>{p[0] * p[0] + 1.0}; });
}

std::vector<ir::Sample> call_samples() { return {{{normal({3})}, {}, {square_plus_one()}}}; }
std::vector<ir::Sample> composite_samples() {
  return {{{normal({3})}, {Attr("name", "square_plus_one")}, {square_plus_one()}}};
}

constexpr Op call_block(std::string_view name, std::string_view doc) {
  Op op = body_block(name, 1, doc);
  op.infer = call_infer;
  op.jvp = call_jvp;
  op.transpose = call_transpose;
  op.vmap = call_vmap;
  op.samples = call_samples;
  return op;
}
constexpr Op composite_block() {
  Op op = call_block("composite",
                     "Runs its region on the operands. `name` and the attributes behind it say what the body computes, "
                     "for backends that know a better way; every transform uses the body.");
  op.attrs = kCompositeAttrs;
  op.infer = composite_infer;
  op.vmap = composite_vmap;
  op.samples = composite_samples;
  return op;
}

}  // namespace

constinit const Op kCall = call_block("call", "Runs its region on the operands; the results are the region's.");
constinit const Op kComposite = composite_block();

std::vector<Value> call_graph(GraphRef body, const std::vector<Value>& operands) {
  if (operands.empty()) throw base::Error(base::code::kOperandCount, "call: takes at least one operand");
  return results_of(*add_call(std::move(body), operands, operands[0].graph()));
}

std::vector<Value> composite(std::string_view name, std::span<const Attr> attrs, const std::vector<Value>& operands,
                             GraphRef body) {
  if (operands.empty()) throw base::Error(base::code::kOperandCount, "composite: takes at least one operand");
  std::vector<Attr> all{Attr("name", name)};
  all.insert(all.end(), attrs.begin(), attrs.end());
  const GraphRef regions[] = {std::move(body)};
  return results_of(*operands[0].graph().add(kComposite, operands, all, regions));
}

}  // namespace strata::ops
