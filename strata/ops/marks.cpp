// stop_gradient, barrier, print and check: nodes that compute nothing.
#include "strata/base/error/error.h"
#include "strata/ops/creation.h"
#include "strata/ops/facets.h"
#include "strata/ops/samples.h"
#include "strata/ops/status.h"

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
  for (int i = 0; i < static_cast<int>(l.node.operand_count); ++i)
    l.element(i, [&l, i](std::span<const Expr> index) { return l.operand(i, index); });
}

std::vector<ir::Sample> barrier_samples() {
  return in_every_dtype({{{{Type::scalar(DType::f32)}}, {}, {}},
                         {{{Type::of(DType::f32, {3})}, {Type::of(DType::i32, {2, 2})}}, {}, {}}});
}

void check_reference(ir::Reference& r) {
  for (int64_t i = 0; i < r.operands[0].elements(); ++i)
    if (!r.operands[0].get_int(i)) {
      base::Error error(
          "E0136", "check failed at element " + std::to_string(i) + ": " + std::string(r.node.attrs.text("message")));
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
  std::vector<StmtPtr> body{make_check(l.operand(0, index), kStatusCheckFailed, flat)};
  for (int a = type.rank(); a-- > 0;)
    body = {make_for(vars[a], c.i64(0), c.dim(type.dim(a)), LoopKind::Serial, std::move(body))};
  return body;
}

/// Effects see the whole batch.
void vmap_effect(ir::Vmap& v) { v.graph.add(*v.node.op, std::array{v.batched(0)}, v.node.attrs.all()); }

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
        "stays "
        "apart from the original.",
    .operands_min = 1,
    .operands_max = -1,
    .infer = barrier_infer,
    .jvp =
        [](ir::Jvp& j) {
          for (int i = 0; i < static_cast<int>(j.node.operand_count); ++i)
            if (j.has(i)) j.set(i, j.tangent(i));
        },
    .transpose =
        [](ir::Transpose& t) {
          for (int i = 0; i < static_cast<int>(t.node.operand_count); ++i)
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
    .doc = "Writes the label and the value when the program runs, in program order. No result.",
    .attrs = kPrintAttrs,
    .infer = [](ir::Infer&) {},
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_effect,
    .lower = refuse("is a command of the plan, not a loop"),
    .reference =
        [](ir::Reference& r) {
          if (r.print) r.print(std::string(r.node.attrs.text("label")) + " " + r.operands[0].str());
        },
    .tolerance = exact(),
    .cost = move_cost,
    .samples = refuse("writes text and has no result to compare"),
    .effect = ir::Effect::Ordered,
};

constinit const Op kCheck = {
    .name = "check",
    .family = "marks",
    .doc =
        "The run fails with the message unless every element is true; the error names the first that is false. No "
        "result.",
    .attrs = kCheckAttrs,
    .types = ir::kBool,
    .infer = [](ir::Infer&) {},
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
  for (size_t i = 0; i < xs.size(); ++i) results.push_back(node->result(static_cast<int>(i)));
  return results;
}

void print(Value x, std::string_view label) { x.graph().add(kPrint, std::array{x}, std::array{Attr("label", label)}); }
void check(Value condition, std::string_view message) {
  condition.graph().add(kCheck, std::array{condition}, std::array{Attr("message", message)});
}

}  // namespace strata::ops
