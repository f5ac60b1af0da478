#include "strata/ops/contraction/winograd.h"

#include <fmt/format.h>

#include <cmath>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/contraction/conv_cotangents.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

constexpr int kWindow = 3;

// The points 0, 1, -1 and infinity.
constexpr double kImage2[] = {1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, 1, 0, -1};
constexpr double kWindow2[] = {1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0, 0, 1};
constexpr double kBack2[] = {1, 1, 1, 0, 0, 1, -1, -1};
// And 2, -2.
constexpr double kImage4[] = {4, 0,  -5, 0, 1, 0, 0, -4, -4, 1,  1, 0, 0, 4, -4, -1, 1, 0,
                              0, -2, -1, 2, 1, 0, 0, 2,  -1, -2, 1, 0, 0, 4, 0,  -5, 0, 1};
constexpr double kWindow4[] = {1.0 / 4,  0,        0,       -1.0 / 6, -1.0 / 6,  -1.0 / 6, -1.0 / 6, 1.0 / 6, -1.0 / 6,
                               1.0 / 24, 1.0 / 12, 1.0 / 6, 1.0 / 24, -1.0 / 12, 1.0 / 6,  0,        0,       1};
constexpr double kBack4[] = {1, 1, 1, 1, 1, 0, 0, 1, -1, 2, -2, 0, 0, 1, 1, 4, 4, 0, 0, 1, -1, 8, -8, 1};

constexpr WinogradMatrices kMatrices2 = {2, {4, 4, kImage2}, {4, 3, kWindow2}, {2, 4, kBack2}};
constexpr WinogradMatrices kMatrices4 = {4, {6, 6, kImage4}, {6, 3, kWindow4}, {4, 6, kBack4}};

/// The products of a row of a matrix with as many values, in ascending order; those by 0 are left out.
Value combined(const TransformMatrix& matrix, int row, const std::vector<Value>& values) {
  Value sum;
  for (int i = 0; i < matrix.columns; ++i) {
    const double factor = matrix.at(row, i);
    if (factor == 0) continue;
    const Value size = std::abs(factor) == 1 ? values[i] : values[i] * std::abs(factor);
    if (!sum)
      sum = factor < 0 ? -size : size;
    else
      sum = factor < 0 ? sum - size : sum + size;
  }
  return sum;
}

/// All rows, side by side along an axis of extent 1.
Value transformed(const TransformMatrix& matrix, const std::vector<Value>& values, int64_t axis) {
  std::vector<Value> rows;
  for (int r = 0; r < matrix.rows; ++r) rows.push_back(combined(matrix, r, values));
  return concat(rows, axis);
}

/// The elements along an axis, whose extent becomes 1.
std::vector<Value> all_along(Value x, int64_t axis, int count) {
  std::vector<Value> values;
  for (int i = 0; i < count; ++i) values.push_back(slice_axis(x, axis, {i, Dim(i + 1)}));
  return values;
}
/// Each element of the tiles along an axis: of tile t the element t * distance + i.
std::vector<Value> elements_of_tiles(Value x, int64_t axis, Dim tiles, int distance, int count) {
  std::vector<Value> values;
  for (int i = 0; i < count; ++i)
    values.push_back(slice_axis(x, axis, {Dim(i), Dim(i) + (tiles - 1) * Dim(distance) + 1, Dim(distance)}));
  return values;
}

class Winograd {
 public:
  /// `result`: the type of the convolution.
  Winograd(Value x, Value w, const ConvShape& c, Type result)
      : matrices_(winograd_matrices(c.algorithm)), m_(matrices_.results), t_(m_ + kWindow - 1), x_(x), w_(w), c_(c) {
    for (int a = 0; a < 2; ++a) {
      extents_.push_back(result.dim(a + 2));
      tiles_.push_back(max(ir::ceil_div(extents_[a], Dim(m_)), Dim(1)));  // of an empty result one, which is cut off
    }
    images_ = x.type().dim(0);
    inputs_ = w.type().dim(1);
    outputs_ = floor_div(w.type().dim(0), Dim(c.groups));
  }

  Value result() const {
    // [t, t, h, v, N, G, I] with [t, t, G, I, O], both with (t, t, G) in front.
    const Value products = dot(tiles_of_image(), tiles_of_windows(), {{6}, {3}, {0, 1, 5}, {0, 1, 2}});
    return out_of_tiles(products);
  }

 private:
  Value tiles_of_image() const {
    std::vector<Padding> padding(4);
    for (int a = 0; a < 2; ++a) {
      const Dim whole = tiles_[a] * Dim(m_) + Dim(kWindow - 1);
      padding[a + 2] = {c_.pad_lo[a], whole - x_.type().dim(a + 2) - c_.pad_lo[a]};
    }
    const Value last = expand_dims(transpose(pad_zero(x_, padding), {2, 3, 0, 1}), 0);  // [1, H, W, N, C]
    const Value rows = transformed(matrices_.image, elements_of_tiles(last, 1, tiles_[0], m_, t_), 0);
    const Value apart = expand_dims(rows, 1);  // [t, 1, h, W, N, C]
    const Value both = transformed(matrices_.image, elements_of_tiles(apart, 3, tiles_[1], m_, t_), 1);
    return reshape(both, {Dim(t_), Dim(t_), tiles_[0], tiles_[1], images_, Dim(c_.groups), inputs_});
  }

  Value tiles_of_windows() const {
    const Value apart = reshape(w_, {Dim(c_.groups), outputs_, inputs_, Dim(kWindow), Dim(kWindow)});
    const Value last = transpose(apart, {3, 4, 0, 2, 1});  // [3, 3, G, I, O]
    const Value rows = transformed(matrices_.window, all_along(last, 0, kWindow), 0);
    return transformed(matrices_.window, all_along(rows, 1, kWindow), 1);
  }

  /// [t, t, G, h, v, N, O] -> [N, G * O, H', W'].
  Value out_of_tiles(Value products) const {
    const Dim g(c_.groups), m(m_), t(t_);
    const Value apart = reshape(products, {t, t, g, tiles_[0], 1, tiles_[1], images_, outputs_});
    const Value rows = transformed(matrices_.back, all_along(apart, 0, t_), 4);  // [1, t, G, h, m, v, N, O]
    const Value lines = reshape(rows, {t, g, tiles_[0], m, tiles_[1], 1, images_, outputs_});
    const Value both = transformed(matrices_.back, all_along(lines, 0, t_), 5);  // [1, G, h, m, v, m, N, O]
    const Value whole = reshape(both, {g, tiles_[0] * m, tiles_[1] * m, images_, outputs_});
    const Value y = slice(whole, {{}, {.limit = extents_[0]}, {.limit = extents_[1]}, {}, {}});
    return reshape(transpose(y, {3, 0, 4, 1, 2}), {images_, outputs_ * g, extents_[0], extents_[1]});
  }

  const WinogradMatrices& matrices_;
  int m_, t_;  ///< results and elements of a tile along an axis
  Value x_, w_;
  const ConvShape& c_;
  Shape extents_, tiles_;  ///< of the result, along each spatial axis
  Dim images_, inputs_, outputs_;
};

ConvShape ordinary(const ConvShape& c, DType result) {
  ConvShape direct = c;
  direct.algorithm = ConvAlgorithm::Direct;
  direct.result = result;
  return direct;
}

enum class Derivative : uint8_t { SameForm, OrdinaryForm };
Value as_winograd(Value x, Value w, const ConvShape& c, Derivative derivative);

Value form_of(Value x, Value w, const ConvShape& c) {
  const Value direct = conv(x, w, ordinary(c, x.dtype()));  // of which the type is read, and nothing else
  return Winograd(x, w, c, direct.type()).result();
}

/// With its own reverse mode, which goes by the same algorithm where it can. The derivative of that is the ordinary
/// one:
/// a body can't hold itself.
Value with_cotangents(Value x, Value w, const ConvShape& c) {
  using Values = std::vector<Value>;
  const Type operands[] = {x.type(), w.type()};
  CustomVjpRegions regions;
  regions.body =
      make_region("winograd", operands, [&](Graph&, const Values& p) { return Values{form_of(p[0], p[1], c)}; });
  regions.forward = make_region("forward", operands,
                                [&](Graph&, const Values& p) { return Values{form_of(p[0], p[1], c), p[0], p[1]}; });
  const Type known[] = {x.type(), w.type(), regions.body->results()[0].type()};
  regions.backward = make_region("backward", known, [&](Graph&, const Values& p) {
    const ConvOperands back = conv_of_x_cotangent(p[2], p[1], c, p[0].type());
    return Values{settled(as_winograd(back.x, back.w, back.shape, Derivative::OrdinaryForm), p[0].type()),
                  conv_cotangent_of_w(p[2], p[0], ordinary(c, x.dtype()), p[1].type())};
  });
  const Value inputs[] = {x, w};
  return custom_vjp(x.graph(), regions, inputs, {})[0];
}

Value with_ordinary_tangents(Value x, Value w, const ConvShape& c) {
  using Values = std::vector<Value>;
  const Type operands[] = {x.type(), w.type()}, all[] = {x.type(), w.type(), x.type(), w.type()};
  const GraphRef body =
      make_region("winograd", operands, [&](Graph&, const Values& p) { return Values{form_of(p[0], p[1], c)}; });
  const ConvShape direct = ordinary(c, x.dtype());
  const GraphRef tangents = make_region("tangents", all, [&](Graph&, const Values& p) {
    return Values{conv(p[2], p[1], direct) + conv(p[0], p[3], direct)};
  });
  const Value inputs[] = {x, w};
  return custom_jvp(x.graph(), body, tangents, inputs, {})[0];
}

/// The body's operands may be wider than those of the composite.
Value as_winograd(Value x, Value w, const ConvShape& c, Derivative derivative) {
  const auto body = [&](Value a, Value b) {
    return derivative == Derivative::SameForm ? with_cotangents(a, b, c) : with_ordinary_tangents(a, b, c);
  };
  return as_composite("conv_winograd",
                      {Attr("algorithm", algorithm_name(c.algorithm)), Attr("pad_lo", dims_span(c.pad_lo)),
                       Attr("pad_hi", dims_span(c.pad_hi)), Attr("groups", c.groups),
                       Attr("derivative", derivative == Derivative::SameForm ? "winograd" : "direct")},
                      body, x, w);
}

}  // namespace

const WinogradMatrices& winograd_matrices(ConvAlgorithm algorithm) {
  return algorithm == ConvAlgorithm::WinogradF2x3 ? kMatrices2 : kMatrices4;
}

std::string winograd_misfit(Value x, Value w, const ConvShape& c) {
  const auto takes = [](const std::string& expected, const std::string& found) {
    return fmt::format("takes {}, found {}", expected, found);
  };
  if (!is_float(x.dtype()) || x.dtype() != w.dtype() || *c.result != x.dtype())
    return takes("floats of one dtype",
                 fmt::format("{} and {} to {}", x.type().str(), w.type().str(), dtype_name(*c.result)));
  if (x.rank() != 4 || w.rank() != 4) return takes("two spatial axes", x.type().str() + " and " + w.type().str());
  if (!(w.type().dim(2) == Dim(kWindow)) || !(w.type().dim(3) == Dim(kWindow)))
    return takes("windows of 3 x 3", w.type().str());
  for (const auto& [list, name] :
       {std::pair{&c.strides, "strides"}, {&c.lhs_dilation, "lhs_dilation"}, {&c.rhs_dilation, "rhs_dilation"}})
    for (const Dim d : *list)
      if (!(d == Dim(1))) return takes(fmt::format("no {}", name), fmt::format("{} {}", name, d.str()));
  return {};
}

Value winograd_conv(Value x, Value w, const ConvShape& c) {
  if (const std::string why = winograd_misfit(x, w, c); !why.empty())
    throw base::Error(base::code::kAttributeValue, fmt::format("conv: {} {}", algorithm_name(c.algorithm), why));
  return as_winograd(x, w, c, Derivative::SameForm);
}

}  // namespace strata::ops
