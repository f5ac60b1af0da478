// concat, and stack on top of it.
#include <fmt/format.h>

#include <cstring>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/facets/rules.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

/// Up to so many parts, an element is picked by selects in a kernel that may compute the parts as well. Each part more
/// costs every element one load and one select, and the expression grows as deep as there are parts: more parts than
/// this are copied as whole runs by the host, with nothing to compile.
constexpr uint32_t kMostSelected = 16;

constexpr AttrSpec kConcatAttrs[] = {{"axis", AttrKind::Int, "the axis along which the operands follow each other"}};

void concat_infer(ir::Infer& i) {
  i.same_dtype();
  const Type first = i.type(0);
  const int64_t axis = require_axis(i, first);
  Shape shape = shape_of(first);
  for (int k = 1; k < i.count(); ++k) {
    if (i.type(k).rank() != first.rank())
      i.fail(base::code::kOperandShapes, fmt::format("ranks differ: {} and {}", first.str(), i.type(k).str()));
    for (int a = 0; a < first.rank(); ++a)
      if (a != axis && !ir::proved_equal(i.type(k).dim(a), first.dim(a)))
        i.fail(base::code::kOperandShapes, fmt::format("axis {} differs: {} and {}", a, first.str(), i.type(k).str()));
    shape[axis] = shape[axis] + i.type(k).dim(axis);
  }
  i.result(first.with_shape(shape));
}

void concat_jvp(ir::Jvp& j) {
  std::vector<Value> parts;
  for (uint32_t k = 0; k < j.node.operand_count; ++k) parts.push_back(j.tangent(k));
  j.set(concat(parts, j.node.attrs.integer("axis")));
}

void concat_transpose(ir::Transpose& t) {
  const int axis = t.node.attrs.integer("axis");
  Dim first = 0;
  for (uint32_t k = 0; k < t.node.operand_count; ++k) {
    const Dim extent = t.operand_type(k).dim(axis);
    if (t.is_linear(k)) t.set(k, slice_axis(t.cotangent(), axis, {first, first + extent}));
    first = first + extent;
  }
}

void concat_vmap(ir::Vmap& v) {
  std::vector<Value> parts;
  for (uint32_t k = 0; k < v.node.operand_count; ++k) parts.push_back(v.batched(k));
  v.set(concat(parts, v.node.attrs.integer("axis") + 1));
}

void concat_lower(ir::Lowering& l) {
  if (l.node.operand_count > kMostSelected) return;
  l.element(0, [&l](std::span<const Expr> index) {
    const IndexMath m{l.context};
    const int axis = l.node.attrs.integer("axis");
    std::vector<Expr> from(index.begin(), index.end());
    Expr value = nullptr;
    Dim first = 0;
    for (uint32_t k = 0; k < l.node.operand_count; ++k) {
      // Out of its range each part is read at a clamped address, and the select below drops it.
      const Dim extent = l.node.operand(k).type().dim(axis);
      if (extent == Dim(0)) continue;
      from[axis] = m.clamp(m.sub(index[axis], m.at(first)), m.at(extent));
      const Expr part = l.operand(k, from);
      value = value ? l.context.select(m.lt(index[axis], m.at(first)), value, part) : part;
      first = first + extent;
    }
    return value ? value : l.context.constant(l.node.type().dtype(), 0.0);
  });
}

void concat_reference(ir::Reference& r) {
  HostArray& to = r.results[0];
  if (to.elements() == 0) return;
  const size_t axis = r.node.attrs.integer("axis");
  int64_t rows = 1;  // of the axes in front: in each, a part is one run of memory
  for (size_t a = 0; a < axis; ++a) rows *= to.shape()[a];
  const int64_t row_bytes = to.bytes() / rows;
  int64_t first = 0;
  for (const HostArray& part : r.operands) {
    const int64_t bytes = part.bytes() / rows;
    for (int64_t row = 0; row < rows; ++row)
      std::memcpy(to.data() + row * row_bytes + first, part.data() + row * bytes, bytes);
    first += bytes;
  }
}

std::vector<ir::Sample> concat_samples() {
  return in_every_dtype({{{normal({2, 3}), normal({2, 5})}, {Attr("axis", 1)}},
                         {{normal({2, 3}), normal({0, 3}), normal({7, 3})}, {Attr("axis", 0)}},
                         {{operand(DType::i64, {1})}, {Attr("axis", 0)}}});
}

}  // namespace

constinit const Op kConcat = {
    .name = "concat",
    .family = "shape",
    .doc = "The operands one behind the other along an axis; all other extents are equal. A part may be empty.",
    .operands_min = 1,
    .operands_max = -1,
    .attrs = kConcatAttrs,
    .infer = concat_infer,
    .jvp = concat_jvp,
    .transpose = concat_transpose,
    .vmap = concat_vmap,
    .lower = concat_lower,
    .reference = concat_reference,
    .tolerance = ir::exact(),
    .cost = move_cost,
    .samples = concat_samples,
    .encoded = &kMoveByConcat,
    .reads_each_once = true,
};

Value concat(const std::vector<Value>& parts, int64_t axis) {
  if (parts.empty()) throw base::Error(base::code::kOperandCount, "concat: there is nothing to join");
  axis = axis_of(axis, parts[0].rank(), "concat");
  if (parts.size() == 1) return parts[0];
  const Attr attrs[] = {Attr("axis", axis)};
  return parts[0].graph().add(kConcat, parts, attrs)->result();
}

Value stack(const std::vector<Value>& parts, int64_t axis) {
  if (parts.empty()) throw base::Error(base::code::kOperandCount, "stack: there is nothing to join");
  axis = axis_of(axis, parts[0].rank() + 1, "stack");
  std::vector<Value> expanded;
  for (const Value& p : parts) expanded.push_back(expand_dims(p, axis));
  return concat(expanded, axis);
}

}  // namespace strata::ops
