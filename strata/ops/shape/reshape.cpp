// reshape, and the functions that are names for special reshapes.
#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/facets/rules.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kReshapeAttrs[] = {{"dims", AttrKind::Dims, "the new shape, with as many elements"}};

void reshape_infer(ir::Infer& i) {
  const auto dims = i.attrs.dims("dims");
  const Type x = i.type(0);
  const Dim count = ir::product(dims);
  if (!ir::proved_equal(count, x.elements()))
    i.fail(base::code::kOperandShapes, fmt::format("{} has {} elements, the new shape {} has {}", x.str(),
                                                   x.elements().str(), ir::shape_str(dims), count.str()));
  i.result(x.with_shape(dims));
}

void reshape_jvp(ir::Jvp& j) { j.set(reshape(j.tangent(0), shape_of(j.result()))); }
void reshape_transpose(ir::Transpose& t) { t.set(0, reshape(t.cotangent(), shape_of(t.operand_type(0)))); }
void reshape_vmap(ir::Vmap& v) { v.set(reshape(v.operand(0), prepend(v.size, v.node.type().shape()))); }

void reshape_reference(ir::Reference& r) {
  std::memcpy(r.results[0].data(), r.operands[0].data(), r.operands[0].bytes());
}

std::vector<ir::Sample> reshape_samples() {
  static const Dim to_6[] = {6}, to_14_3[] = {14, 3}, scalar_to_1[] = {1, 1}, empty[] = {5, 0};
  return in_every_dtype({{{normal({2, 3})}, {Attr("dims", std::span<const Dim>(to_6))}},
                         {{normal({7, 3, 2})}, {Attr("dims", std::span<const Dim>(to_14_3))}},
                         {{normal({})}, {Attr("dims", std::span<const Dim>(scalar_to_1))}},
                         {{normal({0, 7})}, {Attr("dims", std::span<const Dim>(empty))}}});
}

/// Replaces the one -1 by the extent that makes the counts equal.
Shape with_inferred(Value x, const Shape& dims) {
  Shape result = dims;
  int open = -1;
  Dim known = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!(dims[i] == Dim(-1))) {
      known = known * dims[i];
      continue;
    }
    if (open >= 0)
      throw base::Error(base::code::kOperandShapes, "reshape: only one extent may be -1, found " + ir::shape_str(dims));
    open = i;
  }
  if (open < 0) return result;
  if (known == Dim(0)) throw base::Error(base::code::kOperandShapes, "reshape: -1 is ambiguous beside an extent of 0");
  result[open] = floor_div(x.type().elements(), known);
  if (!ir::proved_equal(result[open] * known, x.type().elements()))
    throw base::Error(base::code::kOperandShapes,
                      fmt::format("reshape: {} does not divide into {}", x.type().str(), ir::shape_str(dims)));
  return result;
}

}  // namespace

constinit const Op kReshape = {
    .name = "reshape",
    .family = "shape",
    .doc = "The same elements in row-major order under another shape with as many elements.",
    .attrs = kReshapeAttrs,
    .infer = reshape_infer,
    .jvp = reshape_jvp,
    .transpose = reshape_transpose,
    .vmap = reshape_vmap,
    .lower = [](ir::Lowering& l) { l.alias(0); },
    .reference = reshape_reference,
    .tolerance = ir::exact(),
    .cost = [](const Node&) { return ir::Cost{0, 0}; },
    .samples = reshape_samples,
    .encoded = &kMoveByReshape,
    .reads_each_once = true,
};

Value reshape(Value x, const Shape& dims) {
  const Shape to = with_inferred(x, dims);
  if (std::ranges::equal(to, x.shape())) return x;
  return x.graph().add1(kReshape, {x}, {Attr("dims", dims_span(to))});
}

Value expand_dims(Value x, int64_t axis) {
  Shape to = shape_of(x);
  to.insert(to.begin() + axis_of(axis, x.rank() + 1, "expand_dims"), Dim(1));
  return reshape(x, to);
}

Value squeeze(Value x, int64_t axis) {
  Shape to = shape_of(x);
  axis = axis_of(axis, x.rank(), "squeeze");
  if (!ir::proved_equal(to[axis], Dim(1)))
    throw base::Error(base::code::kOperandShapes, fmt::format("squeeze: axis {} of {} is not 1", axis, x.type().str()));
  to.erase(to.begin() + axis);
  return reshape(x, to);
}

Value flatten(Value x, int64_t first_axis) {
  const Shape from = shape_of(x);
  const auto keep = x.rank() == 0 ? 0 : axis_of(first_axis, x.rank(), "flatten");
  Shape to(from.begin(), from.begin() + keep);
  to.push_back(ir::product(std::span(from).subspan(keep)));
  return reshape(x, to);
}

Value with_rank(Value x, int rank) {
  Shape to = shape_of(x);
  if (x.rank() < rank) to.insert(to.begin(), rank - x.rank(), Dim(1));
  return reshape(x, to);
}

}  // namespace strata::ops
