// What jit does with the memory of the trees that it changes, what it looks at before it commits, and cancelling.
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "strata/base/error/message_of.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/jit/cancel.h"
#include "strata/tensor/jit/jit.h"

namespace strata {
namespace {

using base::code_of;

struct State {
  Tensor table, w, m;
  STRATA_FIELDS(table, w, m)
};

State ones() {
  State s{Tensor::ones({5, 3}), Tensor::ones({3, 3}), Tensor::ones({2, 3})};
  for (Tensor* t : {&s.table, &s.w, &s.m}) t->evaluate();
  return s;
}

TEST(Donation, OfAValueThatAnotherResultStillIsKeepsIt) {
  auto f = jit([](Tensor& a, Tensor& b) {
    b = a;
    a = Tensor::zeros({3});
  });
  Tensor a = Tensor::full({3}, 5), b = Tensor::full({3}, 6);
  f(a, b);
  EXPECT_EQ(a.data<float>()[0], 0);
  EXPECT_EQ(b.data<float>()[0], 5);
}

TEST(Donation, IsPutOffBehindWhatCanFailAndStaysInPlace) {
  auto step = jit([](State& s, Tensor x, Tensor ids) {
    s.w = s.w * 2;
    s.m = s.m + sum(s.w);
    return sum(embedding(s.table, ids)) + sum(x);
  });
  State s = ones();
  const std::byte *w = s.w.array().data(), *m = s.m.array().data();
  step(s, Tensor::ones({4}), Tensor::from({0, 1}));
  EXPECT_EQ(s.w.array().data(), w);
  EXPECT_EQ(s.m.array().data(), m);
  EXPECT_EQ(step.executable()->plan().kept.size(), 0u);
}

TEST(Donation, OfWhatACheckLooksAtIsKeptAndThePlanSaysWhy) {
  auto step = jit([](State& s, Tensor x) {
    s.w = s.w * 2;
    s.m = s.m + sum(x);
    check(s.w < 100, "w");
  });
  State s = ones();
  step(s, Tensor::ones({4}));
  const auto& plan = step.executable()->plan();
  ASSERT_EQ(plan.kept.size(), 1u);
  EXPECT_NE(plan.kept[0].reason.find("can fail when the result is written"), std::string::npos) << plan.kept[0].reason;
  EXPECT_EQ(plan.donations.size(), 1u);
}

TEST(RequireFinite, NamesTheLeafTheElementAndTheOp) {
  auto step = jit(
      [](State& s, Tensor x) {
        s.w = s.w + sum(x);
        s.m.at({1, 2}) = log(x[0]);
      },
      {.name = "step", .require_finite = true});
  State s = ones();
  step(s, Tensor::from({1.f, 2.f}));
  try {
    step(s, Tensor::from({-1.f, 2.f}));
    FAIL() << "no error";
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0318");
    EXPECT_EQ(e.message(), "step: m[5] would become nan");
  }
  step(s, Tensor::from({1.f, 2.f}));
}

TEST(Cancel, OfOneTokenReachesScopesWithinAndNoOtherThread) {
  const CancelToken outer, inner;
  const CancelScope scope(outer);
  auto f = jit([](Tensor x) { return x + 1; });
  f(Tensor::scalar(1));
  outer.cancel();
  std::thread([&] { EXPECT_EQ(code_of([&] { f(Tensor::scalar(1)); }), "no error"); }).join();
  const CancelScope nested(inner);
  EXPECT_EQ(code_of([&] { f(Tensor::scalar(1)); }), "E0319");
}

struct Tied {
  Tensor a, b;
  STRATA_FIELDS(a, b)
};

TEST(FailedCall, LeavesTiedLeavesTied) {
  auto step = jit([](Tied& t, Tensor x) {
    t.a = t.b = t.a + 1;
    check(x < 1, "small");
  });
  Tied t;
  t.a = t.b = Tensor::full({3}, 1).evaluate();
  EXPECT_EQ(code_of([&] { step(t, Tensor::scalar(2)); }), "E0136");
  EXPECT_EQ(leaves_of(t).list.size(), 1u);
  EXPECT_EQ(t.a.data<float>()[0], 1);
}

TEST(FailedCall, OfAFirstRecordingDoesNotSpoilWhatOthersReturned) {
  auto f = jit([](Tensor& s, Tensor x, Tensor ids) {
    s = s + 1;
    return std::vector<Tensor>(x.size(0), sum(take(x, ids, 0, OutOfRange::Check)));
  });
  Tensor s = Tensor::scalar(0);
  EXPECT_EQ(code_of([&] { f(s, Tensor::ones({2}), Tensor::from({5})); }), "E0118");
  EXPECT_EQ(f(s, Tensor::ones({3}), Tensor::from({0})).size(), 3u);
  EXPECT_EQ(f(s, Tensor::ones({2}), Tensor::from({0})).size(), 2u);
  EXPECT_EQ(s.item(), 2);
}

}  // namespace
}  // namespace strata
