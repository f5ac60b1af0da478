// eq, ne, lt, le, gt, ge and select.
#include "strata/base/error/codes/ir_codes.h"
#include "strata/ops/facets/facets.h"

namespace strata::ops {
namespace {

Scalar compare(ir::loops::ExprOp op, Scalar x, Scalar y) {
  // false < true
  if (ir::is_bool(x.dtype())) return binary(op, cast(DType::u8, x), cast(DType::u8, y));
  return binary(op, x, y);
}

void select_infer(ir::Infer& i) {
  if (i.type(1).dtype() != i.type(2).dtype())
    i.fail(base::code::kOperandTypes, "the choices' dtypes differ: " + i.type(1).str() + " and " + i.type(2).str(),
           "convert one with cast");
  i.same_shape();
  i.result(i.type(1));
}

void select_jvp(ir::Jvp& j) {
  const Value c = j.operand(0);
  if (j.has(1) && j.has(2)) return j.set(select(c, j.tangent(1), j.tangent(2)));
  j.set(j.has(1) ? select(c, j.tangent(1), 0) : select(c, 0, j.tangent(2)));
}

void select_transpose(ir::Transpose& t) {
  if (t.is_linear(1)) t.set(1, select(t.operand(0), t.cotangent(), 0));
  if (t.is_linear(2)) t.set(2, select(t.operand(0), 0, t.cotangent()));
}

void select_lower(ir::Lowering& l) {
  l.element(0, [&l](std::span<const Expr> index) {
    return l.context.select(l.operand(0, index), l.operand(1, index), l.operand(2, index));
  });
}

void select_reference(ir::Reference& r) {
  for (int64_t i = 0; i < r.results[0].elements(); ++i)
    copy_element(r.results[0], i, r.operands[r.operands[0].get_int(i) ? 1 : 2], i);
}

std::vector<ir::Sample> select_samples() {
  std::vector<ir::Sample> all;
  const Type scalar = Type::scalar(DType::f32), condition = Type::of(DType::boolean, {3, 5});
  for (DType t : ir::kAllDTypes)
    all.push_back({{{condition}, {Type::of(t, {3, 5})}, {Type::of(t, {3, 5}), Domain::Special}}, {}, {}});
  all.push_back({{{Type::scalar(DType::boolean)}, {scalar}, {scalar}}, {}, {}});
  return all;
}

}  // namespace

constinit const Op kEq = {
    .name = "eq",
    .family = "elementwise",
    .doc = "Whether x equals y. False with NaN; -0 equals +0.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kAnyDType,
    .infer = infer_bool,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return compare(ir::loops::ExprOp::Eq, x, y); }>,
    .reference = reference_number<[](auto x, auto y) { return (x == y); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kAnyDType, Domain::Exact>,
    .is_pointwise = true,
    .is_commutative = true,
};

constinit const Op kNe = {
    .name = "ne",
    .family = "elementwise",
    .doc = "Whether x differs from y. True with NaN.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kAnyDType,
    .infer = infer_bool,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return compare(ir::loops::ExprOp::Ne, x, y); }>,
    .reference = reference_number<[](auto x, auto y) { return (x != y); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kAnyDType, Domain::Exact>,
    .is_pointwise = true,
    .is_commutative = true,
};

constinit const Op kLt = {
    .name = "lt",
    .family = "elementwise",
    .doc = "Whether x is below y. False with NaN; false is below true.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kAnyDType,
    .infer = infer_bool,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return compare(ir::loops::ExprOp::Lt, x, y); }>,
    .reference = reference_number<[](auto x, auto y) { return (x < y); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kAnyDType, Domain::Exact>,
    .is_pointwise = true,
};

constinit const Op kLe = {
    .name = "le",
    .family = "elementwise",
    .doc = "Whether x is at most y. False with NaN.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kAnyDType,
    .infer = infer_bool,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return compare(ir::loops::ExprOp::Le, x, y); }>,
    .reference = reference_number<[](auto x, auto y) { return (x <= y); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kAnyDType, Domain::Exact>,
    .is_pointwise = true,
};

constinit const Op kGt = {
    .name = "gt",
    .family = "elementwise",
    .doc = "Whether x is above y. False with NaN.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kAnyDType,
    .infer = infer_bool,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return compare(ir::loops::ExprOp::Gt, x, y); }>,
    .reference = reference_number<[](auto x, auto y) { return (x > y); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kAnyDType, Domain::Exact>,
    .is_pointwise = true,
};

constinit const Op kGe = {
    .name = "ge",
    .family = "elementwise",
    .doc = "Whether x is at least y. False with NaN.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kAnyDType,
    .infer = infer_bool,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return compare(ir::loops::ExprOp::Ge, x, y); }>,
    .reference = reference_number<[](auto x, auto y) { return (x >= y); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kAnyDType, Domain::Exact>,
    .is_pointwise = true,
};

constinit const Op kSelect = {
    .name = "select",
    .family = "elementwise",
    .doc =
        "condition ? x : y, element by element. All three have one shape. The element that is not chosen has no "
        "influence, NaN or not. Linear in x and y.",
    .operands_min = 3,
    .operands_max = 3,
    .types = ir::kBool,
    .infer = select_infer,
    .jvp = select_jvp,
    .transpose = select_transpose,
    .vmap = vmap_pointwise,
    .lower = select_lower,
    .reference = select_reference,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = select_samples,
    .is_pointwise = true,
};

Value select(Value condition, Value x, Value y) {
  broadcast_together("select", x, y);
  broadcast_together("select", condition, x);
  y = broadcast_to(y, x.shape());
  return x.graph().add1(kSelect, {condition, x, y});
}
Value select(Value condition, Value x, Literal y) { return select(condition, x, scalar_like(x, y)); }
Value select(Value condition, Literal x, Value y) { return select(condition, scalar_like(y, x), y); }

}  // namespace strata::ops
