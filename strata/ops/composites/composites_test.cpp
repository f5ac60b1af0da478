// Losses, norms and attention against their formulas written out in doubles.
#include <gtest/gtest.h>

#include <cmath>

#include "strata/base/error/error.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/composites/norm.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/conformance/sample_arrays.h"
#include "strata/ops/window/window.h"

namespace strata::ops {
namespace {

std::vector<HostArray> run(const std::vector<HostArray>& arguments,
                           const std::function<std::vector<Value>(const std::vector<Value>&)>& fill) {
  Graph graph("test");
  std::vector<Value> parameters;
  for (const HostArray& a : arguments)
    parameters.push_back(graph.add_parameter(Type::of(a.dtype(), Shape(a.shape().begin(), a.shape().end()))));
  graph.set_results(fill(parameters));
  return ir::interpret(graph, arguments);
}

HostArray random(std::initializer_list<Dim> shape, unsigned seed, DType t = DType::f64) {
  return sample_array({Type::of(t, shape), ir::SampleOperand::Domain::Normal}, seed);
}

TEST(Softmax, SurvivesLargeInputsAndSumsToOne) {
  HostArray x(DType::f32, {2, 3});
  const double values[] = {1000, 1001, 999, -1e30, 0, -1e30};
  for (int i = 0; i < 6; ++i) x.set(i, values[i]);
  const auto y = run(
      {x}, [](auto& p) { return std::vector<Value>{softmax(p[0], 1), log_softmax(p[0], -1), logsumexp(p[0], {1})}; });
  const double sum = 1 + std::exp(-1.0) + std::exp(-2.0);
  EXPECT_NEAR(y[0].get(1), 1 / sum, 1e-6);
  EXPECT_NEAR(y[1].get(0), -1 - std::log(sum), 1e-6);
  EXPECT_NEAR(y[2].get(0), 1001 + std::log(sum), 1e-3);
  EXPECT_EQ(y[0].get(3), 0);
  EXPECT_EQ(y[0].get(4), 1);
}

double log_probability(const HostArray& x, int64_t row, int64_t classes, int64_t c) {
  double sum = 0;
  for (int64_t k = 0; k < classes; ++k) sum += std::exp(x.get(row * classes + k));
  return x.get(row * classes + c) - std::log(sum);
}

TEST(CrossEntropy, IgnoresAndSmoothsAsWritten) {
  const HostArray x = random({4, 5}, 3);
  HostArray y(DType::i32, {4});
  const int64_t targets[] = {2, -100, 0, 4};
  for (int i = 0; i < 4; ++i) y.set_int(i, targets[i]);
  const auto found = run({x, y}, [](auto& p) {
    return std::vector<Value>{cross_entropy(p[0], p[1]),
                              cross_entropy(p[0], p[1], {.label_smoothing = 0.1, .reduction = Reduction::Sum})};
  });
  double plain = 0, smooth = 0;
  for (int i : {0, 2, 3}) {
    double mean = 0;
    for (int c = 0; c < 5; ++c) mean += log_probability(x, i, 5, c) / 5;
    plain -= log_probability(x, i, 5, targets[i]) / 3;
    smooth -= 0.9 * log_probability(x, i, 5, targets[i]) + 0.1 * mean;
  }
  EXPECT_NEAR(found[0].get(0), plain, 1e-12);
  EXPECT_NEAR(found[1].get(0), smooth, 1e-12);
}

TEST(OneHot, GivesZerosForAnIndexOutOfRange) {
  HostArray i(DType::i32, {2});
  i.set_int(0, 1);
  i.set_int(1, 7);
  const HostArray y = run({i}, [](auto& p) { return std::vector<Value>{one_hot(p[0], 3)}; })[0];
  const double expected[] = {0, 1, 0, 0, 0, 0};
  for (int k = 0; k < 6; ++k) EXPECT_EQ(y.get(k), expected[k]);
}

TEST(OneHot, SmallIntegersNumberManyClasses) {
  HostArray i(DType::u8, {2});
  i.set_int(0, 44);
  i.set_int(1, 255);
  const HostArray y = run({i}, [](auto& p) { return std::vector<Value>{one_hot(p[0], 300)}; })[0];
  for (int k = 0; k < 600; ++k) EXPECT_EQ(y.get(k), k == 44 || k == 555 ? 1 : 0) << k;
  EXPECT_THROW(run({HostArray(DType::bf16, {2})}, [](auto& p) { return std::vector<Value>{one_hot(p[0], 300)}; }),
               base::Error);
}

TEST(AvgPool, HalfFloatsAreAveragedInF32) {
  HostArray x(DType::f16, {1, 1, 16, 16});
  for (int i = 0; i < 256; ++i) x.set(i, 300);
  const HostArray y = run({x}, [](auto& p) { return std::vector<Value>{avg_pool(p[0], {.window = {16, 16}})}; })[0];
  EXPECT_EQ(y.get(0), 300);
}

TEST(Norms, HaveMeanZeroAndVarianceOne) {
  const HostArray x = random({3, 4, 5}, 5);
  const auto y = run({x}, [](auto& p) {
    return std::vector<Value>{layer_norm(p[0], {}, {}), group_norm(p[0], 2, {}, {}),
                              batch_norm_train(p[0], {}, {}).result, rms_norm(p[0], {})};
  });
  double sum = 0, squares = 0, root = 0;
  for (int i = 0; i < 5; ++i)
    sum += y[0].get(i), squares += y[0].get(i) * y[0].get(i), root += y[3].get(i) * y[3].get(i);
  EXPECT_NEAR(sum, 0, 1e-9);
  EXPECT_NEAR(squares / 5, 1, 1e-3);
  EXPECT_NEAR(root / 5, 1, 1e-3);
  double group = 0, channel = 0;
  for (int i = 0; i < 10; ++i) group += y[1].get(i);
  for (int n = 0; n < 3; ++n)
    for (int i = 0; i < 5; ++i) channel += y[2].get(n * 20 + i);
  EXPECT_NEAR(group, 0, 1e-9);
  EXPECT_NEAR(channel, 0, 1e-9);
}

TEST(Attention, CausalRowsAreWeightedMeansOfWhatTheyMaySee) {
  const int64_t length = 5, depth = 3;
  const HostArray q = random({1, 2, length, depth}, 1), k = random({1, 1, length, depth}, 2),
                  v = random({1, 1, length, depth}, 3);
  const HostArray y = run(
      {q, k, v}, [](auto& p) { return std::vector<Value>{attention(p[0], p[1], p[2], {}, {.is_causal = true})}; })[0];
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t i = 0; i < length; ++i) {
      double total = 0;
      std::vector<double> weights, expected(depth);
      for (int64_t j = 0; j <= i; ++j) {
        double score = 0;
        for (int64_t d = 0; d < depth; ++d) score += q.get((h * length + i) * depth + d) * k.get(j * depth + d);
        weights.push_back(std::exp(score / std::sqrt(3.0)));
        total += weights.back();
      }
      for (int64_t d = 0; d < depth; ++d) {
        for (int64_t j = 0; j <= i; ++j) expected[d] += weights[j] / total * v.get(j * depth + d);
        EXPECT_NEAR(y.get((h * length + i) * depth + d), expected[d], 1e-12);
      }
    }
}

TEST(Rope, TurnsEachPairByItsAngle) {
  const HostArray x = random({2, 3, 4}, 9);
  HostArray positions(DType::i32, {3});
  for (int i = 0; i < 3; ++i) positions.set_int(i, i);
  const HostArray y = run({x, positions}, [](auto& p) { return std::vector<Value>{rope(p[0], p[1])}; })[0];
  for (int d = 0; d < 2; ++d) {
    const double angle = 2 * std::pow(10000.0, -d / 2.0), a = x.get(8 + d), b = x.get(10 + d);
    EXPECT_NEAR(y.get(8 + d), a * std::cos(angle) - b * std::sin(angle), 1e-12);
    EXPECT_NEAR(y.get(10 + d), b * std::cos(angle) + a * std::sin(angle), 1e-12);
  }
}

}  // namespace
}  // namespace strata::ops
