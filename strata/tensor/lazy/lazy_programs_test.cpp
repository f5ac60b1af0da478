#include "strata/tensor/lazy/lazy_programs.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <vector>

#include "strata/ops/composites/softmax.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/numpy_names.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/lazy/compilation.h"
#include "strata/tensor/lazy/variant.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

const Tensor& data() {
  static const Tensor x = Tensor::from({-2.5f, -0.f, 0.f, 1.f, 3e-39f, 1e30f, std::numeric_limits<float>::infinity()});
  return x;
}

/// These tests count what is compiled before it runs.
class LazyPrograms : public testing::Test {
  const LazyCompilationScope at_once_{LazyCompilation::AtOnce};
};

/// Runs `f` with each number as one line of an eager program, and with each as its own line, where the number is
/// compiled in; the bits must be the same. Returns how many programs the first took.
int64_t programs_of(const std::function<Tensor(double)>& f, const std::vector<double>& numbers) {
  const int64_t before = lazy::compiled_count();
  std::vector<Tensor> shared;
  for (double number : numbers) shared.push_back(f(number).evaluate());
  const int64_t count = lazy::compiled_count() - before;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const FlushScope alone(FlushPolicy::Sync);  // op by op: a number is known in the program that it stands in
    EXPECT_TRUE(f(numbers[i]).array().same_bits(shared[i].array())) << numbers[i];
  }
  return count;
}

const std::vector<double> kNumbers = {0.1, 0.2, 0, -0.0, 1, -1, 2, 0.5, 3, 1e-30};

TEST_F(LazyPrograms, ANumberThatChangesIsAnArgument) {
  EXPECT_LE(programs_of([](double c) { return data() - data() * c; }, kNumbers), 3);
  EXPECT_LE(programs_of([](double c) { return data() + c; }, kNumbers), 3);
  EXPECT_LE(programs_of([](double c) { return data() / c; }, kNumbers), 3);
  EXPECT_LE(programs_of([](double c) { return c - data() * 2.0; }, kNumbers), 4);
  EXPECT_LE(programs_of([](double c) { return maximum(data(), c) * minimum(data(), -c); }, kNumbers), 5);
  EXPECT_LE(programs_of([](double c) { return where(data() > c, data(), c); }, kNumbers), 3);
  EXPECT_LE(programs_of([](double c) { return cast(cast(data(), DType::f16) * c, DType::f32); }, kNumbers), 3);
  EXPECT_LE(programs_of([](double c) { return softmax(data()[Slice{0, 5}] * c, 0); }, kNumbers), 3);
}

TEST_F(LazyPrograms, ANumberThatDecidesHowItRoundsIsNone) {
  EXPECT_EQ(programs_of([](double c) { return pow(abs(data()), c); }, {2, 3, 1, 0.5}), 4);
  EXPECT_EQ(programs_of([](double c) { return pow(abs(data()), Tensor::full({7}, c) * 2.0); }, {1, 2, 0.5}), 3);
}

TEST_F(LazyPrograms, AnEagerLoopWithADecayingRateCompilesTwice) {
  Tensor w = Tensor::from({1.f, 2.f, 3.f});
  double rate = 0.5;
  const int64_t before = lazy::compiled_count();
  for (int i = 0; i < 20; ++i) {
    const Tensor g = grad([](const Tensor& v) { return sum(square(v)); }, w);
    w = w - g * rate + static_cast<double>(i) * 0.001;
    w.evaluate();
    rate *= 0.9;
  }
  EXPECT_LE(lazy::compiled_count() - before, 4);
}

TEST_F(LazyPrograms, APlaceThatChangesIsAnArgument) {
  const Tensor table = normal(Key(1), {10, 6}).evaluate();
  const std::vector<double> places = {0, 3, 9, 1, 2, 7};
  const auto at = [](double c) { return static_cast<int64_t>(c); };
  EXPECT_LE(programs_of([&](double c) { return table[at(c)]; }, places), 2);
  EXPECT_LE(programs_of([&](double c) { return table[-1 - at(c)] * 2.0 + c; }, places), 3);
  EXPECT_LE(programs_of([&](double c) { return sum(slice(table, {{at(c) / 2, at(c) / 2 + 4}, {1, 3}}), {0}); }, places),
            2);
  EXPECT_LE(programs_of(
                [&](double c) {
                  Tensor x = table * 1.0;
                  x.at({at(c), 2}) = c;
                  return x;
                },
                places),
            4);
  EXPECT_LE(programs_of([&](double c) { return grad([&](const Tensor& x) { return sum(square(x[at(c)])); }, table); },
                        places),
            2);
  EXPECT_THROW(table[10].evaluate(), base::Error);
}

TEST_F(LazyPrograms, IntegersKeepAllTheirBits) {
  const Tensor x = Tensor::from({int64_t{1}, int64_t{-7}});
  for (int64_t n : {int64_t{3}, (int64_t{1} << 62) + 1, int64_t{-5}}) {
    const Tensor y = x + n;
    EXPECT_EQ(y.data<int64_t>()[0], n + 1);
  }
}

}  // namespace
}  // namespace strata
