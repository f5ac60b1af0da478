// Affine quantisation against the formula in plain integers: every pair of signs, zero points and extremes, odd sizes,
// each instruction set that runs here, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "strata/base/error/message_of.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/composites/quantise.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/encoding/encoding.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/tensor.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

struct Range {
  int64_t lowest, highest;
};
Range range_of(DType t) {
  const int bits = static_cast<int>(ir::dtype_bytes(t) * 8);
  const int64_t half = int64_t{1} << (bits - 1);
  return ir::is_signed_int(t) ? Range{-half, half - 1} : Range{0, 2 * half - 1};
}

std::string listed(const Tensor& t) {
  std::string text;
  for (int64_t i = 0; i < t.array().elements(); ++i) text += (i ? " " : "") + std::to_string(t.array().get_int(i));
  return text;
}
Tensor integer(int64_t value, DType t) { return Tensor::scalar(value, t); }
/// Mostly the ends of the dtype, which overflow what saturates.
Tensor extremes(std::vector<int64_t> shape, DType t, uint64_t seed) {
  HostArray array(t, shape);
  std::mt19937_64 random(seed);
  const auto [lowest, highest] = range_of(t);
  for (int64_t i = 0; i < array.elements(); ++i) {
    const uint64_t kind = random() % 4;
    array.set_int(i, kind == 0 ? lowest + static_cast<int64_t>(random() % 256) : kind == 1 ? lowest : highest);
  }
  return Tensor(std::move(array));
}

int64_t kept(float r, int64_t zero, Range range) {
  if (std::isnan(r)) return zero;
  const double whole = std::nearbyint(static_cast<double>(r)) + static_cast<double>(zero);
  return static_cast<int64_t>(std::clamp(whole, static_cast<double>(range.lowest), static_cast<double>(range.highest)));
}

struct Case {
  DType a, b, y;
  int64_t m, k, n, a_zero, b_zero, y_zero;
  float scale;
};

void expect_formula(const Case& c, const Tensor& result, const Tensor& a, const Tensor& b, const Tensor& bias,
                    const Tensor& b_scale) {
  const float a_scale = 0.02f;
  ASSERT_EQ(result.dtype(), c.y);
  for (int64_t i = 0; i < c.m; ++i)
    for (int64_t j = 0; j < c.n; ++j) {
      int64_t sum = bias.array().get_int(j);
      for (int64_t k = 0; k < c.k; ++k)
        sum += (a.array().get_int(i * c.k + k) - c.a_zero) * (b.array().get_int(k * c.n + j) - c.b_zero);
      const float factor = a_scale * static_cast<float>(b_scale.array().get(j)) / c.scale;
      const float r = static_cast<float>(static_cast<int32_t>(sum)) * factor;
      ASSERT_EQ(result.array().get_int(i * c.n + j), kept(r, c.y_zero, range_of(c.y))) << i << " " << j << " " << sum;
    }
}

TEST(Quantised, ProductsEqualTheFormulaOnEveryInstructionSet) {
  std::vector<Case> cases;
  uint64_t seed = 0;
  for (const DType a : {DType::u8, DType::i8})
    for (const DType b : {DType::u8, DType::i8})
      for (const auto& [m, k, n] :
           std::vector<std::tuple<int, int, int>>{{1, 1, 1}, {7, 67, 33}, {2, 300, 17}, {13, 5, 64}}) {
        const bool has_zeros = ++seed / 2 % 2;
        const DType y = seed % 2 ? DType::u8 : DType::i8;
        cases.push_back({a, b, y, m, k, n, has_zeros ? range_of(a).lowest + 3 : 0, has_zeros ? range_of(b).highest : 0,
                         has_zeros ? range_of(y).highest - 7 : range_of(y).lowest, has_zeros ? 30.f : 1e-4f});
      }
  for (const machine::CpuTarget& target : machine::host_cpu_targets()) {
    machine::force_cpu_target(target);
    for (const Case& c : cases) {
      const Tensor a = extremes({c.m, c.k}, c.a, 1), b = extremes({c.k, c.n}, c.b, 2);
      const Tensor bias = random_integers(Key(3), {c.n}, -100000, 100000, DType::i32).evaluate();
      const Tensor b_scale = uniform(Key(4), {c.n}, 0.01, 0.5).evaluate();
      for (const bool is_constant : {false, true}) {
        const auto f = [&c](Tensor a, Tensor b, Tensor bias, Tensor b_scale) {
          return qlinear_matmul({a, Tensor::scalar(0.02f), integer(c.a_zero, c.a)},
                                {b, b_scale, integer(c.b_zero, c.b)}, bias, Tensor::scalar(c.scale),
                                integer(c.y_zero, c.y));
        };
        auto compiled = jit(f, {.constants = is_constant ? std::vector<int>{1, 2, 3} : std::vector<int>{}});
        expect_formula(c, compiled(a, b, bias, b_scale), a, b, bias, b_scale);
      }
    }
    machine::force_cpu_target(std::nullopt);
  }
}

TEST(Quantised, EmptyProductsAreTheBias) {
  const Tensor a = Tensor::zeros({3, 0}, DType::u8), b = Tensor::zeros({0, 2}, DType::i8);
  const Tensor y = qlinear_matmul({a, Tensor::scalar(1)}, {b, Tensor::scalar(1)}, Tensor::from({7, -500}),
                                  Tensor::scalar(2), integer(-3, DType::i8));
  EXPECT_EQ(listed(y), "1 -128 1 -128 1 -128");
  EXPECT_EQ(matmul_integer(Tensor::zeros({0, 4}, DType::i8), Tensor::zeros({4, 5}, DType::i8)).type().str(),
            "i32[0,5]");
}

TEST(Quantised, IntegerProductsTakeZeroPointsOfRowsAndColumnsAndBatches) {
  const Tensor a = extremes({2, 3, 5}, DType::i8, 5), b = extremes({5, 4}, DType::u8, 6);
  const Tensor a_zero = Tensor::from({1, -128, 127}), b_zero = Tensor::from({0, 255, 7, 128});
  const Tensor y = matmul_integer(a, b, cast(a_zero, DType::i8), cast(b_zero, DType::u8));
  const Tensor wide = matmul(cast(a, DType::i32) - broadcast_to(reshape(a_zero, {3, 1}), {2, 3, 5}),
                             cast(b, DType::i32) - broadcast_to(b_zero, {5, 4}));
  EXPECT_TRUE(y.array().same_bits(wide.array()));
}

TEST(Quantised, IntegersOfFourBitsAreReadAsBytes) {
  const Tensor x = extremes({3, 10}, DType::u8, 7), w = extremes({10, 6}, DType::i8, 8);
  const Tensor four = encode(w, ir::encoding_named("i4")), plain = decode(four), zero = integer(3, DType::i8);
  EXPECT_TRUE(matmul_integer(x, four, integer(9, DType::u8), zero)
                  .array()
                  .same_bits(matmul_integer(x, plain, integer(9, DType::u8), zero).array()));
  EXPECT_TRUE(dequantize_linear(four, Tensor::scalar(0.5f), zero)
                  .array()
                  .same_bits(dequantize_linear(plain, Tensor::scalar(0.5f), zero).array()));
}

TEST(Quantised, SumsBeyondI32Wrap) {
  const int64_t k = 70000;
  const Tensor a = Tensor::full({1, k}, 255, DType::u8), b = Tensor::full({k, 1}, 255, DType::u8);
  EXPECT_EQ(matmul_integer(a, b).array().get_int(0), static_cast<int32_t>(static_cast<uint32_t>(k * 255 * 255)));
}

TEST(Quantised, NumbersRoundToEvenAndStayWithinTheDtype) {
  const float inf = INFINITY;
  const Tensor x = Tensor::from({0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 1e30f, -1e30f, inf, -inf, NAN, -0.f, 1e-40f});
  EXPECT_EQ(listed(quantize_linear(x, Tensor::scalar(1), integer(10, DType::u8))),
            "10 12 12 10 8 255 0 255 0 10 10 10");
  EXPECT_EQ(listed(quantize_linear(x, Tensor::scalar(1), integer(-128, DType::i8))),
            "-128 -126 -126 -128 -128 127 -128 127 -128 -128 -128 -128");
  EXPECT_EQ(listed(quantize_linear(cast(x, DType::f16), Tensor::scalar(1, DType::f16), integer(127, DType::i8))),
            "127 127 127 127 125 127 -128 127 -128 127 127 127");
  EXPECT_EQ(quantize_linear(x, Tensor::scalar(1e-30f), integer(0, DType::i16)).array().get_int(0), 32767);
}

TEST(Quantised, ScalesOfAnAxis) {
  const Tensor x = Tensor::from<float>(std::vector<float>{1, 2, 3, 10, 20, 30}, {2, 3});
  const Tensor q = quantize_linear(x, Tensor::from({1.f, 10.f}), cast(Tensor::from({0, 1}), DType::i8), 0);
  EXPECT_EQ(listed(q), "1 2 3 2 3 4");
  const Tensor back = dequantize_linear(q, Tensor::from({1.f, 10.f}), cast(Tensor::from({0, 1}), DType::i8), -2);
  EXPECT_TRUE(back.array().same_bits(x.array()));
}

TEST(Quantised, GradientsPassToScalesOfWhatIsReadAndNotThroughRounding) {
  const Tensor q = cast(Tensor::from({5, -3, 0}), DType::i8);
  const Tensor g =
      grad([&](const Tensor& s) { return sum(dequantize_linear(q, s, integer(1, DType::i8))); }, Tensor::scalar(0.5f));
  EXPECT_EQ(g.array().get(0), 4 - 4 - 1);
}

TEST(Quantised, BadOperandsAreRefusedByName) {
  const Tensor one = Tensor::scalar(1), u = Tensor::zeros({2, 3}, DType::u8), i = Tensor::zeros({3, 4}, DType::i8);
  const Tensor zero = integer(0, DType::u8);
  const auto product = [&](Quantised<Tensor> a, Quantised<Tensor> b, std::optional<Tensor> bias = {},
                           Tensor y_scale = Tensor::scalar(1), Tensor y_zero = Tensor::scalar(0, DType::u8)) {
    return base::message_of([&] { qlinear_matmul(a, b, bias, y_scale, y_zero).evaluate(); });
  };
  const auto says = [](const std::string& message, const char* expected) {
    EXPECT_NE(message.find(expected), std::string::npos) << message;
  };
  EXPECT_EQ(product({u, one}, {i, one}), "no error");
  says(product({cast(u, DType::i16), one}, {i, one}), "error[E0100]: qlinear_matmul: a is i16[2,3], expected u8 or i8");
  says(product({u, one}, {cast(i, DType::f32), one}), "b is f32[3,4], expected u8 or i8");
  says(product({u, one, integer(0, DType::i8)}, {i, one}), "a_zero is i8[], expected the dtype of u8[2,3]");
  says(product({u, one, Tensor::scalar(300, DType::i32)}, {i, one}), "a_zero is i32[], expected the dtype of u8[2,3]");
  says(product({u, one}, {i, Tensor::ones({3})}),
       "error[E0101]: qlinear_matmul: b_scale is f32[3], expected rank 0 or [4]");
  says(product({u, cast(one, DType::f16)}, {i, one}), "a_scale is f16[], expected f32");
  says(product({u, one}, {i, one}, Tensor::ones({4})), "bias is f32[4], expected i32");
  says(product({u, one}, {i, one}, Tensor::zeros({3}, DType::i32)), "bias is i32[3], expected the shape [4]");
  says(product({u, one}, {i, one}, {}, Tensor::ones({1})), "y_scale is f32[1], expected rank 0");
  says(product({u, one}, {i, one}, {}, one, integer(0, DType::i16)), "y_zero is i16[], expected u8 or i8");
  for (const float bad : {0.f, -1.f, INFINITY, NAN})
    says(product({u, one}, {i, Tensor::full({4}, bad)}), "qlinear_matmul: b_scale has to be positive and finite");
  says(product({Tensor::zeros({1, 33026}, DType::u8), one}, {Tensor::zeros({33026, 1}, DType::i8), one}),
       "error[E0116]: qlinear_matmul: sums of 33026 products may leave i32, expected 33025 at most");
  says(base::message_of([&] { matmul_integer(u, Tensor::zeros({4}, DType::i8)); }),
       "matmul_integer: b is i8[4], expected a matrix, or a batch of them");
  says(base::message_of([&] { quantize_linear(Tensor::ones({3}), one, integer(0, DType::i32)); }),
       "quantize_linear: zero_point is i32[], expected u8, i8, u16 or i16");
  says(base::message_of([&] { quantize_linear(Tensor::ones({3}), cast(one, DType::f16), zero); }),
       "quantize_linear: scale is f16[], expected the dtype of x, which is f32[3]");
  says(base::message_of([&] { quantize_linear(u, one, zero); }), "quantize_linear: takes floats, found u8[2,3]");
  says(base::message_of([&] { dequantize_linear(cast(u, DType::i32), one, integer(0, DType::i32)); }),
       "dequantize_linear: q is i32[2,3], expected u8, i8, u16 or i16 with a zero point");
  says(base::message_of([&] { quantize_linear(Tensor::ones({3}), Tensor::ones({3}), zero, 2); }), "error[E0115]");
}

}  // namespace
}  // namespace strata
