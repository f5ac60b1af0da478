// dynamic_slice, dynamic_update_slice and dynamic_pad: a block at positions that are known when the program runs. The
// starts are clamped so that the block lies inside, as StableHLO does it.
#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/entry_conditions.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kDynamicSliceAttrs[] = {{"sizes", AttrKind::Dims, "extents of the block"}};
constexpr AttrSpec kUpdateAttrs[] = {
    {"in_place", AttrKind::Bool, "the update must be in place: a copy of x is an error (E0330)"}};
constexpr AttrSpec kDynamicPadAttrs[] = {{"sizes", AttrKind::Dims, "extents of the result"}};

void require_starts(const ir::Infer& i, int first) {
  const Type x = i.type(0);
  if (i.count() - first != x.rank())
    i.fail(base::code::kOperandCount,
           fmt::format("{} takes {} starts, found {}", x.str(), x.rank(), i.count() - first));
  for (int k = first; k < i.count(); ++k)
    if (i.type(k).rank() != 0 || !ir::is_int(i.type(k).dtype()))
      i.fail(base::code::kOperandTypes, "starts are integer scalars, found " + i.type(k).str());
}

void require_fits(const ir::Infer& i, std::span<const Dim> sizes) {
  for (int a = 0; a < i.type(0).rank(); ++a)
    if (ir::is_below_zero(i.type(0).dim(a) - sizes[a]))
      i.fail(base::code::kAttributeValue,
             fmt::format("a block of {} does not fit axis {} of {}", sizes[a].str(), a, i.type(0).str()));
}

std::vector<Value> starts_of(const Node& n, int first) { return {n.operands().begin() + first, n.operands().end()}; }

/// The clamped start of one axis: 0 <= start <= extent - size.
Expr clamped_start(ir::Lowering& l, int operand, Dim extent, Dim size) {
  const IndexMath m{l.context};
  const Expr stored = l.operand(operand, {});
  Expr start = l.context.cast(DType::i64, stored);
  if (stored->type.dtype == DType::u64)
    start = l.context.select(m.lt(start, m.num(0)), l.context.i64(INT64_MAX), start);
  return m.max(m.num(0), m.min(start, m.at(extent - size)));
}

Ints clamped_starts(const ir::Reference& r, int first, std::span<const int64_t> sizes,
                    std::span<const int64_t> extents) {
  Ints starts;
  for (size_t a = 0; a < sizes.size(); ++a) {
    const HostArray& s = r.operands[first + a];
    int64_t start = s.get_int(0);
    if (s.dtype() == DType::u64 && start < 0) start = INT64_MAX;
    starts.push_back(std::clamp<int64_t>(start, 0, extents[a] - sizes[a]));
  }
  return starts;
}

// ---- dynamic_slice ----

void slice_infer(ir::Infer& i) {
  const auto sizes = i.attrs.dims("sizes");
  require_starts(i, 1);
  if (std::ssize(sizes) != i.type(0).rank()) i.fail(base::code::kAxis, "there is one size per axis");
  require_fits(i, sizes);
  i.result(i.type(0).with_shape(sizes));
}

void slice_jvp(ir::Jvp& j) {
  if (j.has(0)) j.set(dynamic_slice(j.tangent(0), starts_of(j.node, 1), shape_of(j.node.type())));
}

void slice_transpose(ir::Transpose& t) {
  t.set(0, dynamic_update_slice(full(t.graph, t.operand_type(0), 0.0), t.cotangent(), starts_of(t.node, 1)));
}

/// Positions [size, block..., rank] of a batch of blocks: clamped starts plus the place in the block.
Value block_positions(ir::Vmap& v, int first, Type x, std::span<const Dim> sizes) {
  const Shape grid = prepend(v.size, sizes);
  std::vector<Value> parts;
  for (int a = 0; a < x.rank(); ++a) {
    const Value start = cast(v.batched(first + a), DType::i64),
                last = broadcast_to(dimension(v.graph, x.dim(a) - sizes[a]), start.shape());
    const Value clamped = maximum<Value>(minimum<Value>(start, last), 0);
    parts.push_back(add<Value>(broadcast(clamped, dims_span(grid), ints_span({0})),
                               iota(v.graph, Type::of(DType::i64, grid), a + 1)));
  }
  return stack(parts, -1);
}

void slice_vmap(ir::Vmap& v) {
  const auto sizes = v.node.type().shape();
  const Type x = v.node.operand(0).type();
  bool any_start = false;
  for (uint32_t k = 1; k < v.node.operand_count; ++k) any_start = any_start || v.is_batched(k);
  if (!any_start) {
    std::vector<Value> starts{scalar(v.graph, DType::i64, 0)};
    for (uint32_t k = 1; k < v.node.operand_count; ++k) starts.push_back(v.operand(k));
    v.set(dynamic_slice(v.operand(0), starts, prepend(v.size, sizes)));
    return;
  }
  if (x.rank() == 0) return v.set(v.batched(0));
  v.set(gather(v.batched(0), block_positions(v, 1, x, sizes), iota_ints(1, x.rank()), 1, OutOfRange::Clamp));
}

void slice_lower(ir::Lowering& l) {
  l.element(0, [&l](std::span<const Expr> index) {
    const IndexMath m{l.context};
    const Type x = l.node.operand(0).type();
    std::vector<Expr> from;
    for (int a = 0; a < x.rank(); ++a)
      from.push_back(m.add(index[a], clamped_start(l, a + 1, x.dim(a), l.node.type().dim(a))));
    return l.operand(0, from);
  });
}

void slice_reference(ir::Reference& r) {
  const auto& sizes = r.results[0].shape();
  const Ints starts = clamped_starts(r, 1, sizes, r.operands[0].shape()), strides = row_strides(r.operands[0].shape());
  int64_t to = 0;
  for_each_index(sizes, [&](const Ints& index) {
    copy_element(r.results[0], to++, r.operands[0], offset_of(index, strides) + offset_of(starts, strides));
  });
}

std::vector<ir::Sample> slice_samples() {
  static const Dim block[] = {2, 3}, all[] = {5};
  const auto start = operand(DType::i64, {}, Domain::Index, 9);
  return in_every_dtype(
      {{{normal({5, 7}), start, start}, {Attr("sizes", std::span<const Dim>(block))}},
       {{operand(DType::i32, {5}), operand(DType::i32, {})}, {Attr("sizes", std::span<const Dim>(all))}},
       {{normal({})}, {Attr("sizes", std::span<const Dim>(all, size_t{0}))}}});
}

// ---- dynamic_update_slice ----

void update_infer(ir::Infer& i) {
  require_starts(i, 2);
  if (i.type(1).dtype() != i.type(0).dtype() || i.type(1).rank() != i.type(0).rank())
    i.fail(base::code::kOperandShapes,
           fmt::format("the update {} is no block of {}", i.type(1).str(), i.type(0).str()));
  require_fits(i, i.type(1).shape());
  i.result(i.type(0));
}

InPlace in_place_of(const Node& n) { return n.attrs.flag("in_place") ? InPlace::Required : InPlace::WherePossible; }

void update_jvp(ir::Jvp& j) { j.set(dynamic_update_slice(j.tangent(0), j.tangent(1), starts_of(j.node, 2))); }

void update_transpose(ir::Transpose& t) {
  const auto starts = starts_of(t.node, 2);
  if (t.is_linear(0)) t.set(0, dynamic_update_slice(t.cotangent(), full(t.graph, t.operand_type(1), 0.0), starts));
  if (t.is_linear(1)) t.set(1, dynamic_slice(t.cotangent(), starts, shape_of(t.operand_type(1))));
}

void update_vmap(ir::Vmap& v) {
  const Type x = v.node.operand(0).type(), u = v.node.operand(1).type();
  bool any_start = false;
  for (uint32_t k = 2; k < v.node.operand_count; ++k) any_start = any_start || v.is_batched(k);
  if (!any_start) {
    std::vector<Value> starts{scalar(v.graph, DType::i64, 0)};
    for (uint32_t k = 2; k < v.node.operand_count; ++k) starts.push_back(v.operand(k));
    v.set(dynamic_update_slice(v.batched(0), v.batched(1), starts, in_place_of(v.node)));
    return;
  }
  if (x.rank() == 0) return v.set(v.batched(1));
  v.set(scatter(v.batched(0), block_positions(v, 2, x, u.shape()), v.batched(1), iota_ints(1, x.rank()), 1,
                OutOfRange::Clamp, Combine::Set, 0, in_place_of(v.node)));
}

/// The touched elements alone, each at its start. What the update is computed from can't be x
/// (compiler/graph/fusion/fuse.h).
StmtList write_block(ir::Lowering& l) {
  const IndexMath m{l.context};
  const Type x = l.node.type(), u = l.node.operand(1).type();
  if (has_no_elements(u)) return {};
  return independent_nest(l.context, u.shape(), [&](std::span<const Expr> index) -> StmtList {
    std::vector<Expr> to;
    for (int a = 0; a < x.rank(); ++a) to.push_back(m.add(index[a], clamped_start(l, a + 2, x.dim(a), u.dim(a))));
    return {ir::loops::make_store(l.result_buffer(0), to, l.operand(1, index))};
  });
}

void update_lower(ir::Lowering& l) {
  l.update({0, [&l] { return write_block(l); }});
}

void update_reference(ir::Reference& r) {
  std::memcpy(r.results[0].data(), r.operands[0].data(), r.operands[0].bytes());
  const auto& sizes = r.operands[1].shape();
  const Ints starts = clamped_starts(r, 2, sizes, r.operands[0].shape()), strides = row_strides(r.operands[0].shape());
  int64_t from = 0;
  for_each_index(sizes, [&](const Ints& index) {
    copy_element(r.results[0], offset_of(index, strides) + offset_of(starts, strides), r.operands[1], from++);
  });
}

std::vector<ir::Sample> update_samples() {
  const auto start = operand(DType::i64, {}, Domain::Index, 9);
  const std::vector<Attr> anywhere{Attr("in_place", false)};
  return in_every_dtype({{{normal({5, 7}), normal({2, 3}), start, start}, anywhere},
                         {{operand(DType::i32, {5}), operand(DType::i32, {1}), start}, anywhere},
                         {{normal({5}), normal({0}), start}, anywhere},
                         {{normal({}), normal({})}, anywhere}});
}

// ---- dynamic_pad ----

void pad_infer(ir::Infer& i) {
  const auto sizes = i.attrs.dims("sizes");
  const Type block = i.type(0);
  if (i.type(1) != Type::scalar(block.dtype()))
    i.fail(base::code::kOperandTypes,
           "what stands around " + block.str() + " is a scalar of its dtype, found " + i.type(1).str());
  if (std::ssize(sizes) != block.rank() || i.count() - 2 != block.rank())
    i.fail(base::code::kOperandCount, fmt::format("{} takes {} sizes and starts, found {} and {}", block.str(),
                                                  block.rank(), sizes.size(), i.count() - 2));
  for (int k = 2; k < i.count(); ++k)
    if (i.type(k).rank() != 0 || !ir::is_int(i.type(k).dtype()))
      i.fail(base::code::kOperandTypes, "starts are integer scalars, found " + i.type(k).str());
  for (int a = 0; a < block.rank(); ++a)
    if (ir::is_below_zero(sizes[a] - block.dim(a)))
      i.fail(base::code::kAttributeValue,
             fmt::format("a block of {} does not fit axis {} of extent {}", block.dim(a).str(), a, sizes[a].str()));
  i.result(block.with_shape(sizes));
}

void pad_lower(ir::Lowering& l) {
  l.element(0, [&l](std::span<const Expr> index) {
    const IndexMath m{l.context};
    const Type y = l.node.type(), block = l.node.operand(0).type();
    const Expr around = l.operand(1, {});
    if (has_no_elements(block)) return around;
    std::vector<Expr> from;
    Expr inside = l.context.constant(DType::boolean, 1);
    for (int a = 0; a < y.rank(); ++a) {
      const Expr at = m.sub(index[a], clamped_start(l, a + 2, y.dim(a), block.dim(a)));
      inside = m.both(inside, m.both(m.le(m.num(0), at), m.lt(at, m.at(block.dim(a)))));
      from.push_back(m.clamp(at, m.at(block.dim(a))));
    }
    return l.context.select(inside, l.operand(0, from), around);
  });
}

void pad_reference(ir::Reference& r) {
  const auto& sizes = r.operands[0].shape();
  const auto& extents = r.results[0].shape();
  for (int64_t i = 0; i < r.results[0].elements(); ++i) copy_element(r.results[0], i, r.operands[1], 0);
  const Ints starts = clamped_starts(r, 2, sizes, extents), strides = row_strides(extents);
  int64_t from = 0;
  for_each_index(sizes, [&](const Ints& index) {
    copy_element(r.results[0], offset_of(index, strides) + offset_of(starts, strides), r.operands[0], from++);
  });
}

std::vector<ir::Sample> pad_samples() {
  static const Dim plane[] = {5, 7}, row[] = {5};
  const auto start = operand(DType::i64, {}, Domain::Index, 9);
  return in_every_dtype({{{normal({2, 3}), normal({}), start, start}, {Attr("sizes", std::span<const Dim>(plane))}},
                         {{normal({0}), normal({}), start}, {Attr("sizes", std::span<const Dim>(row))}},
                         {{normal({}), normal({})}, {Attr("sizes", std::span<const Dim>(row, size_t{0}))}}});
}

}  // namespace

constinit const Op kDynamicSlice = {
    .name = "dynamic_slice",
    .family = "shape",
    .doc =
        "A block of x of extents `sizes`, from the start scalars (one per axis), which are clamped so that the block "
        "lies inside x.",
    .operands_min = 1,
    .operands_max = -1,
    .attrs = kDynamicSliceAttrs,
    .infer = slice_infer,
    .jvp = slice_jvp,
    .transpose = slice_transpose,
    .vmap = slice_vmap,
    .lower = slice_lower,
    .reference = slice_reference,
    .tolerance = exact(),
    .cost = [](const Node& n) { return ir::Cost{0, Dim(2) * n.type().bytes()}; },  // reads what it picks
    .samples = slice_samples,
    .encoded = &kMoveByDynamicSlice,
    .reads_each_once = true,
};

constinit const Op kDynamicUpdateSlice = {
    .name = "dynamic_update_slice",
    .family = "shape",
    .doc =
        "x with a block replaced by the update, from the start scalars (one per axis), which are clamped so that the "
        "block lies inside x. Writes the block alone where x dies there.",
    .operands_min = 2,
    .operands_max = -1,
    .attrs = kUpdateAttrs,
    .infer = update_infer,
    .jvp = update_jvp,
    .transpose = update_transpose,
    .vmap = update_vmap,
    .lower = update_lower,
    .reference = update_reference,
    .tolerance = exact(),
    .cost = [](const Node& n) { return ir::Cost{0, Dim(2) * n.operand(1).type().bytes()}; },
    .samples = update_samples,
    .encoded = &kMoveByDynamicUpdateSlice,
    .reads_each_once = true,
};

constinit const Op kDynamicPad = {
    .name = "dynamic_pad",
    .family = "shape",
    .doc =
        "A block with one number around it, as long as `sizes` say, from the start scalars (one per axis), which are "
        "clamped so that the block lies inside. The compiler makes it of a pad whose bounds are arguments.",
    .operands_min = 2,
    .operands_max = -1,
    .attrs = kDynamicPadAttrs,
    .infer = pad_infer,
    .jvp = refuse("made by the compiler, after all transforms"),
    .transpose = refuse("made by the compiler, after all transforms"),
    .vmap = refuse("made by the compiler, after all transforms"),
    .lower = pad_lower,
    .reference = pad_reference,
    .tolerance = exact(),
    .cost = move_cost,
    .samples = pad_samples,
    .reads_each_once = true,
};

Value dynamic_slice(Value x, const std::vector<Value>& starts, const Shape& sizes) {
  std::vector<Value> operands{x};
  operands.insert(operands.end(), starts.begin(), starts.end());
  const Attr attrs[] = {Attr("sizes", dims_span(sizes))};
  return x.graph().add(kDynamicSlice, operands, attrs)->result();
}

Value dynamic_update_slice(Value x, Value update, const std::vector<Value>& starts, InPlace in_place) {
  require_choice("dynamic_update_slice", "in_place", in_place, 2);
  std::vector<Value> operands{x, update};
  operands.insert(operands.end(), starts.begin(), starts.end());
  const Attr attrs[] = {Attr("in_place", in_place == InPlace::Required)};
  return x.graph().add(kDynamicUpdateSlice, operands, attrs)->result();
}

Value dynamic_pad(Value block, Value around, const std::vector<Value>& starts, const Shape& sizes) {
  std::vector<Value> operands{block, around};
  operands.insert(operands.end(), starts.begin(), starts.end());
  const Attr attrs[] = {Attr("sizes", dims_span(sizes))};
  return block.graph().add(kDynamicPad, operands, attrs)->result();
}

}  // namespace strata::ops
