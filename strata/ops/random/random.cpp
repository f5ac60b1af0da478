// Distributions, as functions of random bits.
#include "strata/ops/random/random.h"

#include <fmt/format.h>

#include <cmath>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/operands/number_range.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/sort/sort.h"

namespace strata::ops {
namespace {

/// Odd multiples of half a step, so that neither end is met: (k + 1/2) / 2^23, or / 2^52 in f64; exact in the dtype.
Value open_uniform(Value key, const Shape& shape, DType t) {
  const int bits = t == DType::f64 ? 52 : 23;
  const Value k = floor(uniform(key, shape, t) * std::ldexp(1.0, bits));
  return (k + 0.5) * std::ldexp(1.0, -bits);
}

}  // namespace

Value rng_bits(Value key, const Shape& shape) {
  const Dim count[] = {ir::product(shape)};
  return reshape(key.graph().add1(kRngBits, {key}, {Attr("count", std::span<const Dim>(count))}), shape);
}

Value fold_in(Value key, Value number) {
  Shape shape = shape_of(number);
  shape.push_back(2);
  return key.graph().add1(kRngFold, {broadcast_to(key, dims_span(shape)), number});
}

Value fold_in(Value key, int64_t number) { return fold_in(key, scalar(key.graph(), DType::i64, number)); }

Value split_key(Value key, Dim count) { return fold_in(key, iota(key.graph(), Type::of(DType::i64, {count}), 0)); }

Value uniform(Value key, const Shape& shape, DType dtype) {
  require_float_draws("uniform", dtype);
  if (dtype != DType::f64) {
    // Half floats would round up to 1: they take fewer bits.
    const int bits = dtype == DType::f32 ? 24 : dtype == DType::f16 ? 11 : 8;
    const Value k = cast(shift_right_logical(rng_bits(key, shape), 32 - bits), DType::f32);
    return cast(k * std::ldexp(1.0, -bits), dtype);
  }
  Shape pairs = shape;
  pairs.insert(pairs.begin(), Dim(2));
  const auto halves = split(cast(rng_bits(key, pairs), DType::u64), {1, 1}, 0);
  const Value joined = bitwise_or(shift_left(squeeze(halves[0], 0), 32), squeeze(halves[1], 0));
  return cast(shift_right_logical(joined, 11), DType::f64) * std::ldexp(1.0, -53);
}

Value random_normal(Value key, const Shape& shape, DType dtype) {
  require_float_draws("random_normal", dtype);
  const DType t = dtype == DType::f64 ? DType::f64 : DType::f32;
  const Value u = open_uniform(key, shape, t);
  return cast(erf_inv(u * 2.0 - 1.0) * std::sqrt(2.0), dtype);
}

Value bernoulli(Value key, double p, const Shape& shape) {
  if (!(p >= 0 && p <= 1))
    throw base::Error(base::code::kAttributeValue, fmt::format("bernoulli: the probability is {}", p));
  return lt(uniform(key, shape, DType::f32), p);
}

Value random_integers(Value key, int64_t lowest, int64_t highest, const Shape& shape) {
  const auto width = static_cast<uint64_t>(highest) - static_cast<uint64_t>(lowest);  // of int64, which may not hold it
  if (highest <= lowest || width > uint64_t{1} << 32)
    throw base::Error(base::code::kAttributeValue,
                      fmt::format("random_integers: [{}, {}) is empty or wider than 2^32", lowest, highest));
  // The high half of bits * range: off by at most range / 2^32 in probability.
  const Value scaled = cast(rng_bits(key, shape), DType::u64) * (highest - lowest);
  return cast(shift_right_logical(scaled, 32), DType::i64) + lowest;
}

Value permutation(Value key, Dim n) {
  // Two sorting rounds by 32-bit keys would still tie among 2^32 elements; stability makes ties harmless, if not
  // uniform.
  const Value order = iota(key.graph(), Type::of(DType::i64, {n}), 0);
  return sort({rng_bits(key, {n}), order}, 0)[1];
}

Value categorical(Value key, Value logits) {
  const DType t = accumulation_dtype(logits.dtype());
  const Value u = open_uniform(key, shape_of(logits), t);
  return argmax(cast(logits, t) - log(neg(log(u))), -1);
}

}  // namespace strata::ops
