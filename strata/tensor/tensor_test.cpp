#include "strata/tensor/tensor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "strata/base/error/error.h"
#include "strata/ops/dot.h"
#include "strata/ops/reduce.h"
#include "strata/ops/shape.h"
#include "strata/tensor/grad.h"
#include "strata/tensor/jit.h"

namespace strata {
namespace {

struct Point {
  Tensor x1, x2;
  STRATA_FIELDS(x1, x2)
};
struct Model {
  Tensor w;
  STRATA_FIELDS(w)
};

TEST(Tensor, ALazyChainGivesTheValuesOfItsOps) {
  const Tensor x = Tensor::from({0.f, 1.f, 2.f});
  const Tensor y = exp(x) * 2 - 1;
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(y.data<float>()[i], std::exp(i) * 2 - 1, 1e-5);
}

TEST(Tensor, ValuesPrintAsInNumPy) { EXPECT_EQ(Tensor::from({1.f, 2.5f, -3.f}).str(), "[ 1.   2.5 -3. ]"); }

TEST(Tensor, SyncAndLazyAgree) {
  const Tensor x = Tensor::from({0.5f, -2.f});
  const Tensor lazy = tanh(x) + x;
  set_flush_policy(FlushPolicy::Sync);
  const Tensor sync = tanh(x) + x;
  set_flush_policy(FlushPolicy::Lazy);
  EXPECT_TRUE(lazy.array().same_bits(sync.array()));
}

TEST(Tensor, AnOpOfSeveralResultsGivesThemAllInSyncMode) {
  set_flush_policy(FlushPolicy::Sync);
  const std::vector<Tensor> parts = split(Tensor::from({1.f, 2.f, 3.f}), {Dim(1), Dim(2)}, 0);
  set_flush_policy(FlushPolicy::Lazy);
  EXPECT_EQ(parts[0].item(), 1);
  EXPECT_EQ(parts[1].data<float>()[1], 3);
}

TEST(Grad, TheTextbookFunctionHasItsTextbookGradient) {
  const Point p{Tensor::scalar(2, DType::f64), Tensor::scalar(5, DType::f64)};
  auto f = [](const Point& p) { return log(p.x1) + p.x1 * p.x2 - sin(p.x2); };
  auto [value, grads] = value_and_grad(f, p);
  EXPECT_NEAR(value.item(), std::log(2.0) + 10 - std::sin(5.0), 1e-12);
  EXPECT_NEAR(grads.x1.item(), 5.5, 1e-12);
  EXPECT_NEAR(grads.x2.item(), 2 - std::cos(5.0), 1e-12);
}

TEST(Grad, LookingAtAValueInTheMiddleKeepsTheGradient) {
  const Tensor x = Tensor::scalar(3);
  auto g = grad(
      [](const Tensor& x) {
        const Tensor y = x * x;
        EXPECT_EQ(y.item(), 9);
        return y * x;
      },
      x);
  EXPECT_FLOAT_EQ(g.item(), 27);
}

TEST(Grad, HessianVectorProductIsForwardOverReverse) {
  const Tensor x = Tensor::from({1.0, 2.0}), v = Tensor::from({1.0, -1.0});
  const Tensor h = hvp([](const Tensor& x) { return sum(x * x * x); }, x, v);
  EXPECT_DOUBLE_EQ(h.data<double>()[0], 6);
  EXPECT_DOUBLE_EQ(h.data<double>()[1], -12);
}

TEST(Jit, RecordsOnceAndServesOtherBatchSizes) {
  auto f = jit([](Tensor x) { return sum(x * x); });
  EXPECT_FLOAT_EQ(f(Tensor::from({1.f, 2.f})).item(), 5);
  EXPECT_FLOAT_EQ(f(Tensor::from({1.f, 2.f, 3.f})).item(), 14);
  EXPECT_EQ(f.recordings(), 1);
}

TEST(Jit, ReboundTensorsOfATreeAreWrittenBack) {
  Model m{Tensor::from({1.f, 2.f})};
  auto step = jit(
      [](Model& m, Tensor x) {
        auto [loss, g] = value_and_grad([&](const Model& m) { return sum(m.w * x); }, m);
        m.w = m.w - g.w * 0.5;
        return loss;
      },
      {.is_batch_symbolic = false});
  EXPECT_FLOAT_EQ(step(m, Tensor::from({2.f, 4.f})).item(), 10);
  EXPECT_FLOAT_EQ(m.w.data<float>()[0], 0);
  EXPECT_FLOAT_EQ(m.w.data<float>()[1], 0);
  EXPECT_FLOAT_EQ(step(m, Tensor::from({2.f, 4.f})).item(), 0);
  EXPECT_EQ(step.recordings(), 1);
}

TEST(Jit, ACallOverTheMemoryLimitIsRefusedBeforeItRunsAndItsArgumentsStay) {
  auto twice = jit([](Tensor& sum, Tensor x) { sum = sum + x * 2.0; }, {.name = "twice", .memory_limit_bytes = 1000});
  Tensor small = Tensor::from({1.f, 2.f});
  twice(small, Tensor::from({3.f, 4.f}));
  EXPECT_EQ(small.str(), "[ 7. 10.]");
  Tensor large(HostArray(DType::f32, {500}));
  try {
    twice(large, Tensor(HostArray(DType::f32, {500})));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0314");
    EXPECT_TRUE(e.message().starts_with("twice: takes 4 kB")) << e.text();
  }
  EXPECT_EQ(large.size(0), 500);
}

TEST(Jit, LookingAtAValueInsideIsAnErrorThatSaysWhere) {
  auto f = jit([](Tensor x) { return x * x.item(); });
  try {
    f(Tensor::from({1.f}));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0501");
    EXPECT_NE(e.text().find("tensor_test.cpp"), std::string::npos) << e.text();
  }
}

}  // namespace
}  // namespace strata
