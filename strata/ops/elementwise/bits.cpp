// not, and, or, xor, and shifts: integers bit by bit, bool logically.
#include "strata/ir/loops/scalar_semantics.h"
#include "strata/ops/facets/facets.h"

namespace strata::ops {
namespace {

constexpr ir::DTypeSet kBits = ir::kInts | ir::kBool;

}  // namespace

constinit const Op kNot = {
    .name = "not",
    .family = "elementwise",
    .doc = "Integers: every bit flipped. bool: true becomes false.",
    .types = kBits,
    .infer = infer_same,
    .jvp = kNoDerivative,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return ~x; }>,
    .reference = reference_number<[](auto x) {
      using T = decltype(x);
      if constexpr (std::is_same_v<T, bool>)
        return !x;
      else if constexpr (std::is_floating_point_v<T>)
        return x;
      else
        return static_cast<T>(~x);
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<1, kBits>,
    .is_pointwise = true,
};

constinit const Op kAnd = {
    .name = "and",
    .family = "elementwise",
    .doc = "Bitwise and; logical for bool.",
    .operands_min = 2,
    .operands_max = 2,
    .types = kBits,
    .infer = infer_same,
    .jvp = kNoDerivative,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return x & y; }>,
    .reference = reference_number<[](auto x, auto y) {
      using T = decltype(x);
      if constexpr (std::is_same_v<T, bool>)
        return x && y;
      else if constexpr (std::is_floating_point_v<T>)
        return x;
      else
        return static_cast<T>(x & y);
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, kBits>,
    .is_pointwise = true,
    .is_commutative = true,
};

constinit const Op kOr = {
    .name = "or",
    .family = "elementwise",
    .doc = "Bitwise or; logical for bool.",
    .operands_min = 2,
    .operands_max = 2,
    .types = kBits,
    .infer = infer_same,
    .jvp = kNoDerivative,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return x | y; }>,
    .reference = reference_number<[](auto x, auto y) {
      using T = decltype(x);
      if constexpr (std::is_same_v<T, bool>)
        return x || y;
      else if constexpr (std::is_floating_point_v<T>)
        return x;
      else
        return static_cast<T>(x | y);
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, kBits>,
    .is_pointwise = true,
    .is_commutative = true,
};

constinit const Op kXor = {
    .name = "xor",
    .family = "elementwise",
    .doc = "Bitwise exclusive or; for bool whether the operands differ.",
    .operands_min = 2,
    .operands_max = 2,
    .types = kBits,
    .infer = infer_same,
    .jvp = kNoDerivative,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return x ^ y; }>,
    .reference = reference_number<[](auto x, auto y) {
      using T = decltype(x);
      if constexpr (std::is_same_v<T, bool>)
        return x != y;
      else if constexpr (std::is_floating_point_v<T>)
        return x;
      else
        return static_cast<T>(x ^ y);
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, kBits>,
    .is_pointwise = true,
    .is_commutative = true,
};

constinit const Op kShiftLeft = {
    .name = "shift_left",
    .family = "elementwise",
    .doc = "x shifted to the left by y bits; zeros enter. A shift by the width or more (or a negative one) gives 0.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kInts,
    .infer = infer_same,
    .jvp = kNoDerivative,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return shift_left(x, y); }>,
    .reference = reference_number<[](auto x, auto y) {
      using T = decltype(x);
      if constexpr (std::is_same_v<T, bool>)
        return x;
      else if constexpr (std::is_floating_point_v<T>)
        return x;
      else
        return static_cast<T>(ir::loops::shl_scalar(x, y));
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kInts>,
    .is_pointwise = true,
};

constinit const Op kShiftRightArithmetic = {
    .name = "shift_right_arithmetic",
    .family = "elementwise",
    .doc =
        "x shifted to the right by y bits; copies of the top bit enter, of unsigned types too. A shift by the width or "
        "more (or a negative one) gives all copies of the top bit.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kInts,
    .infer = infer_same,
    .jvp = kNoDerivative,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return shift_right_arithmetic(x, y); }>,
    .reference = reference_number<[](auto x, auto y) {
      using T = decltype(x);
      if constexpr (std::is_same_v<T, bool>)
        return x;
      else if constexpr (std::is_floating_point_v<T>)
        return x;
      else
        return static_cast<T>(ir::loops::shr_arith_scalar(x, y));
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kInts>,
    .is_pointwise = true,
};

constinit const Op kShiftRightLogical = {
    .name = "shift_right_logical",
    .family = "elementwise",
    .doc = "x shifted to the right by y bits; zeros enter. A shift by the width or more (or a negative one) gives 0.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kInts,
    .infer = infer_same,
    .jvp = kNoDerivative,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return shift_right_logical(x, y); }>,
    .reference = reference_number<[](auto x, auto y) {
      using T = decltype(x);
      if constexpr (std::is_same_v<T, bool>)
        return x;
      else if constexpr (std::is_floating_point_v<T>)
        return x;
      else
        return static_cast<T>(ir::loops::shr_logical_scalar(x, y));
    }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<2, ir::kInts>,
    .is_pointwise = true,
};

}  // namespace strata::ops
