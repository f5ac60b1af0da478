// custom_vjp, custom_jvp and checkpoint.
//
// Reverse mode transposes tangents, so a function with its own reverse mode needs a tangent that knows its transpose:
//
//   custom_vjp --jvp--> forward region inlined, which gives the residuals
//                       custom_vjp_tangent(operands, tangents, residuals)   body: the tangents of the function's own
//   custom_vjp_tangent --transpose--> backward region inlined
//
// In forward mode the tangent stays and means its body, so forward mode through a custom_vjp is that of the function
// itself.
#include "strata/ops/control/custom_gradient.h"

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/transform_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/regions.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kInputsAttrs[] = {
    {"inputs", AttrKind::Int, "leading operands that have derivatives; behind them are the captures"}};
constexpr AttrSpec kTangentAttrs[] = {
    {"inputs", AttrKind::Int, "leading operands: the inputs of the function"},
    {"captures", AttrKind::Int, "operands behind them"},
    {"tangents", AttrKind::Int, "operands behind these: tangents of the float inputs, then residuals"}};

using Values = std::vector<Value>;

std::vector<Type> floats_of(std::span<const Type> types) {
  std::vector<Type> list;
  for (Type t : types)
    if (is_float(t.dtype())) list.push_back(t);
  return list;
}

void append_to(std::vector<Type>& list, std::span<const Type> more) {
  list.insert(list.end(), more.begin(), more.end());
}

void infer_body(ir::Infer& i) {
  require_parameters(i, *i.regions[0], types_of(i.operands), "operand");
  for (Type t : result_types(*i.regions[0])) i.result(t);
}

std::span<const Type> inputs_of(const ir::Infer& i, const std::vector<Type>& types) {
  const int64_t inputs = i.attrs.integer("inputs");
  if (inputs < 0 || inputs > i.count()) i.fail(base::code::kAttributeValue, "more inputs than operands");
  return std::span(types).first(inputs);
}

void custom_vjp_infer(ir::Infer& i) {
  infer_body(i);
  const auto types = types_of(i.operands), outputs = result_types(*i.regions[0]), made = result_types(*i.regions[1]);
  const auto inputs = inputs_of(i, types);
  require_parameters(i, *i.regions[1], types, "operand of the forward function");
  if (made.size() < outputs.size() || !std::equal(outputs.begin(), outputs.end(), made.begin()))
    i.fail(base::code::kRegionMismatch, "the forward function gives other results than the function");
  std::vector<Type> backward(made.begin() + std::ssize(outputs), made.end());
  append_to(backward, floats_of(outputs));
  append_to(backward, std::span(types).subspan(inputs.size()));
  require_parameters(i, *i.regions[2], backward, "operand of the backward function");
  require_results(i, *i.regions[2], floats_of(inputs), "cotangent that the backward function gives");
}

void custom_jvp_infer(ir::Infer& i) {
  infer_body(i);
  const auto types = types_of(i.operands);
  const auto inputs = inputs_of(i, types);
  std::vector<Type> rule(inputs.begin(), inputs.end());
  append_to(rule, floats_of(inputs));
  append_to(rule, std::span(types).subspan(inputs.size()));
  require_parameters(i, *i.regions[1], rule, "operand of the derivative's rule");
  require_results(i, *i.regions[1], floats_of(result_types(*i.regions[0])), "tangent that the derivative's rule gives");
}

void tangent_infer(ir::Infer& i) {
  for (Type t : result_types(*i.regions[0])) i.result(t);
}

/// Bodies that users write have no name of their own; those of attention_with_score() and its like have theirs.
bool is_users_own(const Node& node) { return node.region(0).name() == "body"; }
std::string who_has_captures(const Node& node) {
  return is_users_own(node) ? std::string(node.op->name) : node.region(0).name();
}

/// A rule speaks of the inputs only.
void refuse_captures(const ir::Jvp& j, size_t inputs) {
  for (size_t k = inputs; k < j.node.operand_count; ++k)
    if (j.has(k))
      throw base::Error(
          base::code::kIncompleteDerivative,
          who_has_captures(j.node) +
              ": differentiated with respect to a tensor that the function captures: " + j.operand(k).type().str())
          .note("recorded at " + j.node.where.str())
          .hint(is_users_own(j.node) ? "pass it as an argument, or capture stop_gradient of it"
                                     : "capture stop_gradient of it");
}

std::vector<Value> tangents_of_inputs(const ir::Jvp& j, size_t inputs) {
  std::vector<Value> tangents;
  for (size_t k = 0; k < inputs; ++k)
    if (is_float(j.operand(k).dtype())) tangents.push_back(j.tangent(k));
  return tangents;
}

/// (parameters of the region, tangents of the marked ones) -> tangents of its results, of those marked in `wanted`.
GraphRef tangent_region(const ir::Jvp& j, const Graph& region, std::span<const bool> marked, std::vector<bool>& wanted,
                        bool all_floats) {
  std::vector<bool> has;
  const size_t primal = region.results().size();
  GraphRef both = j.jvp_region(region, marked, has);
  wanted = has;
  for (size_t r = 0; r < primal; ++r)
    if (all_floats) wanted[r] = is_float(region.results()[r].dtype());
  both = with_tangents(both, primal, has, wanted);
  const GraphRef tangents = make_region(both->name(), parameter_types(*both), [&](Graph& g, const Values& p) {
    for (const ir::SymbolFact& fact : both->facts().all()) g.facts().add(fact);
    const Values all = ir::inline_graph(*both, g, p);
    return Values(all.begin() + primal, all.end());
  });
  return ir::copy_graph(*tangents);  // what only the primal results need is left out, checks of given rules are not
}

void custom_vjp_jvp(ir::Jvp& j) {
  const Node& n = j.node;
  const int64_t inputs = n.attrs.integer("inputs");
  refuse_captures(j, inputs);
  Flags marked(n.operand_count);
  for (int64_t k = 0; k < inputs; ++k) marked[k] = is_float(j.operand(k).dtype());
  std::vector<bool> wanted;
  const GraphRef regions[] = {tangent_region(j, n.region(0), marked.view(), wanted, true), n.regions()[2]};
  std::vector<Value> operands(n.operands().begin(), n.operands().end());
  const std::vector<Value> tangents = tangents_of_inputs(j, inputs),
                           made = ir::inline_graph(n.region(1), j.graph, n.operands());
  operands.insert(operands.end(), tangents.begin(), tangents.end());
  operands.insert(operands.end(), made.begin() + n.result_count, made.end());
  const Attr attrs[] = {Attr("inputs", inputs), Attr("captures", n.operand_count - inputs),
                        Attr("tangents", std::ssize(tangents))};
  const Node* node = j.graph.add(kCustomVjpTangent, operands, attrs, regions);
  int next = 0;
  for (size_t r = 0; r < wanted.size(); ++r)
    if (wanted[r]) j.set(r, node->result(next++));
}

void tangent_transpose(ir::Transpose& t) {
  const Node& n = t.node;
  const size_t inputs = n.attrs.integer("inputs"), captures = n.attrs.integer("captures"),
               tangents = n.attrs.integer("tangents"), first = inputs + captures;
  const auto operands = n.operands();
  std::vector<Value> arguments(operands.begin() + first + tangents, operands.end());
  for (uint32_t r = 0; r < n.result_count; ++r)
    arguments.push_back(t.cotangent(r) ? t.cotangent(r) : full(t.graph, n.type(r), 0.0));
  arguments.insert(arguments.end(), operands.begin() + inputs, operands.begin() + first);
  const std::vector<Value> cotangents = ir::inline_graph(n.region(1), t.graph, arguments);
  for (size_t k = 0; k < tangents; ++k)
    if (t.is_linear(first + k)) t.set(first + k, cotangents[k]);
}

/// Forward mode over forward mode: of the body, which reads operands and tangents but no residuals.
void tangent_jvp(ir::Jvp& j) {
  const Node& n = j.node;
  const size_t count = n.region(0).parameters().size();
  Flags marked(count);
  std::vector<Value> arguments(n.operands().begin(), n.operands().begin() + count);
  for (size_t k = 0; k < count; ++k)
    if ((marked[k] = j.has(k))) arguments.push_back(j.tangent(k));
  std::vector<bool> has;
  const std::vector<Value> results =
      ir::inline_graph(*tangent_region(j, n.region(0), marked.view(), has, false), j.graph, arguments);
  size_t next = 0;
  for (size_t r = 0; r < has.size(); ++r)
    if (has[r]) j.set(r, results[next++]);
}

void custom_jvp_jvp(ir::Jvp& j) {
  const Node& n = j.node;
  const size_t inputs = n.attrs.integer("inputs");
  refuse_captures(j, inputs);
  std::vector<Value> arguments(n.operands().begin(), n.operands().begin() + inputs);
  const std::vector<Value> tangents = tangents_of_inputs(j, inputs);
  arguments.insert(arguments.end(), tangents.begin(), tangents.end());
  arguments.insert(arguments.end(), n.operands().begin() + inputs, n.operands().end());
  const std::vector<Value> made = ir::inline_graph(n.region(1), j.graph, arguments);
  size_t next = 0;
  for (uint32_t r = 0; r < n.result_count; ++r)
    if (is_float(n.type(r).dtype())) j.set(r, made[next++]);
}

void checkpoint_jvp(ir::Jvp& j) {
  const Node& n = j.node;
  Flags marked(n.operand_count);
  std::vector<Value> operands(n.operands().begin(), n.operands().end());
  for (uint32_t k = 0; k < n.operand_count; ++k)
    if ((marked[k] = j.has(k))) operands.push_back(j.tangent(k));
  std::vector<bool> has;
  const std::vector<Value> tangents =
      checkpoint(j.graph, tangent_region(j, n.region(0), marked.view(), has, false), operands);
  size_t next = 0;
  for (size_t r = 0; r < has.size(); ++r)
    if (has[r]) j.set(r, tangents[next++]);
}

/// The known operands go through barriers: what is computed from them again stays apart from the first computation.
void checkpoint_transpose(ir::Transpose& t) {
  const Node& n = t.node;
  Flags is_linear(n.operand_count), has_cotangent(n.result_count);
  std::vector<Value> arguments;
  for (uint32_t i = 0; i < n.operand_count; ++i) {
    const Value x = n.operand(i);
    if (!(is_linear[i] = t.is_linear(i))) arguments.push_back(barrier({&x, 1})[0]);
  }
  for (uint32_t r = 0; r < n.result_count; ++r)
    if ((has_cotangent[r] = static_cast<bool>(t.cotangent(r)))) arguments.push_back(t.cotangent(r));
  const GraphRef back = t.transpose_region(n.region(0), is_linear.view(), has_cotangent.view());
  const std::vector<Value> cotangents = ir::inline_graph(*back, t.graph, arguments);
  size_t next = 0;
  for (uint32_t i = 0; i < n.operand_count; ++i)
    if (is_linear[i]) t.set(i, cotangents[next++]);
}

/// Every operand and result over the batch, in every region.
void vmap_all(ir::Vmap& v) {
  const Node& n = v.node;
  std::vector<Value> operands;
  for (uint32_t i = 0; i < n.operand_count; ++i) operands.push_back(v.batched(i));
  std::vector<GraphRef> regions;
  for (const GraphRef& region : n.regions())
    regions.push_back(v.vmap_region(*region, Flags(region->parameters().size(), true).view()));
  set_all(v, results_of(*v.graph.add(*n.op, operands, n.attrs.all(), regions)));
}

Type three() { return Type::of(DType::f32, {3}); }

std::vector<ir::Sample> custom_vjp_samples() {
  const Type one[] = {three()}, two[] = {three(), three()};
  const GraphRef body = make_region("body", one, [](Graph&, const Values& p) { return Values{p[0] * p[0]}; });
  const GraphRef forward =
      make_region("forward", one, [](Graph&, const Values& p) { return Values{p[0] * p[0], p[0] * 2.0}; });
  const GraphRef backward = make_region("backward", two, [](Graph&, const Values& p) { return Values{p[0] * p[1]}; });
  return {{{normal({3})}, {Attr("inputs", 1)}, {body, forward, backward}}};
}

std::vector<ir::Sample> custom_jvp_samples() {
  const Type one[] = {three()}, two[] = {three(), three()};
  const GraphRef body = make_region("body", one, [](Graph&, const Values& p) { return Values{p[0] * p[0]}; });
  const GraphRef rule = make_region("rule", two, [](Graph&, const Values& p) { return Values{p[0] * 2.0 * p[1]}; });
  return {{{normal({3})}, {Attr("inputs", 1)}, {body, rule}}};
}

std::vector<ir::Sample> checkpoint_samples() {
  const Type two[] = {three(), three()};
  const GraphRef body =
      make_region("body", two, [](Graph&, const Values& p) { return Values{exp(p[0] * p[1]) * p[1], p[0]}; });
  return {{{normal({3}), normal({3})}, {}, {body}}};
}

constexpr Op custom_vjp_block() {
  Op op = body_block("custom_vjp", 3,
                     "The first region on the operands. Its reverse mode is the second region, which also gives "
                     "residuals, and the third, which makes cotangents of the float inputs from them; its forward mode "
                     "is that of the first region.");
  op.attrs = kInputsAttrs;
  op.infer = custom_vjp_infer;
  op.jvp = custom_vjp_jvp;
  op.transpose = kNotLinear;
  op.vmap = vmap_all;
  op.samples = custom_vjp_samples;
  return op;
}

constexpr Op tangent_block() {
  Op op = body_block("custom_vjp_tangent", 2,
                     "The tangents of a custom_vjp: the first region on the inputs, captures and tangents. Transposed "
                     "it is the second region on the residuals and cotangents. Only derivatives make it.");
  op.attrs = kTangentAttrs;
  op.infer = tangent_infer;
  op.jvp = tangent_jvp;
  op.transpose = tangent_transpose;
  op.vmap = vmap_all;
  op.samples = refuse("only the derivative of a custom_vjp makes it, whose samples test both");
  return op;
}

constexpr Op custom_jvp_block() {
  Op op = body_block("custom_jvp", 2,
                     "The first region on the operands; the second gives the tangents of its float results from the "
                     "inputs and their tangents.");
  op.attrs = kInputsAttrs;
  op.infer = custom_jvp_infer;
  op.jvp = custom_jvp_jvp;
  op.transpose = kNotLinear;
  op.vmap = vmap_all;
  op.samples = custom_jvp_samples;
  return op;
}

constexpr Op checkpoint_block() {
  Op op = body_block("checkpoint", 1,
                     "Its region on the operands. Reverse mode keeps nothing of it but the operands and computes what "
                     "it needs again.");
  op.infer = infer_body;
  op.jvp = checkpoint_jvp;
  op.transpose = checkpoint_transpose;
  op.vmap = vmap_all;
  op.samples = checkpoint_samples;
  return op;
}

}  // namespace

constinit const Op kCustomVjp = custom_vjp_block();
constinit const Op kCustomVjpTangent = tangent_block();
constinit const Op kCustomJvp = custom_jvp_block();
constinit const Op kCheckpoint = checkpoint_block();

namespace {

std::vector<Value> add_custom(Graph& graph, const Op& op, std::span<const GraphRef> regions,
                              std::span<const Value> inputs, std::span<const Value> captures) {
  std::vector<Value> operands(inputs.begin(), inputs.end());
  operands.insert(operands.end(), captures.begin(), captures.end());
  const Attr attrs[] = {Attr("inputs", std::ssize(inputs))};
  return results_of(*graph.add(op, operands, attrs, regions));
}

}  // namespace

std::vector<Value> custom_vjp(Graph& graph, const CustomVjpRegions& r, std::span<const Value> inputs,
                              std::span<const Value> captures) {
  const GraphRef regions[] = {r.body, r.forward, r.backward};
  return add_custom(graph, kCustomVjp, regions, inputs, captures);
}

std::vector<Value> custom_jvp(Graph& graph, GraphRef body, GraphRef rule, std::span<const Value> inputs,
                              std::span<const Value> captures) {
  const GraphRef regions[] = {std::move(body), std::move(rule)};
  return add_custom(graph, kCustomJvp, regions, inputs, captures);
}

Value with_slope(Value x, const Formula& value, const Formula& slope) {
  const Type one[] = {x.type()}, two[] = {x.type(), x.type()};
  const GraphRef body = make_region("value", one, [&](Graph&, const Values& p) { return Values{value(p[0])}; });
  const GraphRef rule = make_region("slope", two, [&](Graph&, const Values& p) { return Values{p[1] * slope(p[0])}; });
  return custom_jvp(x.graph(), body, rule, {&x, 1}, {})[0];
}

Value with_slopes(Value x, Value y, const PairFormula& value, const PairFormula& slope_x, const PairFormula& slope_y) {
  const Type two[] = {x.type(), y.type()}, four[] = {x.type(), y.type(), x.type(), y.type()};
  const Value inputs[] = {x, y};
  const GraphRef body = make_region("value", two, [&](Graph&, const Values& p) { return Values{value(p[0], p[1])}; });
  const GraphRef rule = make_region("slopes", four, [&](Graph&, const Values& p) {
    return Values{p[2] * slope_x(p[0], p[1]) + p[3] * slope_y(p[0], p[1])};
  });
  return custom_jvp(x.graph(), body, rule, inputs, {})[0];
}

std::vector<Value> checkpoint(Graph& graph, GraphRef body, std::span<const Value> operands) {
  const GraphRef regions[] = {std::move(body)};
  return results_of(*graph.add(kCheckpoint, operands, {}, regions));
}

}  // namespace strata::ops
