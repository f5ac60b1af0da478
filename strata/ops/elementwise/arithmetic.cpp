// neg, abs, sign, add, sub, mul, div, rem, maximum, minimum.
#include <cmath>

#include "strata/ir/loops/scalar_semantics.h"
#include "strata/ops/facets/facets.h"

namespace strata::ops {
namespace {

using namespace ir::loops;

/// sign(x) with NaN and both zeros kept.
Scalar sign_of(Scalar x) {
  const Scalar zero = x.like(0), one = x.like(1);
  if (ir::is_unsigned_int(x.dtype())) return select(x > zero, one, zero);
  const Scalar negative = select(x < zero, x.like(-1), x);
  return select(x > zero, one, negative);
}

Scalar neg_of(Scalar x) { return ir::is_int(x.dtype()) ? x.like(0) - x : -x; }
Scalar abs_of(Scalar x) { return ir::is_unsigned_int(x.dtype()) ? x : abs(x); }

Scalar maximum_of(Scalar x, Scalar y) { return ir::is_bool(x.dtype()) ? x | y : maximum(x, y); }
Scalar minimum_of(Scalar x, Scalar y) { return ir::is_bool(x.dtype()) ? x & y : minimum(x, y); }

/// Wrapping arithmetic in 64 bits; the store narrows.
template <class T>
uint64_t word(T x) {
  return static_cast<uint64_t>(x);
}

/// The tangent of the operand that was chosen; at a tie the first.
void extremum_jvp(ir::Jvp& j, Value first_wins) {
  if (j.has(0) && j.has(1)) return j.set(select(first_wins, j.tangent(0), j.tangent(1)));
  if (j.has(0)) return j.set(select(first_wins, j.tangent(0), 0));
  j.set(select(first_wins, 0, j.tangent(1)));
}

}  // namespace

constinit const Op kNeg = {
    .name = "neg",
    .family = "elementwise",
    .doc =
        "-x. Integers wrap: the lowest signed value gives itself. Floats: the sign bit is flipped, of NaN and zero "
        "too.",
    .types = ir::kNumbers,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(-j.tangent(0)); },
    .transpose = [](ir::Transpose& t) { t.set(0, -t.cotangent()); },
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<neg_of>,
    .reference = reference_number<[](auto x) {
      if constexpr (std::is_integral_v<decltype(x)>)
        return 0 - word(x);
      else
        return -x;
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<1, ir::kNumbers>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kAbs = {
    .name = "abs",
    .family = "elementwise",
    .doc =
        "Absolute value. The lowest signed integer gives itself; -inf gives inf; NaN stays. The derivative at 0 is 0.",
    .types = ir::kNumbers,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * sign(j.operand(0))); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<abs_of>,
    .reference = reference_number<[](auto x) {
      if constexpr (std::is_floating_point_v<decltype(x)>)
        return std::fabs(x);
      else if constexpr (std::is_signed_v<decltype(x)>)
        return std::signbit(double(x)) ? 0 - word(x) : word(x);
      else
        return x;
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<1, ir::kNumbers>,
    .is_pointwise = true,
};

constinit const Op kSign = {
    .name = "sign",
    .family = "elementwise",
    .doc = "-1, 0 or 1 by the sign of x. Zeros of both signs and NaN stay as they are. The derivative is 0.",
    .types = ir::kNumbers,
    .infer = infer_same,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<sign_of>,
    .reference = reference_number<[](auto x) {
      using T = decltype(x);
      if constexpr (std::is_same_v<T, bool>)
        return x;
      else
        return x == 0 || x != x ? x : static_cast<T>(std::signbit(double(x)) ? -1 : 1);
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<2>,
    .samples = samples<1, ir::kNumbers>,
    .is_pointwise = true,
};

constinit const Op kAdd = {
    .name = "add",
    .family = "elementwise",
    .doc = "x + y. Integers wrap. inf + -inf is NaN.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kNumbers,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.sum_over([](int, Value t) { return t; }); },
    .transpose =
        [](ir::Transpose& t) {
          for (int i = 0; i < 2; ++i)
            if (t.is_linear(i)) t.set(i, t.cotangent());
        },
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return x + y; }>,
    .reference = reference_number<[](auto x, auto y) {
      if constexpr (std::is_integral_v<decltype(x)>)
        return word(x) + word(y);
      else
        return x + y;
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kNumbers>,
    .is_pointwise = true,
    .is_commutative = true,
    .is_smooth = true,
};

constinit const Op kSub = {
    .name = "sub",
    .family = "elementwise",
    .doc = "x - y. Integers wrap. inf - inf is NaN.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kNumbers,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.sum_over([](int i, Value t) { return i ? -t : t; }); },
    .transpose =
        [](ir::Transpose& t) {
          if (t.is_linear(0)) t.set(0, t.cotangent());
          if (t.is_linear(1)) t.set(1, -t.cotangent());
        },
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return x - y; }>,
    .reference = reference_number<[](auto x, auto y) {
      if constexpr (std::is_integral_v<decltype(x)>)
        return word(x) - word(y);
      else
        return x - y;
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kNumbers>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kMul = {
    .name = "mul",
    .family = "elementwise",
    .doc = "x * y. Integers wrap. 0 * inf is NaN.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kNumbers,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.sum_over([&](int i, Value t) { return t * j.operand(1 - i); }); },
    .transpose =
        [](ir::Transpose& t) {
          const int linear = t.is_linear(0) ? 0 : 1;
          t.set(linear, t.cotangent() * t.operand(1 - linear));
        },
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return x * y; }>,
    .reference = reference_number<[](auto x, auto y) {
      if constexpr (std::is_integral_v<decltype(x)>)
        return word(x) * word(y);
      else
        return x * y;
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kNumbers>,
    .is_pointwise = true,
    .is_commutative = true,
    .is_smooth = true,
};

constinit const Op kDiv = {
    .name = "div",
    .family = "elementwise",
    .doc =
        "x / y. Integers truncate towards zero; x / 0 is -1 (all bits set), and the lowest value over -1 is itself: "
        "never a signal. Floats follow IEEE 754: 1/0 is inf, 0/0 is NaN.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kNumbers,
    .infer = infer_same,
    .jvp =
        [](ir::Jvp& j) {
          j.sum_over([&](int i, Value t) { return i ? -(t * j.result() / j.operand(1)) : t / j.operand(1); });
        },
    .transpose = [](ir::Transpose& t) { t.set(0, t.cotangent() / t.operand(1)); },
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return x / y; }>,
    .reference = reference_number<[](auto x, auto y) {
      if constexpr (std::is_same_v<decltype(x), bool>)
        return x;
      else
        return div_scalar(x, y);
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<4>,
    .samples = samples<2, ir::kNumbers, Domain::Nonzero>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kRem = {
    .name = "rem",
    .family = "elementwise",
    .doc =
        "Remainder with the sign of x: x - trunc(x / y) * y, exactly. Integers: x rem 0 is x, the lowest value rem -1 "
        "is 0. Floats: x rem 0 and inf rem y are NaN, x rem inf is x.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kNumbers,
    .infer = infer_same,
    .jvp =
        [](ir::Jvp& j) {
          j.sum_over([&](int i, Value t) { return i ? -(t * trunc(j.operand(0) / j.operand(1))) : t; });
        },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return binary(ExprOp::Rem, x, y); }>,
    .reference = reference_number<[](auto x, auto y) {
      if constexpr (std::is_same_v<decltype(x), bool>)
        return x;
      else
        return rem_scalar(x, y);
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<8>,
    .samples = samples<2, ir::kNumbers, Domain::Nonzero>,
    .is_pointwise = true,
};

constinit const Op kMaximum = {
    .name = "maximum",
    .family = "elementwise",
    .doc =
        "The larger of x and y; NaN if either is NaN; maximum(-0, +0) is +0. bool: or. At a tie the derivative goes to "
        "the first operand.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kAnyDType,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { extremum_jvp(j, j.operand(0) >= j.operand(1)); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<maximum_of>,
    .reference = reference_number<[](auto x, auto y) { return max_scalar(x, y); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kAnyDType>,
    .is_pointwise = true,
    .is_commutative = true,
};

constinit const Op kMinimum = {
    .name = "minimum",
    .family = "elementwise",
    .doc =
        "The smaller of x and y; NaN if either is NaN; minimum(-0, +0) is -0. bool: and. At a tie the derivative goes "
        "to the first operand.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kAnyDType,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { extremum_jvp(j, j.operand(0) <= j.operand(1)); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<minimum_of>,
    .reference = reference_number<[](auto x, auto y) { return min_scalar(x, y); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kAnyDType>,
    .is_pointwise = true,
    .is_commutative = true,
};

}  // namespace strata::ops
