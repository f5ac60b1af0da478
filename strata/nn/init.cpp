#include "strata/nn/init.h"

#include <algorithm>
#include <cmath>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/operands/number_range.h"

namespace strata::nn {

std::string Initialiser::owner(std::string_view layer) const {
  return path_.empty() ? std::string(layer) : std::string(layer) + " " + path_;
}

void check_options(const InitOptions& options) {
  if (!ir::is_float(options.dtype))
    base::OptionCheck(base::code::kOptionOutOfRange, "init")
        .refuse("dtype", ir::dtype_name(options.dtype), "a float's");
}

Tensor Initialiser::uniform(std::string_view name, const Shape& shape, double bound) const {
  return strata::uniform(key(name), shape, -bound, bound, dtype_);
}
Tensor Initialiser::normal(std::string_view name, const Shape& shape, double deviation) const {
  return strata::normal(key(name), shape, 0, deviation, dtype_);
}

namespace {

std::vector<int64_t> constants(const Shape& shape) {
  std::vector<int64_t> sizes;
  for (Dim d : shape) {
    if (!d.is_constant()) {
      ir::note_symbolic(d);
      throw base::Error(base::code::kParameterExtents, "a parameter has a symbolic extent: " + ir::shape_str(shape));
    }
    sizes.push_back(d.constant());
  }
  return sizes;
}

Tensor filled(const Shape& shape, double value, DType dtype) {
  HostArray array(dtype, constants(shape));
  if (value != 0)
    for (int64_t i = 0; i < array.elements(); ++i) array.set(i, value);
  return Tensor(std::move(array));
}

}  // namespace

// Arrays, not recorded constants: each is a tensor of its own that a training step can take over in place.
Tensor Initialiser::zeros(const Shape& shape) const { return filled(shape, 0, dtype_); }
Tensor Initialiser::ones(const Shape& shape) const { return filled(shape, 1, dtype_); }

Fans fans_of(const Shape& weight, Source at) {
  const std::vector<int64_t> sizes = ops::noting_line(user_line(at), [&] {
    if (weight.size() < 2)
      throw base::Error(base::code::kParameterExtents,
                        "fan-in and fan-out are of weights [out, in, ...], found " + ir::shape_str(weight));
    return constants(weight);
  });
  int64_t window = 1;
  for (size_t i = 2; i < sizes.size(); ++i) window *= sizes[i];
  return {sizes[1] * window, sizes[0] * window};
}

namespace {

void check_fans(std::string_view name, Fans fans, std::string_view field, double value, Source at) {
  ops::noting_line(user_line(at), [&] {
    base::OptionCheck(base::code::kOptionOutOfRange, name)
        .integer("fans.in", fans.in, base::kExtent)
        .integer("fans.out", fans.out, base::kExtent)
        .number(field, value, base::Bounds::finite());
  });
}

}  // namespace

double xavier_normal_deviation(Fans fans, double gain, Source at) {
  check_fans("xavier", fans, "gain", gain, at);
  return gain * std::sqrt(2.0 / static_cast<double>(fans.in + fans.out));
}
double xavier_uniform_bound(Fans fans, double gain, Source at) {
  return std::sqrt(3.0) * xavier_normal_deviation(fans, gain, at);
}
double kaiming_normal_deviation(Fans fans, double slope, Source at) {
  check_fans("kaiming", fans, "slope", slope, at);
  return std::sqrt(2.0 / (1 + slope * slope)) / std::sqrt(static_cast<double>(fans.in));
}
double kaiming_uniform_bound(Fans fans, double slope, Source at) {
  return std::sqrt(3.0) * kaiming_normal_deviation(fans, slope, at);
}

Tensor truncated_normal(const Key& key, const Shape& shape, double deviation, double cut, DType dtype, Source at) {
  // Beyond ten deviations nothing is drawn but the open end of the range, whose inverse is infinite.
  constexpr double kReach = 10;
  const LineScope scope(at);
  ops::noting_line(user_line(at), [&] {
    ops::require_float_draws("truncated_normal", dtype);
    base::OptionCheck(base::code::kOptionOutOfRange, "truncated_normal")
        .number("deviation", deviation, base::Bounds::at_least(0))
        .number("cut", cut, base::Bounds::above(0));
    ops::require_finite_in("truncated_normal", "deviation", deviation, dtype);
    ops::require_finite_in("truncated_normal", "deviation times cut", std::min(cut, kReach) * deviation, dtype);
  });
  const DType drawn = ops::accumulation_dtype(dtype);
  const double reach = std::min(cut, kReach), inside = std::erf(reach / std::sqrt(2.0));  // of the mass
  const Tensor unit = clamp(erf_inv(uniform(key, shape, -inside, inside, drawn)) * std::sqrt(2.0), -reach, reach);
  return cast(unit * deviation, dtype);
}

Tensor orthogonal(const Key& key, int64_t rows, int64_t columns, double gain, DType dtype, Source at) {
  const LineScope scope(at);
  ops::noting_line(user_line(at), [&] {
    ops::require_float_draws("orthogonal", dtype);
    base::OptionCheck(base::code::kOptionOutOfRange, "orthogonal")
        .integer("rows", rows, base::kExtentOrNone)
        .integer("columns", columns, base::kExtentOrNone)
        .number("gain", gain, base::Bounds::finite());
    ops::require_finite_in("orthogonal", "gain", gain, dtype);
  });
  const bool is_tall = rows > columns;
  const int64_t count = is_tall ? columns : rows, length = is_tall ? rows : columns;
  HostArray vectors = normal(key, {count, length}, 0, 1, DType::f64).array().clone();
  const std::span<double> v = vectors.as<double>();
  auto product = [&](int64_t i, int64_t j) {
    double sum = 0;
    for (int64_t k = 0; k < length; ++k) sum += v[i * length + k] * v[j * length + k];
    return sum;
  };
  for (int64_t i = 0; i < count; ++i) {
    for (int repeat = 0; repeat < 2; ++repeat)
      for (int64_t j = 0; j < i; ++j) {
        const double along = product(i, j);
        for (int64_t k = 0; k < length; ++k) v[i * length + k] -= along * v[j * length + k];
      }
    const double norm = std::sqrt(product(i, i));
    for (int64_t k = 0; k < length; ++k) v[i * length + k] /= norm;
  }
  HostArray result(dtype, {rows, columns});
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      result.set(i * columns + j, gain * (is_tall ? v[j * length + i] : v[i * length + j]));
  return Tensor(std::move(result));
}

}  // namespace strata::nn
