// slice and pad: transposes of each other, with strides and interior padding.
#include <fmt/format.h>

#include <cstring>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/entry_conditions.h"
#include "strata/ir/unproved.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/facets/rules.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kSliceAttrs[] = {{"start", AttrKind::Dims, "first index per axis"},
                                    {"limit", AttrKind::Dims, "index behind the last, per axis"},
                                    {"stride", AttrKind::Dims, "step per axis, 1 or more"}};
constexpr AttrSpec kPadAttrs[] = {{"lo", AttrKind::Dims, "elements in front, per axis; negative removes"},
                                  {"hi", AttrKind::Dims, "elements behind, per axis; negative removes"},
                                  {"interior", AttrKind::Dims, "elements between neighbours, per axis"}};

void require_dims(const ir::Infer& i, std::initializer_list<std::string_view> names, int rank) {
  for (auto name : names)
    if (std::ssize(i.attrs.dims(name)) != rank)
      i.fail(base::code::kAxis, fmt::format("'{}' has {} entries for rank {}", name, i.attrs.dims(name).size(), rank));
}

void slice_infer(ir::Infer& i) {
  const Type x = i.type(0);
  require_dims(i, {"start", "limit", "stride"}, x.rank());
  const auto start = i.attrs.dims("start"), limit = i.attrs.dims("limit"), stride = i.attrs.dims("stride");
  Shape shape;
  for (int a = 0; a < x.rank(); ++a) {
    const bool fits = !ir::is_below_zero(start[a]) && !ir::is_below_zero(limit[a] - start[a]) &&
                      !ir::is_below_zero(x.dim(a) - limit[a]) && !ir::is_below_zero(stride[a] - 1);
    if (!fits)
      i.fail(base::code::kAttributeValue, fmt::format("{}:{}:{} does not lie in axis {} of {}", start[a].str(),
                                                      limit[a].str(), stride[a].str(), a, x.str()));
    shape.push_back(ceil_div(limit[a] - start[a], stride[a]));
  }
  i.result(x.with_shape(shape));
}

Value add_slice(Value x, const Shape& start, const Shape& limit, const Shape& stride) {
  return x.graph().add1(
      kSlice, {x},
      {Attr("start", dims_span(start)), Attr("limit", dims_span(limit)), Attr("stride", dims_span(stride))});
}
Value add_pad(Value x, Value value, const Shape& lo, const Shape& hi, const Shape& interior) {
  return x.graph().add1(kPad, {x, value},
                        {Attr("lo", dims_span(lo)), Attr("hi", dims_span(hi)), Attr("interior", dims_span(interior))});
}
Shape dims_attr(const Node& n, std::string_view name) {
  const auto d = n.attrs.dims(name);
  return {d.begin(), d.end()};
}

Value slice_like(Value x, const Node& n) {
  return add_slice(x, dims_attr(n, "start"), dims_attr(n, "limit"), dims_attr(n, "stride"));
}
void slice_jvp(ir::Jvp& j) { j.set(slice_like(j.tangent(0), j.node)); }

void slice_transpose(ir::Transpose& t) {
  const Shape start = dims_attr(t.node, "start"), stride = dims_attr(t.node, "stride");
  const Type x = t.operand_type(0), y = t.cotangent().type();
  Shape hi, interior;
  for (int a = 0; a < x.rank(); ++a) {
    // The same formula as pad's type rule, so that the extents cancel for symbolic dimensions too.
    const Dim gaps = stride[a] == Dim(1) ? Dim(0) : max(y.dim(a) - 1, Dim(0)) * (stride[a] - 1);
    hi.push_back(x.dim(a) - start[a] - y.dim(a) - gaps);
    interior.push_back(stride[a] - 1);
  }
  t.set(0, add_pad(t.cotangent(), scalar(t.cotangent().graph(), t.cotangent().dtype(), 0.0), start, hi, interior));
}

void slice_vmap(ir::Vmap& v) {
  const Value x = v.operand(0);
  v.set(add_slice(x, prepend(Dim(0), v.node.attrs.dims("start")), prepend(v.size, v.node.attrs.dims("limit")),
                  prepend(Dim(1), v.node.attrs.dims("stride"))));
}

void slice_lower(ir::Lowering& l) {
  l.element(0, [&l](std::span<const Expr> index) {
    const IndexMath m{l.context};
    const auto start = l.node.attrs.dims("start"), stride = l.node.attrs.dims("stride");
    std::vector<Expr> from;
    for (size_t a = 0; a < index.size(); ++a) from.push_back(m.add(m.mul(index[a], m.at(stride[a])), m.at(start[a])));
    return l.operand(0, from);
  });
}

void slice_reference(ir::Reference& r) {
  const Ints start = run_time(r, r.node.attrs.dims("start")), stride = run_time(r, r.node.attrs.dims("stride"));
  const Ints limit = run_time(r, r.node.attrs.dims("limit")), strides = row_strides(r.operands[0].shape());
  for (size_t a = 0; a < start.size(); ++a)
    if (start[a] < 0 || start[a] > limit[a] || limit[a] > r.operands[0].shape()[a] || stride[a] < 1)
      throw base::Error(base::code::kAttributeValue,
                        fmt::format("slice: {}:{}:{} does not lie in axis {} of extent {}", start[a], limit[a],
                                    stride[a], a, r.operands[0].shape()[a]));
  // The last axes that are taken whole, and the one in front of them if its stride is 1, are one run of memory.
  const std::vector<int64_t>& shape = r.results[0].shape();
  size_t outer = shape.size();
  int64_t run = ir::dtype_bytes(r.results[0].dtype()), first = 0;
  for (bool is_whole = true; is_whole && outer > 0 && stride[outer - 1] == 1;) {
    run *= shape[--outer];
    is_whole = shape[outer] == r.operands[0].shape()[outer];
  }
  if (run == 0) return;
  for (size_t a = 0; a < shape.size(); ++a) first += start[a] * strides[a];
  std::byte* to = r.results[0].data();
  for_each_index(std::span(shape).first(outer), [&](const Ints& index) {
    int64_t from = first;
    for (size_t a = 0; a < outer; ++a) from += index[a] * stride[a] * strides[a];
    std::memcpy(to, r.operands[0].data() + from * ir::dtype_bytes(r.results[0].dtype()), run);
    to += run;
  });
}

std::vector<ir::Sample> slice_samples() {
  static const Dim zero[] = {0, 0}, start[] = {1, 2}, limit[] = {4, 7}, one[] = {1, 1}, step[] = {2, 3}, all[] = {0, 5};
  auto attrs = [](std::span<const Dim> s, std::span<const Dim> l, std::span<const Dim> k) {
    return std::vector<Attr>{Attr("start", s), Attr("limit", l), Attr("stride", k)};
  };
  return in_every_dtype({{{normal({4, 7})}, attrs(start, limit, one)},
                         {{normal({5, 11})}, attrs(start, limit, step)},
                         {{operand(DType::i32, {4, 7})}, attrs(zero, start, one)},
                         {{normal({0, 5})}, attrs(zero, all, one)}});
}

// ---- pad ----

void pad_infer(ir::Infer& i) {
  const Type x = i.type(0);
  i.same_dtype();
  if (i.type(1).rank() != 0)
    i.fail(base::code::kOperandShapes, "the padding value is a scalar, found " + i.type(1).str());
  require_dims(i, {"lo", "hi", "interior"}, x.rank());
  const auto lo = i.attrs.dims("lo"), hi = i.attrs.dims("hi"), interior = i.attrs.dims("interior");
  Shape shape;
  for (int a = 0; a < x.rank(); ++a) {
    const Dim gaps = interior[a] == Dim(0) ? Dim(0) : max(x.dim(a) - 1, Dim(0)) * interior[a];
    const Dim extent = x.dim(a) + gaps + lo[a] + hi[a];
    if (ir::is_below_zero(interior[a]) || ir::is_below_zero(extent))
      i.fail(base::code::kAttributeValue, fmt::format("axis {} of {} would have extent {}", a, x.str(), extent.str()));
    shape.push_back(extent);
  }
  i.result(x.with_shape(shape));
}

void pad_jvp(ir::Jvp& j) {
  j.set(add_pad(j.tangent(0), j.tangent(1), dims_attr(j.node, "lo"), dims_attr(j.node, "hi"),
                dims_attr(j.node, "interior")));
}

/// The operand's cotangent is what lies where the operand lay: crop negative padding back, then a strided slice.
Value unpad(Value ct, const Node& n, Type x) {
  const Shape lo = dims_attr(n, "lo"), hi = dims_attr(n, "hi"), interior = dims_attr(n, "interior");
  Shape back_lo, back_hi, none(x.rank(), Dim(0)), limit, stride;
  for (int a = 0; a < x.rank(); ++a) {
    // A symbolic axis is filled up to a multiple of the stride, so that the slice's extent comes out as x's own.
    const Dim d = x.dim(a), fill = d.is_constant() ? Dim(0) : d * interior[a] - max(d - 1, Dim(0)) * interior[a];
    const Dim gaps = interior[a] == Dim(0) ? Dim(0) : max(d - 1, Dim(0)) * interior[a];
    back_lo.push_back(Dim(0) - lo[a]);
    back_hi.push_back(fill - hi[a]);
    stride.push_back(interior[a] + 1);
    limit.push_back(d + gaps + fill);
  }
  const Value core = add_pad(ct, scalar(ct.graph(), ct.dtype(), 0.0), back_lo, back_hi, none);
  return stride == Shape(x.rank(), Dim(1)) ? core : add_slice(core, none, limit, stride);
}

void pad_transpose(ir::Transpose& t) {
  const Value inner = t.is_linear(0) || t.is_linear(1) ? unpad(t.cotangent(), t.node, t.operand_type(0)) : Value{};
  if (t.is_linear(0)) t.set(0, inner);
  if (!t.is_linear(1)) return;
  Ints all = iota_ints(0, inner.rank());
  t.set(1, sub<Value>(reduce_sum(t.cotangent(), all), reduce_sum(inner, all)));
}

void pad_vmap(ir::Vmap& v) {
  if (!v.is_batched(1)) {
    v.set(add_pad(v.operand(0), v.operand(1), prepend(Dim(0), v.node.attrs.dims("lo")),
                  prepend(Dim(0), v.node.attrs.dims("hi")), prepend(Dim(0), v.node.attrs.dims("interior"))));
    return;
  }
  // A padding value per example: pad with zero, and choose by a padded mask.
  const Value x = v.batched(0);
  auto padded = [&](Value y) {
    return add_pad(y, scalar(y.graph(), y.dtype(), 0.0), prepend(Dim(0), v.node.attrs.dims("lo")),
                   prepend(Dim(0), v.node.attrs.dims("hi")), prepend(Dim(0), v.node.attrs.dims("interior")));
  };
  const Value inside = padded(full(x.graph(), x.type().with_dtype(DType::boolean), true));
  const Value outside = broadcast(v.operand(1), inside.shape(), ints_span({0}));
  v.set(select(inside, padded(x), outside));
}

void pad_lower(ir::Lowering& l) {
  l.element(0, [&l](std::span<const Expr> index) {
    const IndexMath m{l.context};
    const auto lo = l.node.attrs.dims("lo"), interior = l.node.attrs.dims("interior");
    const Type x = l.node.operand(0).type();
    std::vector<Expr> from;
    Expr valid = nullptr;
    auto also = [&](Expr condition) { valid = valid ? m.both(valid, condition) : condition; };
    for (size_t a = 0; a < index.size(); ++a) {
      const Dim step = interior[a] + 1;
      Expr at = m.sub(index[a], m.at(lo[a]));
      const bool moves = !(lo[a] == Dim(0)) || !(step == Dim(1)) || !(l.node.type().dim(a) == x.dim(a));
      if (moves) also(m.le(m.num(0), at));
      if (!(step == Dim(1))) {
        also(m.eq(m.mod(at, m.at(step)), m.num(0)));
        at = m.div(at, m.at(step));
      }
      if (moves) also(m.lt(at, m.at(x.dim(a))));
      from.push_back(at);
    }
    if (!valid) return l.operand(0, from);
    if (has_no_elements(x)) return l.operand(1, {});
    // The address is made safe by clamping; where the select drops the element, any element will do.
    for (size_t a = 0; a < from.size(); ++a) from[a] = m.clamp(from[a], m.at(x.dim(a)));
    return l.context.select(valid, l.operand(0, from), l.operand(1, {}));
  });
}

void pad_reference(ir::Reference& r) {
  const Ints lo = run_time(r, r.node.attrs.dims("lo")), interior = run_time(r, r.node.attrs.dims("interior"));
  const Ints strides = row_strides(r.operands[0].shape());
  int64_t to = 0;
  for_each_index(r.results[0].shape(), [&](const Ints& index) {
    int64_t from = 0;
    bool inside = true;
    for (size_t a = 0; a < index.size(); ++a) {
      const int64_t at = index[a] - lo[a], step = interior[a] + 1;
      inside = inside && at >= 0 && at % step == 0 && at / step < r.operands[0].shape()[a];
      from += at / step * strides[a];
    }
    copy_element(r.results[0], to++, r.operands[inside ? 0 : 1], inside ? from : 0);
  });
}

std::vector<ir::Sample> pad_samples() {
  static const Dim zero[] = {0, 0}, lo[] = {1, 2}, hi[] = {2, 0}, neg[] = {-1, -2}, between[] = {2, 1};
  auto attrs = [](std::span<const Dim> l, std::span<const Dim> h, std::span<const Dim> i) {
    return std::vector<Attr>{Attr("lo", l), Attr("hi", h), Attr("interior", i)};
  };
  return in_every_dtype({{{normal({3, 5}), normal({})}, attrs(lo, hi, zero)},
                         {{normal({3, 5}), normal({})}, attrs(neg, hi, between)},
                         {{operand(DType::i32, {3, 5}), operand(DType::i32, {})}, attrs(lo, neg, zero)},
                         {{normal({1, 7}), normal({})}, attrs(zero, lo, between)}});
}

}  // namespace

constinit const Op kSlice = {
    .name = "slice",
    .family = "shape",
    .doc = "x[start : limit : stride] on every axis, with 0 <= start <= limit <= extent and stride >= 1.",
    .attrs = kSliceAttrs,
    .infer = slice_infer,
    .jvp = slice_jvp,
    .transpose = slice_transpose,
    .vmap = slice_vmap,
    .lower = slice_lower,
    .reference = slice_reference,
    .tolerance = ir::exact(),
    .cost = [](const Node& n) { return ir::Cost{0, Dim(2) * n.type().bytes()}; },  // reads what it picks
    .samples = slice_samples,
    .encoded = &kMoveBySlice,
    .reads_each_once = true,
};

constinit const Op kPad = {
    .name = "pad",
    .family = "shape",
    .doc =
        "Surrounds the operand with the scalar second operand: `lo` in front, `hi` behind, `interior` between "
        "neighbours. Negative lo and hi remove elements, after the interior padding.",
    .operands_min = 2,
    .operands_max = 2,
    .attrs = kPadAttrs,
    .infer = pad_infer,
    .jvp = pad_jvp,
    .transpose = pad_transpose,
    .vmap = pad_vmap,
    .lower = pad_lower,
    .reference = pad_reference,
    .tolerance = ir::exact(),
    .cost = move_cost,
    .samples = pad_samples,
    .reads_each_once = true,
};

Value slice(Value x, const std::vector<Range>& ranges) {
  if (std::ssize(ranges) > x.rank())
    throw base::Error(base::code::kAxis, fmt::format("slice: {} ranges for {}", ranges.size(), x.type().str()));
  Shape start, limit, stride;
  bool is_whole = true;
  for (int a = 0; a < x.rank(); ++a) {
    const Dim extent = x.type().dim(a);
    const Range range = a < std::ssize(ranges) ? ranges[a] : Range{};
    auto from_end = [&](Dim d) { return d.is_constant() && d.constant() < 0 ? extent + d : d; };
    start.push_back(from_end(range.first));
    limit.push_back(range.limit ? from_end(*range.limit) : extent);
    stride.push_back(range.step);
    is_whole = is_whole && start[a] == Dim(0) && limit[a] == extent && stride[a] == Dim(1);
  }
  return is_whole ? x : add_slice(x, start, limit, stride);
}

Value slice_axis(Value x, int64_t axis, const Range& range) {
  std::vector<Range> ranges(x.rank());
  ranges[axis_of(axis, x.rank(), "slice")] = range;
  return slice(x, ranges);
}

std::vector<Value> split(Value x, const std::vector<Dim>& sizes, int64_t axis) {
  std::vector<Value> parts;
  Dim first = 0;
  for (Dim size : sizes) {
    parts.push_back(slice_axis(x, axis, {first, first + size}));
    first = first + size;
  }
  const Dim extent = x.type().dim(axis_of(axis, x.rank(), "split"));
  if (!ir::proved_equal(first, extent))
    throw base::Error(base::code::kOperandShapes, fmt::format("split: the parts add up to {}, axis {} of {} has {}",
                                                              first.str(), axis, x.type().str(), extent.str()));
  return parts;
}

Value pad(Value x, Value value, const std::vector<Padding>& padding) {
  if (std::ssize(padding) != x.rank())
    throw base::Error(base::code::kAxis, fmt::format("pad: {} entries for {}", padding.size(), x.type().str()));
  Shape lo, hi, interior;
  for (const Padding& p : padding) {
    lo.push_back(p.lo);
    hi.push_back(p.hi);
    interior.push_back(p.interior);
  }
  const Shape none(padding.size(), Dim(0));
  if (lo == none && hi == none && interior == none) return x;
  return add_pad(x, value, lo, hi, interior);
}

Value pad_zero(Value x, const std::vector<Padding>& padding) {
  return pad(x, scalar(x.graph(), x.dtype(), 0.0), padding);
}

}  // namespace strata::ops
