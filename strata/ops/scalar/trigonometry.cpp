// sin, cos and atan2.
//
// x = n pi/2 + r with |r| <= pi/4, then one of two polynomials by n mod 4. f32 reduces in f64. f64 reduces with pi/2 in
// three parts and exact products, keeping r as a sum of two numbers. Both hold to |x| = 2^50, beyond which a function
// of the host reduces (ir/loops/huge_angle.h). Measured (scalar_test.cpp): at most 1.5 ulp for sin and cos, 2.1 atan2.
#include <cmath>

#include "strata/ir/loops/huge_angle.h"
#include "strata/ops/scalar/scalar.h"

namespace strata::ops {

using ir::DType;

namespace {

constexpr double kSinF32[] = {-0.1666666664143853, 0.008333329363004956, -0.00019839327252961912,
                              2.7182377400455947e-06};
constexpr double kSinF64[] = {-0.16666666666666666,  0.008333333333333323,    -0.00019841269841254988,
                              2.755731921414863e-06, -2.5052104900475173e-08, 1.6058365184631193e-10,
                              -7.57862506125513e-13};
constexpr double kCosF32[] = {0.041666646750332166, -0.0013887361568975542, 2.4437742413114587e-05};
constexpr double kCosF64[] = {0.0416666666666666,      -0.0013888888888874001, 2.4801587289400127e-05,
                              -2.7557314327317293e-07, 2.0875719712235783e-09, -1.1359455769524378e-11};
constexpr double kAtanF32[] = {-0.33333315377558587, 0.19998480155837572, -0.14243648760470495, 0.10594368569871225,
                               -0.06078982104645985};
constexpr double kAtanF64[] = {-0.33333333333333326, 0.19999999999997647, -0.1428571428538518,   0.11111111088000176,
                               -0.090909081380806,   0.0769228261205623,  -0.06666224581349352,  0.05877000386162317,
                               -0.05218265909134402, 0.04502983746862616, -0.033461227369392055, 0.015181656352929371};

constexpr double kHalfPi[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};

struct Pair {
  Scalar high, low;
};
/// x + y exactly (Knuth).
Pair two_sum(Scalar x, Scalar y) {
  const Scalar sum = x + y, part = sum - x;
  return {sum, (x - (sum - part)) + (y - part)};
}
/// x y exactly.
Pair two_product(Scalar x, Scalar y) {
  const Scalar product = x * y;
  return {product, fma(x, y, -product)};
}

struct Quadrant {
  Scalar n;    ///< whole, in f64
  Pair angle;  ///< in x's dtype
};

/// Where no x is huge.
Quadrant reduce_near(Scalar x) {
  const Scalar wide = cast(DType::f64, x);
  const Scalar n = round_even(wide * 0.63661977236758134);
  if (!x.is_f64()) {
    const Scalar r = fma(n, wide.like(-kHalfPi[1]), fma(n, wide.like(-kHalfPi[0]), wide));
    return {n, {cast(DType::f32, r), x.like(0)}};
  }
  const Pair first = two_product(n, x.like(-kHalfPi[0])), second = two_product(n, x.like(-kHalfPi[1]));
  const Pair a = two_sum(x + first.high, first.low);  // the sum is exact: the two nearly cancel
  const Pair b = two_sum(a.high, second.high);
  const Scalar low = a.low + b.low + second.low + n * -kHalfPi[2];
  const Scalar high = b.high + low;
  return {n, {high, low - (high - b.high)}};
}

Quadrant reduce(Scalar x) {
  const Quadrant near = reduce_near(x);
  const Scalar wide = cast(DType::f64, x);
  const Scalar is_near = abs(wide) <= ir::loops::kHugeAngle;  // false for NaN, too
  return {select(is_near, near.n, huge_quadrant(wide)),
          {select(is_near, near.angle.high, cast(x.dtype(), huge_angle(wide))),
           select(is_near, near.angle.low, x.like(0))}};
}

Scalar sin_polynomial(Pair r) {
  const Scalar z = r.high * r.high;
  const Scalar tail = r.high * z * (z.is_f64() ? horner(z, kSinF64) : horner(z, kSinF32));
  if (!z.is_f64()) return r.high + tail;
  return r.high + (tail + r.low * (1 - z * 0.5));
}

Scalar cos_polynomial(Pair r) {
  const Scalar z = r.high * r.high;
  const Scalar half = z * 0.5, lead = 1 - half;
  // What rounding took from 1 - z/2 comes back with the tail.
  const Scalar tail = z * z * (z.is_f64() ? horner(z, kCosF64) : horner(z, kCosF32));
  return lead + (((1 - lead) - half) + (tail - r.high * r.low));
}

/// sin(x + shift * pi/2)
Scalar sine_shifted(Scalar x, int shift) {
  const auto [n, angle] = reduce(x);
  const Scalar quadrant = cast(DType::i64, n) + cast(DType::i64, n).like(shift);
  const Scalar zero = quadrant.like(0);
  const Scalar takes_cos = not_equal(quadrant & quadrant.like(1), zero);
  const Scalar negates = not_equal(quadrant & quadrant.like(2), zero);
  const Scalar value = select(takes_cos, cos_polynomial(angle), sin_polynomial(angle));
  return select(negates, -value, value);
}

/// atan on [0, 1].
Scalar atan_unit(Scalar numerator, Scalar denominator) {
  // Above tan(pi/8) turn by pi/4: (a - b) / (a + b).
  const Scalar is_far = numerator > denominator * 0.41421356237309503;
  const Scalar a = select(is_far, numerator - denominator, numerator);
  const Scalar b = select(is_far, numerator + denominator, denominator);
  const Scalar t = a / b, z = t * t;
  const Scalar angle = fma(t * z, z.is_f64() ? horner(z, kAtanF64) : horner(z, kAtanF32), t);
  return select(is_far, angle + 0.78539816339744828, angle);
}

}  // namespace

Scalar sin(Scalar x) { return select(abs(x) < x.like(x.is_f64() ? 0x1p-30 : 0x1p-13), x, sine_shifted(x, 0)); }
Scalar cos(Scalar x) { return sine_shifted(x, 1); }

Scalar atan2(Scalar y, Scalar x) {
  const Scalar a = abs(y), b = abs(x);
  const Scalar is_steep = a > b;
  Scalar small = select(is_steep, b, a), large = select(is_steep, a, b);
  // inf/inf stands for 1 and 0/0 for 0; huge and tiny pairs are scaled so that a + b stays finite and the ratio keeps
  // its bits.
  const bool wide = x.is_f64();
  const Scalar one = x.like(1), infinity = x.like(HUGE_VAL);
  const Scalar scale = select(large > x.like(wide ? 0x1p1000 : 0x1p100), x.like(wide ? 0x1p-60 : 0x1p-30),
                              select(large < x.like(wide ? 0x1p-900 : 0x1p-90), x.like(wide ? 0x1p100 : 0x1p60), one));
  const Scalar both_infinite = equal(small, infinity), both_zero = equal(large, x.like(0));
  small = select(both_infinite, one, small * scale);
  large = select(both_infinite | both_zero, one, large * scale);
  const Scalar angle = atan_unit(small, large);
  const double half_pi_low = wide ? kHalfPi[1] : -4.3711388286737929e-08;
  const Scalar steep = x.like(kHalfPi[0]) - (angle - x.like(half_pi_low));
  const Scalar folded = select(is_steep, steep, angle);
  const Scalar is_left = copysign(one, x) < 0;
  const Scalar left = x.like(2 * kHalfPi[0]) - (folded - x.like(2 * half_pi_low));
  const Scalar result = copysign(select(is_left, left, folded), y);
  return select(is_nan(x) | is_nan(y), x + y, result);
}

}  // namespace strata::ops
