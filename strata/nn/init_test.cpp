#include "strata/nn/init.h"

#include <gtest/gtest.h>

#include <cmath>

#include "strata/nn/conv.h"
#include "strata/nn/linear.h"
#include "strata/nn/precision.h"
#include "strata/ops/reduce/reduce.h"

namespace strata::nn {
namespace {

struct Ab {
  Linear a{50, 20}, b{20, 10};
  STRATA_FIELDS(a, b)
};
struct Ba {
  Linear b{20, 10};
  Conv2d between{1, 2, 3};
  Linear a{50, 20};
  STRATA_FIELDS(b, between, a)
};

TEST(Init, ParametersDependOnTheirPathAndNotOnTheOrder) {
  const auto ab = init<Ab>(Key(7));
  const auto ba = init<Ba>(Key(7));
  EXPECT_TRUE(ab.a.weight.array().same_bits(ba.a.weight.array()));
  EXPECT_TRUE(ab.b.bias.array().same_bits(ba.b.bias.array()));
  EXPECT_FALSE(init<Ab>(Key(8)).a.weight.array().same_bits(ab.a.weight.array()));
}

TEST(Init, LinearIsUniformWithinOneOverTheRootOfItsInputs) {
  Linear layer{100, 400};
  init(layer, Key(0));
  EXPECT_NEAR(max(layer.weight).item(), 0.1, 1e-4);
  EXPECT_NEAR(min(layer.weight).item(), -0.1, 1e-4);
  EXPECT_NEAR(variance(layer.weight).item(), 0.01 / 3, 1e-4);
  EXPECT_LE(max(abs(layer.bias)).item(), 0.1);
}

TEST(Init, LayersKnowTheirPaths) {
  const auto ba = init<Ba>(Key(0));
  EXPECT_STREQ(ba.between.path.text(), "between");
}

TEST(Init, FansAndBoundsAreThoseOfThePapers) {
  const Fans fans = fans_of({8, 4, 3, 3});
  EXPECT_EQ(fans.in, 36);
  EXPECT_EQ(fans.out, 72);
  EXPECT_DOUBLE_EQ(xavier_uniform_bound({4, 2}), 1);
  EXPECT_DOUBLE_EQ(kaiming_normal_deviation({8, 1}), 0.5);
  EXPECT_DOUBLE_EQ(kaiming_uniform_bound({25, 1}, std::sqrt(5.0)), 0.2);
}

TEST(Init, OrthogonalRowsAreOrthonormal) {
  for (auto [rows, columns] : {std::pair(3, 5), std::pair(5, 3)}) {
    const Tensor w = orthogonal(Key(1), rows, columns, 2, DType::f64);
    const std::span<const double> v = w.data<double>();
    const int count = std::min(rows, columns), length = std::max(rows, columns);
    for (int i = 0; i < count; ++i)
      for (int j = 0; j < count; ++j) {
        double dot = 0;
        for (int k = 0; k < length; ++k)
          dot += rows < columns ? v[i * columns + k] * v[j * columns + k] : v[k * columns + i] * v[k * columns + j];
        EXPECT_NEAR(dot, i == j ? 4 : 0, 1e-12);
      }
  }
}

TEST(Init, TruncatedNormalStaysWithinItsCut) {
  const Tensor w = truncated_normal(Key(2), {20000}, 0.5, 2);
  EXPECT_LE(max(abs(w)).item(), 1);
  EXPECT_NEAR(std::sqrt(variance(w).item()), 0.5 * 0.8796, 0.01);
}

TEST(Precision, CastsParametersAndKeepsTies) {
  auto model = init<Ab>(Key(0));
  model.b.weight = model.a.weight;
  Ab half = cast_parameters(model, DType::bf16);
  EXPECT_EQ(half.a.bias.dtype(), DType::bf16);
  EXPECT_EQ(half.a.weight.cell(), half.b.weight.cell());
  EXPECT_EQ(model.a.weight.dtype(), DType::f32);
}

}  // namespace
}  // namespace strata::nn
