// The broadcast op, the binary functions' alignment of shapes, and constants that take their dtype from a neighbour.
#include "strata/ops/operands/broadcast.h"

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/reduce/reduce.h"

namespace strata::ops {
namespace {

constexpr ir::AttrSpec kAttrs[] = {
    {"shape", ir::AttrKind::Dims, "the result's shape"},
    {"axes", ir::AttrKind::Ints, "for each axis of the operand the result's axis that it becomes, ascending"},
};

void infer(ir::Infer& i) {
  const auto shape = i.attrs.dims("shape");
  const auto axes = i.attrs.ints("axes");
  const Type x = i.type(0);
  i.require(std::ssize(axes) == x.rank(), base::code::kAxis,
            "'axes' must name one axis of the result for each axis of " + x.str());
  for (size_t a = 0; a < axes.size(); ++a) {
    if (axes[a] < 0 || axes[a] >= std::ssize(shape) || (a && axes[a] <= axes[a - 1]))
      i.fail(base::code::kAxis, "'axes' must ascend within the result's rank " + std::to_string(shape.size()));
    const Dim from = x.dim(a), to = shape[axes[a]];
    if (from != to && from != Dim(1) && !ir::proved_equal(from, to))
      i.fail(base::code::kOperandShapes, x.str() + " can't become " + ir::shape_str(shape) + ": axis " +
                                             std::to_string(a) + " is " + from.str() + ", expected " + to.str() +
                                             " or 1");
  }
  i.result(x.with_shape(shape));
}

/// The axes of the result along which one element of the operand was repeated.
std::vector<int64_t> repeated_axes(const Node& node) {
  const auto axes = node.attrs.ints("axes");
  std::vector<int64_t> repeated;
  for (int64_t r = 0; r < node.type().rank(); ++r) {
    const auto at = std::find(axes.begin(), axes.end(), r);
    const bool is_new = at == axes.end();
    if (is_new || node.operand(0).type().dim(at - axes.begin()) != node.type().dim(r)) repeated.push_back(r);
  }
  return repeated;
}

void transpose_rule(ir::Transpose& t) {
  const auto repeated = repeated_axes(t.node);
  const Value summed = repeated.empty() ? t.cotangent() : reduce_sum(t.cotangent(), repeated);
  // Stretched axes of extent 1 come back as axes of extent 1.
  const Type x = t.operand_type(0);
  const auto axes = t.node.attrs.ints("axes");
  std::vector<int64_t> kept;
  for (int a = 0; a < x.rank(); ++a)
    if (!has_axis(repeated, axes[a])) kept.push_back(a);
  t.set(0, broadcast(summed, x.shape(), kept));
}

void vmap_rule(ir::Vmap& v) {
  v.set(broadcast(v.batched(0), prepend(v.size, v.node.attrs.dims("shape")),
                  prepend(int64_t{0}, ints_span(shifted(v.node.attrs.ints("axes"))))));
}

void lower(ir::Lowering& l) {
  l.element(0, [&l](std::span<const Expr> index) {
    const auto axes = l.node.attrs.ints("axes");
    std::vector<Expr> from;
    for (int a = 0; a < l.node.operand(0).rank(); ++a)
      from.push_back(l.node.operand(0).type().dim(a) == Dim(1) ? l.context.i64(0) : index[axes[a]]);
    return l.operand(0, from);
  });
}

void reference(ir::Reference& r) {
  const auto axes = r.node.attrs.ints("axes");
  const Ints strides = row_strides(r.operands[0].shape());
  int64_t to = 0;
  for_each_index(r.results[0].shape(), [&](const Ints& index) {
    int64_t from = 0;
    for (size_t a = 0; a < axes.size(); ++a)
      if (r.operands[0].shape()[a] != 1) from += index[axes[a]] * strides[a];
    copy_element(r.results[0], to++, r.operands[0], from);
  });
}

std::vector<ir::Sample> make_samples() {
  static const Dim matrix[] = {3, 5}, batch[] = {2, 3, 5}, empty[] = {0, 4};
  static const int64_t none[1] = {}, last[] = {1}, both[] = {0, 1}, ends[] = {0, 2};
  auto sample = [](Type x, std::span<const Dim> shape, std::span<const int64_t> axes) {
    return ir::Sample{{{x}}, {Attr("shape", shape), Attr("axes", axes)}, {}};
  };
  std::vector<ir::Sample> all;
  for (DType t : ir::kAllDTypes) all.push_back(sample(Type::of(t, {5}), matrix, last));
  all.push_back(sample(Type::scalar(DType::f32), matrix, std::span(none, 0)));
  all.push_back(sample(Type::of(DType::f32, {3, 1}), matrix, both));
  all.push_back(sample(Type::of(DType::f32, {1, 5}), batch, ends));
  all.push_back(sample(Type::of(DType::f32, {4}), empty, last));
  return all;
}

}  // namespace

constinit const Op kBroadcast = {
    .name = "broadcast",
    .family = "shape",
    .doc =
        "Axis i of the operand becomes axis axes[i] of a result of the given shape; an axis of extent 1 stretches to "
        "any extent, and the result's other axes repeat the operand. Linear; bits are copied.",
    .attrs = kAttrs,
    .types = ir::kAnyDType,
    .infer = infer,
    .jvp = [](ir::Jvp& j) { j.set(broadcast(j.tangent(0), j.node.attrs.dims("shape"), j.node.attrs.ints("axes"))); },
    .transpose = transpose_rule,
    .vmap = vmap_rule,
    .lower = lower,
    .reference = reference,
    .tolerance = exact(),
    .cost = move_cost,
    .samples = make_samples,
    .encoded = &kMoveByBroadcast,
    .reads_each_once = true,
};

Value broadcast(Value x, std::span<const Dim> dims, std::span<const int64_t> axes) {
  if (axes.size() == dims.size() && std::ranges::equal(x.shape(), dims)) return x;
  return x.graph().add1(kBroadcast, {x}, {Attr("shape", dims), Attr("axes", axes)});
}

Value broadcast_to(Value x, std::span<const Dim> dims) {
  if (std::ranges::equal(x.shape(), dims)) return x;
  const auto extra = std::ssize(dims) - x.rank();
  if (extra < 0)
    throw base::Error(base::code::kOperandShapes,
                      "broadcast: " + x.type().str() + " has more axes than " + ir::shape_str(dims));
  return broadcast(x, dims, iota_ints(extra, x.rank()));
}

Shape broadcast_shape(std::string_view op, Value x, Value y) {
  const int rank = std::max(x.rank(), y.rank());
  Shape shape(rank);
  for (int i = 1; i <= rank; ++i) {
    const Dim a = i <= x.rank() ? x.type().dim(-i) : Dim(1), b = i <= y.rank() ? y.type().dim(-i) : Dim(1);
    if (a != b && a != Dim(1) && b != Dim(1) && !ir::proved_equal(a, b)) {
      base::Error error(base::code::kOperandShapes, std::string(op) + ": shapes don't broadcast: " + x.type().str() +
                                                        " and " + y.type().str() + " differ in axis -" +
                                                        std::to_string(i) + ", " + a.str() + " and " + b.str());
      if (const std::string where = x.graph().location().str(); !where.empty()) error.note("recorded at " + where);
      if (!a.is_constant() || !b.is_constant())
        error.hint("a symbolic dimension matches only itself and 1: give both the same symbol");
      throw error;
    }
    shape[rank - i] = a == Dim(1) ? b : a;
  }
  return shape;
}

void broadcast_together(std::string_view op, Value& x, Value& y) {
  if (x.type() == y.type() || std::ranges::equal(x.shape(), y.shape())) return;
  const Shape shape = broadcast_shape(op, x, y);
  x = broadcast_to(x, shape);
  y = broadcast_to(y, shape);
}

Value binary_of(const Op& op, Value x, Value y) {
  broadcast_together(op.name, x, y);
  return x.graph().add1(op, {x, y});
}
Value binary_of(const Op& op, Value x, Literal y) { return x.graph().add1(op, {x, constant_like(x, y)}); }
Value binary_of(const Op& op, Literal x, Value y) { return y.graph().add1(op, {constant_like(y, x), y}); }

}  // namespace strata::ops
