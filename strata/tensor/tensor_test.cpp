#include "strata/tensor/tensor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <cmath>

#include "strata/base/error/message_of.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/print/print.h"
#include "strata/tensor/recording/function_graph.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

using base::code_of;

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
  const FlushScope one_by_one(FlushPolicy::Sync);
  const Tensor sync = tanh(x) + x;
  EXPECT_TRUE(lazy.array().same_bits(sync.array()));
}

TEST(Tensor, AnOpOfSeveralResultsGivesThemAllInSyncMode) {
  const FlushScope one_by_one(FlushPolicy::Sync);
  const std::vector<Tensor> parts = split(Tensor::from({1.f, 2.f, 3.f}), {Dim(1), Dim(2)}, 0);
  EXPECT_EQ(parts[0].item(), 1);
  EXPECT_EQ(parts[1].data<float>()[1], 3);
}

TEST(Tensor, AFlushScopeEndsWithAnException) {
  try {
    const FlushScope one_by_one(FlushPolicy::Sync);
    throw 1;
  } catch (int) {
  }
  EXPECT_EQ(flush_policy(), FlushPolicy::Lazy);
}

TEST(Tensor, WrapsMemoryWithoutACopyAndKeepsItsOwner) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4, 5, 6});
  const std::weak_ptr<std::vector<float>> alive = owner;
  float* data = owner->data();
  Tensor x = Tensor::wrap(data, DType::f32, {2, 3}, std::move(owner));
  EXPECT_EQ(x.data<float>().data(), data);
  data[5] = 60;
  EXPECT_FLOAT_EQ(sum(x).item(), 75);
  x = Tensor();
  EXPECT_TRUE(alive.expired());
}

TEST(Tensor, ArangeCountsUpDownAndByTheStep) {
  EXPECT_EQ(Tensor::arange(4).str(), "[0 1 2 3]");
  EXPECT_EQ(Tensor::arange(2, 9, 3).str(), "[2 5 8]");
  EXPECT_EQ(Tensor::arange(3, 0, -1, DType::f32).str(), "[3. 2. 1.]");
  EXPECT_EQ(Tensor::arange(5, 5).size(0), 0);
}

TEST(Tensor, ItemOfSeveralElementsIsRefused) {
  EXPECT_EQ(code_of([] { Tensor::from({1.f, 2.f}).item(); }), "E0504");
}

TEST(Tensor, TheSizeOfASymbolicDimensionThatNoGuardAnswersIsRefused) {
  auto f = [](const Tensor& x) { return x * static_cast<double>(x.size(0)); };
  const ir::Type symbolic[] = {ir::Type::of(DType::f32, {Dim::symbol("N")})};
  EXPECT_EQ(code_of([&] {
              trace_detail::trace("t", symbolic, [&](std::span<const Tensor> x) { return std::vector{f(x[0])}; });
            }),
            "E0503");
}

TEST(Tensor, AnErrorNamesTheLineOfItsOwnCallWhenAnotherLineRecordsTheSameOps) {
  const Tensor good = Tensor::from({0, 1}), bad = Tensor::from({0, 9}), table = Tensor::from({1.f, 2.f, 3.f});
  embedding(table, good).evaluate();
  const int line = __LINE__ + 2;
  try {
    embedding(table, bad).evaluate();
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_NE(e.text().find("tensor_test.cpp:" + std::to_string(line)), std::string::npos) << e.text();
  }
}

TEST(Tensor, TheThreadCountIsSetAndResultsDoNotDependOnIt) {
  const int before = thread_count();
  const Tensor x = Tensor::arange(0, 100000, 1, DType::f32);
  const Tensor many = sum(sin(x));
  many.evaluate();
  set_thread_count(1);
  EXPECT_EQ(thread_count(), 1);
  const Tensor one = sum(sin(x));
  EXPECT_TRUE(one.array().same_bits(many.array()));
  set_thread_count(before);
}

TEST(Print, FormatsNumbersTextsAndTensors) {
  testing::internal::CaptureStdout();
  print("loss {:.2f} at step {} of {}", Tensor::scalar(1.5), 3, "mlp");
  print("{}", Tensor::from({1.f, 2.f}));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "loss 1.50 at step 3 of mlp\n[1. 2.]\n");
  EXPECT_EQ(code_of([] { print("{:.2f}", "text"); }), "E0533");
  EXPECT_EQ(code_of([] { print("{} {}", 1); }), "E0533");
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

struct Moments {
  Tensor first, second;
  STRATA_FIELDS(first, second)
};

TEST(Jit, ATiedTensorOfWhichTheFunctionMakesTwoIsWrittenBackAsTwo) {
  const Tensor zero = Tensor::from({0.f});
  Moments m{zero, zero};
  auto step = jit([](Moments& m) { m.first = m.first + 1, m.second = m.second + 10; });
  for (int i = 1; i < 3; ++i) {
    step(m);
    EXPECT_EQ(m.first.item(), i);
    EXPECT_EQ(m.second.item(), 10 * i);
  }
  Moments one{zero, zero};
  auto first_only = jit([](Moments& m) { m.first = m.first + 1; });
  first_only(one);
  EXPECT_EQ(one.first.item(), 1);
  EXPECT_EQ(one.second.item(), 0);
  Moments tied{zero, zero};
  auto both = jit([](Moments& m) { m.first = m.second = m.first + 1; });
  both(tied);
  EXPECT_EQ(tied.first.cell(), tied.second.cell());
  EXPECT_EQ(zero.item(), 0);
}

TEST(Jit, OneVariableAsTwoChangedArgumentsIsRefused) {
  auto both = jit([](Tensor& a, Tensor& b) { a = a + 1, b = b * 10; });
  Tensor c = Tensor::from({1.f}), d = Tensor::from({2.f});
  both(c, d);
  EXPECT_EQ(d.item(), 20);
  EXPECT_EQ(base::message_of([&] { both(c, c); }),
            "error[E0505]: jit: arguments 0 and 1 are one variable, and the function changes both\nnote: jitted in "
            "tensor_test.cpp\nhint: pass a copy as one of them");
  EXPECT_EQ(c.item(), 2) << "it is as it was";
  auto read = jit([](Tensor& a, const Tensor& b) { a = a + b; });
  read(c, c);
  EXPECT_EQ(c.item(), 4);
}

TEST(Jit, SeveralThreadsMayCallOneFunction) {
  auto f = jit([](const Tensor& x) { return sum(x * 2, {1}); });
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const int width = 1 + (i + t) % 4;
        const Tensor y = f(Tensor::full({2, width}, i));
        for (float v : y.data<float>()) wrong += v != static_cast<float>(2 * i * width);
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(f.recordings(), 4);
}

TEST(Jit, CopiesShareWhatWasRecorded) {
  auto f = jit([](const Tensor& x) { return std::pair(x * 2, x + 1); });
  auto copy = f;
  EXPECT_EQ(f(Tensor::from({3.f})).first.item(), 6);
  EXPECT_EQ(copy(Tensor::from({5.f})).second.item(), 6);
  EXPECT_EQ(copy.recordings(), 1);
}

TEST(Tensor, NumbersBeyondADimensionAreRefusedAndNotWrapped) {
  const Tensor x = Tensor::from({1.f, 2.f, 3.f});
  const auto code = [](auto f) {
    try {
      f();
    } catch (const base::Error& error) {
      return std::string(error.code());
    }
    return std::string();
  };
  EXPECT_EQ(code([&] { return x[Slice{0, INT64_MAX}]; }), "E0122");
  EXPECT_EQ(code([&] { return x[INT64_MAX]; }), "E0122");
  EXPECT_EQ(code([&] { return reshape(x, {INT64_MAX}); }), "E0122");
  EXPECT_EQ(code([&] { return Tensor::arange(INT64_MIN, INT64_MAX); }), "E0122");
  EXPECT_EQ(Tensor::arange(-1, INT64_MAX, INT64_MAX).size(0), 2);
  EXPECT_EQ(code([&] { return mean(Tensor::full({300}, 100, DType::u8)); }), "E0100");
}

TEST(Derivatives, ATensorThatStandsTwiceInADirectionCountsTwice) {
  const Tensor one = Tensor::from({1.f}), zero = Tensor::from({0.f});
  const Moments at{Tensor::from({3.f}), Tensor::from({5.f})};
  auto f = [](const Moments& m) { return sum(m.first * m.second * m.second); };
  EXPECT_EQ(jvp(f, at, Moments{one, one}).second.item(), 55);
  EXPECT_EQ(jvp(f, at, Moments{one, Tensor()}).second.item(), 25);
  const Moments h = hvp(f, at, Moments{one, one});
  EXPECT_EQ(h.first.item(), 10);
  EXPECT_EQ(h.second.item(), 16);
  const Moments tied{one, one};
  EXPECT_EQ(jvp(f, tied, Moments{one, one}).second.item(), 3);
  EXPECT_THROW(jvp(f, tied, Moments{one, zero}), base::Error);
  EXPECT_THROW(jvp(f, at, Moments{one, Tensor::zeros({2})}), base::Error);
}

TEST(Jit, ACallOverTheMemoryBudgetIsRefusedBeforeItRunsAndItsArgumentsStay) {
  auto twice = jit([](Tensor& sum, Tensor x) { sum = sum + x * 2.0; }, {.name = "twice", .memory_budget_bytes = 1000});
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

TEST(Jit, ANamedDimensionIsSymbolicInAllArgumentsThatCarryIt) {
  auto f = jit([](Tensor x, Tensor y) { return sum(x * y); }, {.symbolic_dims = {{0, 1, "T"}, {1, -1, "T"}}});
  auto ones = [](int64_t b, int64_t t) { return Tensor::ones({b, t}).evaluate(); };
  EXPECT_FLOAT_EQ(f(ones(2, 3), ones(2, 3)).item(), 6);
  EXPECT_FLOAT_EQ(f(ones(4, 5), ones(4, 5)).item(), 20);
  EXPECT_EQ(f.recordings(), 1);
  EXPECT_EQ(code_of([&] { f(ones(2, 3), ones(2, 1)); }), "E0110");
}

TEST(Jit, ANamedDimensionKeepsItsBounds) {
  auto f =
      jit([](Tensor x) { return sum(x); }, {.symbolic_dims = {{.argument = 0, .axis = 0, .name = "N", .lowest = 2}}});
  EXPECT_FLOAT_EQ(f(Tensor::from({1.f, 2.f})).item(), 3);
  EXPECT_EQ(code_of([&] { f(Tensor::from({1.f})); }), "E0111");
}

TEST(Jit, ADimensionThatNoArgumentHasIsRefused) {
  auto f = jit([](Tensor x) { return sum(x); }, {.symbolic_dims = {{0, 2, "N"}}});
  EXPECT_EQ(code_of([&] { f(Tensor::from({1.f, 2.f})); }), "E0116");
}

TEST(Jit, CheckModeFindsAFunctionThatRecordsAnotherProgram) {
  double factor = 1;
  auto f = jit([&](Tensor x) { return x * factor; }, {.is_checked = true});
  f(Tensor::from({1.f}));
  f(Tensor::from({2.f}));
  factor = 2;
  EXPECT_EQ(code_of([&] { f(Tensor::from({1.f})); }), "E0505");
}

TEST(Jit, AnotherTargetIsAnotherProgram) {
  auto f = jit([](Tensor x) { return exp(x); });
  const Tensor x = Tensor::from({1.f, 2.f});
  const Tensor host = f(x);
  machine::force_cpu_target(machine::kScalar);
  const Tensor scalar = f(x);
  machine::force_cpu_target(std::nullopt);
  EXPECT_TRUE(host.array().same_bits(scalar.array()));
  EXPECT_EQ(f.recordings(), 2);
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
