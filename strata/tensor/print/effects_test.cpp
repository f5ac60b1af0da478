#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

using base::message_of;

using testing::internal::CaptureStdout;
using testing::internal::GetCapturedStdout;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(Print, InsideJitWritesAtEachCall) {
  auto f = jit([](Tensor x) {
    print(x * 2, "twice");
    return x + 1;
  });
  CaptureStdout();
  f(Tensor::from({1.f, 2.f}));
  f(Tensor::from({3.f}));
  EXPECT_EQ(GetCapturedStdout(), "twice [2. 4.]\ntwice [6.]\n");
}

TEST(Print, InsideAScanWritesAtEachStep) {
  auto f = jit([](Tensor xs) {
    auto [last, ys] = scan(
        [](const Tensor& sum, const Tensor& x) {
          const Tensor next = sum + x;
          print(next, "sum");
          return std::pair(next, next);
        },
        Tensor::scalar(0), xs);
    return last;
  });
  CaptureStdout();
  f(Tensor::from({1.f, 2.f, 4.f}));
  EXPECT_EQ(GetCapturedStdout(), "sum 1.0\nsum 3.0\nsum 7.0\n");
}

TEST(Print, WritesOnceThoughAValueIsLookedAtBeforeTheGradientIsDone) {
  CaptureStdout();
  const Tensor slope = grad(
      [](const Tensor& x) {
        const Tensor y = x * x;
        print(x + 1, "x + 1");
        return y.data<float>()[0] > 3 ? sum(y) : sum(x);
      },
      Tensor::from({2.f}));
  EXPECT_EQ(slope.item(), 4);
  EXPECT_EQ(GetCapturedStdout(), "x + 1 [3.]\n");
}

TEST(Print, OutsideJitWritesThoughNobodyLooksAtAValue) {
  CaptureStdout();
  print(Tensor::from({1.f}) + 1, "x");
  EXPECT_EQ(GetCapturedStdout(), "x [2.]\n");
}

TEST(Print, InsideADerivativeWritesOnce) {
  CaptureStdout();
  const Tensor g = grad([](const Tensor& x) { return sum(print(x * x, "squares")); }, Tensor::from({1.f, 2.f}));
  EXPECT_FLOAT_EQ(g.data<float>()[1], 4);
  EXPECT_EQ(GetCapturedStdout(), "squares [1. 4.]\n");
}

TEST(Check, InsideJitFailsWithItsMessageItsElementAndTheUsersLine) {
  auto f = jit([](Tensor x) {
    check(x > 0, "x must be positive");
    return sqrt(x);
  });
  f(Tensor::from({1.f, 4.f}));
  const std::string text = message_of([&] { f(Tensor::from({1.f, -4.f})); });
  EXPECT_TRUE(has(text, "error[E0136]: check failed at element 1: x must be positive")) << text;
  EXPECT_TRUE(has(text, "effects_test.cpp")) << text;
}

TEST(Check, OutsideJitFailsWhereItStands) {
  const std::string text = message_of([] { check(Tensor::from({1.f, 0.f}) > 0, "positive"); });
  EXPECT_TRUE(has(text, "error[E0136]: check failed at element 1: positive")) << text;
}

TEST(Check, InsideAScanFailsAsInTheInterpreter) {
  auto f = jit([](Tensor xs) {
    auto [last, ys] = scan(
        [](const Tensor& sum, const Tensor& x) {
          check(x < 3, "steps stay below 3");
          return std::pair(sum + x, x);
        },
        Tensor::scalar(0), xs);
    return last;
  });
  const std::string text = message_of([&] { f(Tensor::from({1.f, 4.f})); });
  EXPECT_TRUE(has(text, "error[E0136]: check failed at element 0: steps stay below 3")) << text;
}

TEST(CheckedGather, NamesTheIndexAndTheAxisAsTheInterpreterDoes) {
  auto f = jit([](Tensor table, Tensor ids) { return embedding(table, ids); });
  const Tensor table = Tensor::from(std::span<const float>(std::array{1.f, 2.f, 3.f, 4.f, 5.f, 6.f}), {3, 2});
  const std::string text = message_of([&] { f(table, Tensor::from({0, 7, 1})); });
  EXPECT_TRUE(has(text, "error[E0118]: embedding: id 7 at [1] is out of range, the vocabulary has 3")) << text;
  EXPECT_TRUE(has(text, "effects_test.cpp")) << text;
}

TEST(CheckedScatter, NamesTheIndexAndTheAxisAsTheInterpreterDoes) {
  auto f = jit([](Tensor x, Tensor ids, Tensor updates) {
    return index_update(x, 0, ids, updates, Combine::Add, OutOfRange::Check);
  });
  const std::string text =
      message_of([&] { f(Tensor::from({1.f, 2.f, 3.f}), Tensor::from({0, -1}), Tensor::from({1.f, 1.f})); });
  EXPECT_TRUE(has(text, "error[E0118]: scatter: index -1 is out of range for axis 0 of extent 3")) << text;
}

}  // namespace
}  // namespace strata
