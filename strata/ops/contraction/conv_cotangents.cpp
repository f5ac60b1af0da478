#include "strata/ops/contraction/conv_cotangents.h"

#include <algorithm>

#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

/// [G * A, B, ...] -> [G * B, A, ...]: swaps inputs and outputs of each group.
Value swap_in_groups(Value w, int64_t groups) {
  const Shape s = shape_of(w);
  if (groups == 1) return swap_axes(w, 0, 1);
  Shape split{Dim(groups), floor_div(s[0], groups)};
  split.insert(split.end(), s.begin() + 1, s.end());
  Shape merged{s[1] * Dim(groups), split[1]};
  merged.insert(merged.end(), s.begin() + 2, s.end());
  return reshape(swap_axes(reshape(w, split), 1, 2), merged);
}

/// A convolution whose image has gaps, as one of each phase: neighbours of a result that are `lhs_dilation` apart meet
/// the same elements of the window, and only those that lie on elements of the image.
///
///   y[s m + a] = sum over t of w[s t + r] x[m + t - lo_a]      r = (lo - a) mod s, lo_a = (lo - a - r) / s
class Phases {
 public:
  Phases(Value x, Value w, const ConvShape& shape) : x_(x), w_(w), shape_(shape) {}

  bool are_known() const {
    constexpr int64_t kMostPhases = 16;  // a convolution each
    int64_t phases = 1;
    for (size_t a = 0; a < shape_.lhs_dilation.size(); ++a) {
      const bool is_plain = shape_.strides[a] == Dim(1) && shape_.rhs_dilation[a] == Dim(1);
      if (!is_plain || !shape_.lhs_dilation[a].is_constant() || !shape_.pad_lo[a].is_constant() ||
          !w_.type().dim(static_cast<int>(a) + 2).is_constant())
        return false;
      phases *= std::min(shape_.lhs_dilation[a].constant(), kMostPhases + 1);
      if (phases > kMostPhases) return false;
    }
    return phases > 1;
  }
  /// [N, O, extents...].
  Value result(const Shape& extents) {
    extents_ = extents;
    phase_.assign(extents.size(), 0);
    return of_axis(0);
  }

 private:
  int64_t gap(size_t axis) const { return shape_.lhs_dilation[axis].constant(); }
  Dim positions(size_t axis) const { return ir::ceil_div(extents_[axis], shape_.lhs_dilation[axis]); }

  /// All phases along an axis and those behind it, at the phases of the axes in front that `phase_` names.
  Value of_axis(size_t axis) {
    if (axis == extents_.size()) return one_phase();
    std::vector<Value> parts;
    for (phase_[axis] = 0; phase_[axis] < gap(axis); ++phase_[axis]) parts.push_back(of_axis(axis + 1));
    phase_[axis] = 0;
    if (parts.size() == 1) return parts[0];
    const auto place = static_cast<int64_t>(axis) + 2;
    const Value apart = stack(parts, place + 1);
    Shape joined = shape_of(parts[0]);
    joined[place] = joined[place] * Dim(gap(axis));
    const Value all = reshape(apart, joined);
    return joined[place] == extents_[axis] ? all : slice_axis(all, place, {.limit = extents_[axis]});
  }

  /// The convolution of one phase.
  Value one_phase() const {
    ConvShape plain = shape_;
    plain.lhs_dilation.assign(extents_.size(), Dim(1));
    std::vector<Range> taps(extents_.size() + 2);
    Shape shape{x_.type().dim(0), w_.type().dim(0)};
    bool has_taps = true;
    for (size_t a = 0; a < extents_.size(); ++a) {
      const int axis = static_cast<int>(a) + 2;
      const int64_t s = gap(a), lo = shape_.pad_lo[a].constant(), window = w_.type().dim(axis).constant();
      const int64_t r = ((lo - phase_[a]) % s + s) % s, count = r < window ? (window - r + s - 1) / s : 0;
      taps[axis] = {.first = r, .step = s};
      shape.push_back(positions(a));
      has_taps = has_taps && count > 0;
      plain.pad_lo[a] = (lo - phase_[a] - r) / s;
      plain.pad_hi[a] = positions(a) - 1 + count - x_.type().dim(axis) - plain.pad_lo[a];
    }
    if (!has_taps) return full(x_.graph(), Type::of(shape_.result.value_or(x_.dtype()), shape), 0.0);
    return conv(x_, slice(w_, taps), plain);
  }

  Value x_, w_;
  const ConvShape& shape_;
  Shape extents_;
  Ints phase_;  ///< along each axis
};

}  // namespace

Value settled(Value v, Type wanted) { return v.type() == wanted ? v : reshape(v, shape_of(wanted)); }

Dim spread_extent(Dim d, Dim dilation) { return dilation == Dim(1) ? d : d + max(d - 1, Dim(0)) * (dilation - 1); }

ConvOperands conv_of_x_cotangent(Value ct, Value w, const ConvShape& c, Type x) {
  Ints turned;
  ConvShape back{.strides = c.lhs_dilation,
                 .lhs_dilation = c.strides,
                 .rhs_dilation = c.rhs_dilation,
                 .groups = c.groups,
                 .result = x.dtype(),
                 .algorithm = c.algorithm};
  for (size_t a = 0; a < c.strides.size(); ++a) {
    const int axis = a + 2;
    turned.push_back(axis);
    const Dim window = spread_extent(w.type().dim(axis), c.rhs_dilation[a]);
    back.pad_lo.push_back(window - 1 - c.pad_lo[a]);
    // As much room as the positions of x need. Of none it is too little by the gaps, which changes nothing, and the
    // extent that comes out is x's in canonical form.
    back.pad_hi.push_back((x.dim(axis) - 1) * c.lhs_dilation[a] + 1 + c.pad_lo[a] -
                          spread_extent(ct.type().dim(axis), c.strides[a]));
  }
  return {cast(ct, w.dtype()), reverse(swap_in_groups(w, c.groups), turned), back};
}

Value conv_cotangent_of_x(Value ct, Value w, const ConvShape& c, Type x) {
  const ConvOperands back = conv_of_x_cotangent(ct, w, c, x);
  Phases phases(back.x, back.w, back.shape);
  const bool by_phases = phases.are_known();
  return settled(by_phases ? phases.result({x.shape().begin() + 2, x.shape().end()}) : conv(back.x, back.w, back.shape),
                 x);
}

Value conv_cotangent_of_w(Value ct, Value x, const ConvShape& c, Type w) {
  const Shape s = shape_of(x);
  Value images;  // [I, G * N, s...]
  if (c.groups == 1) {
    images = swap_axes(x, 0, 1);
  } else {
    Shape split{s[0], Dim(c.groups), w.dim(1)};
    split.insert(split.end(), s.begin() + 2, s.end());
    Shape merged{w.dim(1), Dim(c.groups) * s[0]};
    merged.insert(merged.end(), s.begin() + 2, s.end());
    images = reshape(swap_axes(reshape(x, split), 0, 2), merged);
  }
  ConvShape back{.strides = c.rhs_dilation,
                 .pad_lo = c.pad_lo,
                 .lhs_dilation = c.lhs_dilation,
                 .rhs_dilation = c.strides,
                 .groups = c.groups,
                 .result = w.dtype()};
  for (size_t a = 0; a < c.strides.size(); ++a) {
    const int axis = a + 2;
    // As much behind as makes the extent come out as the window's.
    const Dim wanted = (w.dim(axis) - 1) * c.rhs_dilation[a] + spread_extent(ct.type().dim(axis), c.strides[a]);
    back.pad_hi.push_back(wanted - spread_extent(x.type().dim(axis), c.lhs_dilation[a]) - c.pad_lo[a]);
  }
  return settled(swap_axes(conv(images, swap_axes(cast(ct, x.dtype()), 0, 1), back), 0, 1), w);
}

}  // namespace strata::ops
