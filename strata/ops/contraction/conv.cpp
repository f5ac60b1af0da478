// Convolution (cross-correlation) over 1 to 3 spatial axes, lowered as a contraction; its derivatives are convolutions
// (conv_cotangents.h).
//
//   x [N, G * I, s...]   w [G * O, I, k...]   y [N, G * O, t...]
//   y[n, g, o, t] = sum over i, k of  x~[n, g, i, t * stride + k * rhs_dilation - pad_lo] * w[g, o, i, k]
//
// where x~ is x with lhs_dilation - 1 zeros between neighbours, and zero outside. The padding is multiplied like any
// other zero, so a weight that is NaN or infinite gives NaN there.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/entry_conditions.h"
#include "strata/ir/unproved.h"
#include "strata/ops/contraction/conv_cotangents.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/contraction/winograd.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/operands/extent_check.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kConvAttrs[] = {
    {"strides", AttrKind::Dims, "step of the window per spatial axis"},
    {"pad_lo", AttrKind::Dims, "zeros in front, per spatial axis; negative removes"},
    {"pad_hi", AttrKind::Dims, "zeros behind, per spatial axis; negative removes"},
    {"lhs_dilation", AttrKind::Dims, "distance of neighbours of x: above 1 for transposed convolution"},
    {"rhs_dilation", AttrKind::Dims, "distance of neighbours of the window"},
    {"groups", AttrKind::Int, "channels are split into this many independent convolutions"},
    {"result", AttrKind::Type, "dtype of the result"}};

ConvShape shape_attrs(const ir::Attrs& attrs) {
  auto list = [&](std::string_view name) {
    const auto d = attrs.dims(name);
    return Shape(d.begin(), d.end());
  };
  return {list("strides"),      list("pad_lo"),          list("pad_hi"),       list("lhs_dilation"),
          list("rhs_dilation"), attrs.integer("groups"), attrs.dtype("result")};
}

Dim result_extent(Dim x, Dim window, const ConvShape& c, size_t a) {
  const Dim room =
      spread_extent(x, c.lhs_dilation[a]) + c.pad_lo[a] + c.pad_hi[a] - spread_extent(window, c.rhs_dilation[a]);
  if (room.is_constant() && room.constant() < 0) return 0;
  return floor_div(room, c.strides[a]) + 1;
}

void require_groups(const ir::Infer& i, int64_t groups) {
  const Dim channels = i.type(0).dim(1), inputs = i.type(1).dim(1), outputs = i.type(1).dim(0);
  if (groups < 1) i.fail(base::code::kAttributeValue, fmt::format("{} groups", groups));
  if (!ir::proved_equal(inputs * Dim(groups), channels))
    i.fail(base::code::kUnequalDims,
           fmt::format("x {} has {} channels, w {} takes {} in {} group(s)", i.type(0).str(), channels.str(),
                       i.type(1).str(), (inputs * Dim(groups)).str(), groups));
  if (ir::is_not_multiple(outputs, groups))
    i.fail(base::code::kUnequalDims,
           fmt::format("{} output channels don't divide into {} groups", outputs.str(), groups));
}

void conv_infer(ir::Infer& i) {
  require_factors(i, i.attrs.dtype("result"));
  const Type x = i.type(0), w = i.type(1);
  const size_t spatial = std::max(x.rank() - 2, 0);
  if (x.rank() != w.rank() || spatial < 1 || spatial > 3)
    i.fail(base::code::kOperandShapes,
           fmt::format("x is [N, C, 1 to 3 spatial axes] and w [O, I, as many], found {} and {}", x.str(), w.str()));
  const ConvShape c = shape_attrs(i.attrs);
  for (const auto& [list, name] :
       {std::pair(&c.strides, "strides"), std::pair(&c.pad_lo, "pad_lo"), std::pair(&c.pad_hi, "pad_hi"),
        std::pair(&c.lhs_dilation, "lhs_dilation"), std::pair(&c.rhs_dilation, "rhs_dilation")})
    if (list->size() != spatial)
      i.fail(base::code::kAttributeValue,
             fmt::format("'{}' has {} entries for {} spatial axes", name, list->size(), spatial));
  for (const Shape* list : {&c.strides, &c.lhs_dilation, &c.rhs_dilation})
    for (Dim d : *list)
      if (ir::is_below_zero(d - 1)) i.fail(base::code::kAttributeValue, "strides and dilations are 1 or more");
  require_groups(i, c.groups);
  Shape shape{x.dim(0), w.dim(0)};
  for (size_t a = 0; a < spatial; ++a) {
    const int axis = a + 2;
    shape.push_back(result_extent(x.dim(axis), w.dim(axis), c, a));
  }
  i.result(Type::of(*c.result, shape));
}

void conv_jvp(ir::Jvp& j) {
  const ConvShape c = shape_attrs(j.node.attrs);
  j.sum_over([&](int i, Value t) { return i == 0 ? conv(t, j.operand(1), c) : conv(j.operand(0), t, c); });
}

void conv_transpose(ir::Transpose& t) {
  const ConvShape c = shape_attrs(t.node.attrs);
  const Value ct = t.cotangent();
  if (t.is_linear(0))
    t.set(0, conv_cotangent_of_x(ct, t.operand(1), c, t.operand_type(0)));
  else
    t.set(1, conv_cotangent_of_w(ct, t.operand(0), c, t.operand_type(1)));
}

Shape tail(Value v, int from) {
  const Shape s = shape_of(v);
  return {s.begin() + from, s.end()};
}
Shape with(std::initializer_list<Dim> front, const Shape& rest) {
  Shape s(front);
  s.insert(s.end(), rest.begin(), rest.end());
  return s;
}

/// A batch of images joins the images; a batch of windows becomes more outputs of each group; both: more groups.
void conv_vmap(ir::Vmap& v) {
  ConvShape c = shape_attrs(v.node.attrs);
  const Value x = v.operand(0), w = v.operand(1);
  const Type y = v.node.type(), x_type = v.node.operand(0).type(), w_type = v.node.operand(1).type();
  const Dim n = x_type.dim(0), g = c.groups, o = floor_div(w_type.dim(0), g);
  const Shape spatial(y.shape().begin() + 2, y.shape().end());
  if (!v.is_batched(1)) {
    const Value all = conv(reshape(x, with({v.size * n}, tail(x, 2))), w, c);
    v.set(reshape(all, with({v.size}, shape_of(y))));
    return;
  }
  if (!v.is_batched(0)) {
    const Value grouped = swap_axes(reshape(w, with({v.size, g, o}, tail(w, 2))), 0, 1);
    const Value all = conv(x, reshape(grouped, with({g * v.size * o}, tail(w, 2))), c);
    const Value apart = transpose(reshape(all, with({n, g, v.size, o}, spatial)), [&] {
      Ints perm{2, 0, 1, 3};
      for (size_t a = 0; a < spatial.size(); ++a) perm.push_back(4 + a);
      return perm;
    }());
    v.set(reshape(apart, with({v.size}, shape_of(y))));
    return;
  }
  if (!v.size.is_constant()) {
    ir::note_symbolic(v.size);
    throw base::Error(
        base::code::kNoSuchForm,
        "conv: a batch of images with a batch of windows needs a constant batch size, found " + v.size.str());
  }
  c.groups *= v.size.constant();
  const Value images = reshape(swap_axes(x, 0, 1), with({n, v.size * x_type.dim(1)}, tail(x, 3)));
  const Value all = conv(images, reshape(w, with({v.size * w_type.dim(0)}, tail(w, 2))), c);
  v.set(swap_axes(reshape(all, with({n, v.size, w_type.dim(0)}, spatial)), 0, 1));
}

/// The element of x~ for output position `t` and window position `k` (spatial), zero in the padding and in the gaps.
Expr padded_element(ir::Lowering& l, const ConvShape& c, Expr n, Expr channel, std::span<const Expr> t,
                    std::span<const Expr> k) {
  const IndexMath m{l.context};
  const Type x = l.node.operand(0).type();
  const DType wide = sum_dtype(x, l.node.type().dtype());
  if (has_no_elements(x)) return l.context.constant(wide, 0.0);
  std::vector<Expr> at{n, channel};
  Expr valid = nullptr;
  auto also = [&](Expr condition) { valid = valid ? m.both(valid, condition) : condition; };
  for (size_t a = 0; a < t.size(); ++a) {
    const Dim extent = x.dim(a + 2);
    Expr p = m.add(m.mul(t[a], m.at(c.strides[a])), m.mul(k[a], m.at(c.rhs_dilation[a])));
    p = m.sub(p, m.at(c.pad_lo[a]));
    const bool is_dilated = !(c.lhs_dilation[a] == Dim(1));
    const bool in_front = !(c.pad_lo[a].is_constant() && c.pad_lo[a].constant() <= 0);
    const bool behind = is_dilated || !(c.pad_hi[a].is_constant() && c.pad_hi[a].constant() <= 0);
    if (in_front) also(m.le(m.num(0), p));
    if (is_dilated) {
      also(m.eq(m.mod(p, m.at(c.lhs_dilation[a])), m.num(0)));
      p = m.div(p, m.at(c.lhs_dilation[a]));
    }
    if (behind) also(m.lt(p, m.at(extent)));
    at.push_back(in_front || behind ? m.clamp(p, m.at(extent)) : p);
  }
  const Expr value = l.context.cast(wide, l.operand(0, at));
  return valid ? l.context.select(valid, value, l.context.constant(value->type.dtype, 0.0)) : value;
}

/// Rows are the outputs of a group, columns the images and their positions, so that a tile writes along the image.
void conv_lower(ir::Lowering& l) {
  const ConvShape c = shape_attrs(l.node.attrs);
  const Type x = l.node.operand(0).type(), w = l.node.operand(1).type(), y = l.node.type();
  const size_t spatial = c.strides.size();
  const Dim outputs = floor_div(w.dim(0), c.groups), inputs = w.dim(1);
  const DType wide = sum_dtype(x, y.dtype());
  ir::ContractionForm form;
  if (c.groups > 1) form.batch = {Dim(c.groups)};
  const size_t b = form.batch.size();
  form.rows = {outputs};
  form.columns = {x.dim(0)};
  form.depth = {inputs};
  for (size_t a = 0; a < spatial; ++a) {
    form.columns.push_back(y.dim(a + 2));
    form.depth.push_back(w.dim(a + 2));
    ++form.window_axes;
  }
  form.lhs = [&l, b, outputs, wide](std::span<const Expr> i) {  // (g, o, i, k...)
    const IndexMath m{l.context};
    std::vector<Expr> at(i.begin() + b, i.end());
    if (b) at[0] = m.add(m.mul(i[0], m.at(outputs)), at[0]);
    return l.context.cast(wide, l.operand(1, at));
  };
  form.rhs = [&l, b, c, spatial, inputs](std::span<const Expr> i) {  // (g, n, t..., i, k...)
    const IndexMath m{l.context};
    const Expr input = i[b + 1 + spatial], channel = b ? m.add(m.mul(i[0], m.at(inputs)), input) : input;
    return padded_element(l, c, i[b], channel, i.subspan(b + 1, spatial), i.subspan(b + 2 + spatial, spatial));
  };
  form.result_index = [&l, b, outputs](std::span<const Expr> i) {  // (g, o, n, t...) -> (n, g * O + o, t...)
    const IndexMath m{l.context};
    std::vector<Expr> at{i[b + 1], b ? m.add(m.mul(i[0], m.at(outputs)), i[b]) : i[b]};
    at.insert(at.end(), i.begin() + b + 2, i.end());
    return at;
  };
  const DType result = y.dtype();
  if (wide != result) form.finish = [&context = l.context, result](Expr e) { return context.cast(result, e); };
  l.contraction(std::move(form));
}

void conv_reference(ir::Reference& r) {
  const ConvShape c = shape_attrs(r.node.attrs);
  const HostArray &x = r.operands[0], &w = r.operands[1];
  const Ints stride = run_time(r, c.strides), lo = run_time(r, c.pad_lo), lhs = run_time(r, c.lhs_dilation),
             rhs = run_time(r, c.rhs_dilation);
  const Ints x_strides = row_strides(x.shape()), w_strides = row_strides(w.shape());
  const int64_t outputs = w.shape()[0] / c.groups, inputs = w.shape()[1];
  const std::vector<int64_t> window(w.shape().begin() + 1, w.shape().end());
  const bool is_whole = computes_in_int(x.dtype());
  int64_t to = 0;
  for_each_index(r.results[0].shape(), [&](const Ints& at) {
    double sum = 0;
    uint64_t whole = 0;
    const int64_t group = at[1] / outputs;
    for_each_index(window, [&](const Ints& k) {
      int64_t from = at[0] * x_strides[0] + (group * inputs + k[0]) * x_strides[1],
              weight = at[1] * w_strides[0] + k[0] * w_strides[1];
      bool inside = true;
      for (size_t a = 0; a < stride.size(); ++a) {
        const int64_t p = at[a + 2] * stride[a] + k[a + 1] * rhs[a] - lo[a];
        inside = inside && p >= 0 && p % lhs[a] == 0 && p / lhs[a] < x.shape()[a + 2];
        from += p / lhs[a] * x_strides[a + 2];
        weight += k[a + 1] * w_strides[a + 2];
      }
      if (!is_whole)
        sum = std::fma(inside ? x.get(from) : 0.0, w.get(weight), sum);
      else if (inside)
        whole += static_cast<uint64_t>(x.get_int(from)) * static_cast<uint64_t>(w.get_int(weight));
    });
    if (is_whole)
      r.results[0].set_int(to++, whole);
    else
      r.results[0].set(to++, sum);
  });
}

ir::Cost conv_cost(const Node& n) {
  const Type w = n.operand(1).type();
  return {Dim(2) * ir::product(w.shape().subspan(1)) * n.type().elements(), move_cost(n).bytes};
}

std::vector<Attr> conv_attrs(const ConvShape& c) {
  return {Attr("strides", dims_span(c.strides)),
          Attr("pad_lo", dims_span(c.pad_lo)),
          Attr("pad_hi", dims_span(c.pad_hi)),
          Attr("lhs_dilation", dims_span(c.lhs_dilation)),
          Attr("rhs_dilation", dims_span(c.rhs_dilation)),
          Attr("groups", c.groups),
          Attr("result", *c.result)};
}

std::vector<ir::Sample> conv_samples() {
  constexpr DType f32 = DType::f32;
  static const ConvShape plain{{1, 1}, {0, 0}, {0, 0}, {1, 1}, {1, 1}, 1, f32};
  static const ConvShape strided{{2, 3}, {1, 2}, {2, 0}, {1, 1}, {1, 1}, 1, f32};
  static const ConvShape dilated{{1, 1}, {3, 1}, {1, -1}, {2, 3}, {2, 1}, 1, f32};
  static const ConvShape grouped{{1, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 3, f32};
  static const ConvShape point{{2, 2}, {0, 0}, {0, 0}, {1, 1}, {1, 1}, 1, f32};  // a window smaller than the stride
  static const ConvShape channelwise{{2, 2}, {1, 1}, {1, 0}, {1, 1}, {1, 1}, 6, f32};
  static const ConvShape line{{2}, {1}, {0}, {1}, {1}, 1, f32};
  static const ConvShape cube{{1, 1, 1}, {0, 1, 0}, {0, 0, 1}, {1, 1, 1}, {1, 1, 1}, 1, f32};
  std::vector<ir::Sample> list;
  const auto add = [&](DType x, DType w, DType result, const ConvShape& shape) {
    std::vector<Attr> attrs = conv_attrs(shape);
    attrs.back() = Attr("result", result);
    list.push_back({{operand(x, {2, 3, 7, 5}), operand(w, {4, 3, 3, 2})}, attrs});
  };
  for (DType t : ir::kAllDTypes)
    if (ir::kNumbers.has(t)) add(t, t, t, plain);
  add(DType::bf16, DType::bf16, DType::f32, plain);
  add(DType::u8, DType::i8, DType::i32, plain);
  add(DType::i8, DType::i8, DType::i32, plain);
  list.push_back({{normal({1, 2, 7, 11}), normal({3, 2, 3, 3})}, conv_attrs(strided)});
  list.push_back({{normal({2, 2, 5, 4}), normal({3, 2, 2, 3})}, conv_attrs(dilated)});
  list.push_back({{normal({2, 6, 5, 5}), normal({9, 2, 3, 3})}, conv_attrs(grouped)});
  list.push_back({{normal({1, 2, 5, 4}), normal({3, 2, 1, 1})}, conv_attrs(point)});
  list.push_back({{normal({2, 6, 7, 9}), normal({6, 1, 3, 3})}, conv_attrs(channelwise)});
  list.push_back({{normal({3, 2, 13}), normal({5, 2, 4})}, conv_attrs(line)});
  list.push_back({{normal({1, 2, 3, 4, 3}), normal({2, 2, 2, 2, 2})}, conv_attrs(cube)});
  list.push_back({{normal({0, 3, 7, 5}), normal({4, 3, 3, 2})}, conv_attrs(plain)});
  return list;
}

}  // namespace

constinit const Op kConv = {
    .name = "conv",
    .family = "contraction",
    .doc =
        "Cross-correlation of x [N, C, spatial...] with windows w [O, C / groups, window...]: per element, ascending "
        "chains of FMAs over whole channels and their window, or pieces of a larger window, of at most 256 terms, "
        "joined by a tree; half floats accumulate in f32. Padding and the gaps of lhs_dilation are zeros that are "
        "multiplied like any other. A window larger than the padded x gives an empty result. Dtypes of factors and "
        "result are those of dot; integers wrap in the result's dtype.",
    .operands_min = 2,
    .operands_max = 2,
    .attrs = kConvAttrs,
    .types = ir::kNumbers,
    .infer = conv_infer,
    .jvp = conv_jvp,
    .transpose = conv_transpose,
    .vmap = conv_vmap,
    .lower = conv_lower,
    .reference = conv_reference,
    .tolerance = ir::sum_of_terms(4, 40),
    .cost = conv_cost,
    .samples = conv_samples,
    .is_smooth = true,
};

ConvShape shape_of_conv(const Node& conv) { return shape_attrs(conv.attrs); }

ConvShape with_all_lists(const ConvShape& shape, Value x, Value w) {
  ConvShape c = shape;
  const size_t spatial = std::max(x.rank() - 2, 0);
  for (Shape* ones : {&c.strides, &c.lhs_dilation, &c.rhs_dilation})
    if (ones->empty()) ones->assign(spatial, Dim(1));
  for (Shape* zeros : {&c.pad_lo, &c.pad_hi})
    if (zeros->empty()) zeros->assign(spatial, Dim(0));
  if (!c.result) c.result = ir::is_int(x.dtype()) && x.dtype() != w.dtype() ? DType::i32 : x.dtype();
  return c;
}

Value conv(Value x, Value w, const ConvShape& shape) {
  require_choice("conv", "algorithm", shape.algorithm, 3);
  const ConvShape c = with_all_lists(shape, x, w);
  if (c.algorithm != ConvAlgorithm::Direct) return winograd_conv(x, w, c);
  const auto attrs = conv_attrs(c);
  const Value operands[] = {x, w};
  return x.graph().add(kConv, operands, attrs)->result();
}

Value fitting_conv(Value x, Value w, const ConvShape& shape) {
  const Value y = conv(x, w, shape);  // refuses what is no convolution
  const ConvShape c = with_all_lists(shape, x, w);
  for (size_t a = 0; a < c.strides.size(); ++a) {
    const int axis = a + 2;
    require_extent(x.graph(), w.type().dim(axis), 1, base::code::kAttributeValue,
                   fmt::format("conv: axis {} of the window {} is empty", axis, w.type().str()));
    require_window_fits("conv", x,
                        {axis, spread_extent(x.type().dim(axis), c.lhs_dilation[a]),
                         spread_extent(w.type().dim(axis), c.rhs_dilation[a]), c.pad_lo[a] + c.pad_hi[a]});
  }
  return y;
}

}  // namespace strata::ops
