// stop_gradient, barrier, print and check: nodes that compute nothing.
#include <algorithm>
#include <cstring>
#include <optional>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/facets/status.h"

namespace strata::ops {
namespace {

constexpr ir::AttrSpec kPrintAttrs[] = {{"label", ir::AttrKind::Text, "printed before the value"}};
constexpr ir::AttrSpec kCheckAttrs[] = {{"message", ir::AttrKind::Text, "what is wrong when an element is false"}};

void barrier_infer(ir::Infer& i) {
  for (const Value& x : i.operands) i.result(x.type());
}

/// One operand: its memory, at no cost. A barrier that ties several together copies them.
void barrier_lower(ir::Lowering& l) {
  if (l.node.operand_count == 1) return l.alias(0);
  for (uint32_t i = 0; i < l.node.operand_count; ++i)
    l.element(i, [&l, i](std::span<const Expr> index) { return l.operand(i, index); });
}

std::vector<ir::Sample> barrier_samples() {
  return in_every_dtype({{{{Type::scalar(DType::f32)}}, {}, {}},
                         {{{Type::of(DType::f32, {3})}, {Type::of(DType::i32, {2, 2})}}, {}, {}}});
}

/// The second operand of an effect says for each index of the leading axes whether it counts; left out: all do.
void effect_infer(ir::Infer& i) {
  if (i.count() == 1) return;
  const auto all = i.type(0).shape(), counted = i.type(1).shape();
  if (!ir::is_bool(i.type(1).dtype()) || counted.size() > all.size() ||
      !std::equal(counted.begin(), counted.end(), all.begin()))
    i.fail(base::code::kOperandShapes,
           "what counts is a bool for the leading axes of " + i.type(0).str() + ", found " + i.type(1).str());
}

bool counts(const ir::Reference& r, int64_t element) {
  if (r.operands.size() == 1) return true;
  return r.operands[1].get_int(element / (r.operands[0].elements() / r.operands[1].elements())) != 0;
}

/// What counts of a printed value: all of it, or the entries that do as one array; nothing if none does.
std::optional<HostArray> counted(const ir::Reference& r) {
  const HostArray& x = r.operands[0];
  if (r.operands.size() == 1) return x;
  const HostArray& mask = r.operands[1];
  std::vector<int64_t> which;
  for (int64_t i = 0; i < mask.elements(); ++i)
    if (mask.get_int(i) != 0) which.push_back(i);
  if (which.empty()) return std::nullopt;
  std::vector<int64_t> shape(x.shape().begin() + mask.rank(), x.shape().end());
  if (mask.rank() > 0) shape.insert(shape.begin(), std::ssize(which));
  HostArray y(x.dtype(), shape);
  const int64_t bytes = y.bytes() / std::ssize(which);
  for (int64_t k = 0; k < std::ssize(which); ++k) std::memcpy(y.data() + k * bytes, x.data() + which[k] * bytes, bytes);
  return y;
}

void print_reference(ir::Reference& r) {
  if (!r.print) return;
  if (const auto shown = counted(r)) r.print(std::string(r.node.attrs.text("label")) + " " + shown->str());
}

void check_reference(ir::Reference& r) {
  for (int64_t i = 0; i < r.operands[0].elements(); ++i)
    if (!r.operands[0].get_int(i) && counts(r, i)) {
      base::Error error(base::code::kFailedCheck, "check failed at element " + std::to_string(i) + ": " +
                                                      std::string(r.node.attrs.text("message")));
      if (const std::string where = r.node.where.str(); !where.empty()) error.note("recorded at " + where);
      throw error;
    }
}

/// One check per element, in order; the status keeps the first that failed.
std::vector<ir::loops::StmtPtr> check_statements(ir::Lowering& l) {
  using namespace ir::loops;
  LoopContext& c = l.context;
  const Type type = l.node.operand(0).type();
  std::vector<const LoopVar*> vars;
  std::vector<Expr> index;
  Expr flat = c.i64(0);
  for (int a = 0; a < type.rank(); ++a) {
    vars.push_back(c.loop_var("i" + std::to_string(a)));
    index.push_back(c.loop(vars.back()));
    flat = c.binary(ExprOp::Add, c.binary(ExprOp::Mul, flat, c.dim(type.dim(a))), index.back());
  }
  Expr holds = l.operand(0, index);
  if (l.node.operand_count > 1) {
    const size_t leading = l.node.operand(1).rank();
    holds = c.binary(ExprOp::Or, holds, c.unary(ExprOp::Not, l.operand(1, std::span(index).first(leading))));
  }
  std::vector<StmtPtr> body{make_check(holds, kStatusCheckFailed, flat)};
  for (int a = type.rank(); a-- > 0;)
    body = {make_for(vars[a], c.i64(0), c.dim(type.dim(a)), LoopKind::Serial, std::move(body))};
  return body;
}

/// Effects see the whole batch at once, and of it the entries that their second operand lets count.
void vmap_effect(ir::Vmap& v) {
  std::vector<Value> operands;
  for (uint32_t i = 0; i < v.node.operand_count; ++i) operands.push_back(v.batched(i));
  v.graph.add(*v.node.op, operands, v.node.attrs.all());
}

}  // namespace

constinit const Op kStopGradient = {
    .name = "stop_gradient",
    .family = "marks",
    .doc = "x itself, with derivative 0.",
    .infer = infer_same,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = [](ir::Lowering& l) { l.element(0, [&l](std::span<const Expr> index) { return l.operand(0, index); }); },
    .reference = [](ir::Reference& r) { r.results[0] = r.operands[0]; },
    .tolerance = exact(),
    .cost = move_cost,
    .samples = samples<1, ir::kAnyDType>,
    .is_pointwise = true,
};

constinit const Op kBarrier = {
    .name = "barrier",
    .family = "marks",
    .doc =
        "The operands themselves. No pass merges or moves computations across it, so a rematerialised chain behind it "
        "stays apart from the original.",
    .operands_min = 1,
    .operands_max = -1,
    .infer = barrier_infer,
    .jvp =
        [](ir::Jvp& j) {
          for (uint32_t i = 0; i < j.node.operand_count; ++i)
            if (j.has(i)) j.set(i, j.tangent(i));
        },
    .transpose =
        [](ir::Transpose& t) {
          for (uint32_t i = 0; i < t.node.operand_count; ++i)
            if (t.is_linear(i)) t.set(i, t.cotangent(i));
        },
    .vmap = vmap_pointwise,
    .lower = barrier_lower,
    .reference =
        [](ir::Reference& r) {
          for (size_t i = 0; i < r.operands.size(); ++i) r.results[i] = r.operands[i];
        },
    .tolerance = exact(),
    .cost = move_cost,
    .samples = barrier_samples,
};

constinit const Op kPrint = {
    .name = "print",
    .family = "marks",
    .doc =
        "Writes the label and the value when the program runs, in program order. A second operand, bool over leading "
        "axes, says which entries count: those are written, as one array, and nothing if there are none. No result.",
    .operands_max = 2,
    .attrs = kPrintAttrs,
    .infer = effect_infer,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_effect,
    .lower = refuse("is a command of the plan, not a loop"),
    .reference = print_reference,
    .tolerance = exact(),
    .cost = move_cost,
    .samples = refuse("writes text and has no result to compare"),
    .effect = ir::Effect::Ordered,
};

constinit const Op kCheck = {
    .name = "check",
    .family = "marks",
    .doc =
        "The run fails with the message unless every element is true; the error names the first that is false. A "
        "second operand, bool over leading axes, says which entries count. No result.",
    .operands_max = 2,
    .attrs = kCheckAttrs,
    .types = ir::kBool,
    .infer = effect_infer,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_effect,
    .lower = [](ir::Lowering& l) { l.loops({[&l] { return check_statements(l); }}); },
    .reference = check_reference,
    .tolerance = exact(),
    .cost = move_cost,
    .samples = refuse("has no result to compare"),
    .effect = ir::Effect::Ordered,
};

Value stop_gradient(Value x) { return x.graph().add1(kStopGradient, {x}); }

std::vector<Value> barrier(std::span<const Value> xs) {
  if (xs.empty()) return {};
  const Node* node = xs[0].graph().add(kBarrier, xs);
  std::vector<Value> results;
  for (size_t i = 0; i < xs.size(); ++i) results.push_back(node->result(i));
  return results;
}

void print(Value x, std::string_view label) { x.graph().add(kPrint, std::array{x}, std::array{Attr("label", label)}); }
void check(Value condition, std::string_view message) {
  condition.graph().add(kCheck, std::array{condition}, std::array{Attr("message", message)});
}

}  // namespace strata::ops
