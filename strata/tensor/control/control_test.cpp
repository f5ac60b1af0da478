#include "strata/tensor/control/control.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "strata/base/error/error.h"
#include "strata/base/error/message_of.h"
#include "strata/ir/tape.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/execute/cancel.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/tensor/transforms/vmap.h"

namespace strata {
namespace {

struct State {
  Tensor h, c;
  STRATA_FIELDS(h, c)
};
struct Lstm {
  Tensor w, u;
  STRATA_FIELDS(w, u)
  State operator()(const State& s, const Tensor& x) const {
    const Tensor c = s.c * sigmoid(x * w) + tanh(s.h * u);
    return {tanh(c) * sigmoid(x + s.h), c};
  }
};

Tensor numbers(std::vector<int64_t> shape, double first, double step) {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  std::vector<double> data;
  for (int64_t i = 0; i < n; ++i) data.push_back(first + step * static_cast<double>(i));
  return Tensor::from(std::span<const double>(data), shape);
}
double at(const Tensor& t, int64_t i) { return t.array().get(i); }
Tensor f64(double v) { return Tensor::scalar(v, DType::f64); }

Lstm cell() { return {numbers({3}, 0.3, 0.2), numbers({3}, -0.4, 0.3)}; }
State start() { return {numbers({3}, 0.1, 0.1), numbers({3}, -0.2, 0.2)}; }

Tensor loss_by_scan(const Lstm& m, const State& s, const Tensor& xs) {
  auto [last, ys] = scan(
      [&](const State& s, const Tensor& x) {
        State next = m(s, x);
        return std::pair(next, next.h * x);
      },
      s, xs);
  return sum(ys * ys) + sum(last.c);
}
Tensor loss_by_loop(const Lstm& m, State s, const Tensor& xs) {
  Tensor total = f64(0);
  for (int64_t t = 0; t < xs.size(0); ++t) {
    const Tensor x = slice(xs, {Range{t, Dim(t + 1)}, Range{}});
    s = m(s, reshape(x, {3}));
    const Tensor y = s.h * reshape(x, {3});
    total = total + sum(y * y);
  }
  return total + sum(s.c);
}

void expect_near(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.shape(), b.shape());
  for (int64_t i = 0; i < a.array().elements(); ++i) EXPECT_NEAR(at(a, i), at(b, i), 1e-10 * (1 + std::abs(at(b, i))));
}

TEST(Scan, EqualsTheLoopThatItStandsFor) {
  const Tensor xs = numbers({4, 3}, -1, 0.2);
  EXPECT_NEAR(loss_by_scan(cell(), start(), xs).item(), loss_by_loop(cell(), start(), xs).item(), 1e-12);
}

TEST(Scan, GradientsOfWeightsStateAndInputsEqualThoseOfTheLoop) {
  const Tensor xs = numbers({4, 3}, -1, 0.2);
  using All = std::tuple<Lstm, State, Tensor>;
  const All all(cell(), start(), xs);
  auto [m1, s1, x1] =
      grad([](const All& a) { return loss_by_scan(std::get<0>(a), std::get<1>(a), std::get<2>(a)); }, all);
  auto [m2, s2, x2] =
      grad([](const All& a) { return loss_by_loop(std::get<0>(a), std::get<1>(a), std::get<2>(a)); }, all);
  expect_near(m1.w, m2.w);
  expect_near(m1.u, m2.u);
  expect_near(s1.h, s2.h);
  expect_near(s1.c, s2.c);
  expect_near(x1, x2);
}

TEST(Scan, HessianVectorProductsEqualThoseOfTheLoop) {
  const Tensor xs = numbers({3, 3}, -1, 0.2);
  const Lstm v{numbers({3}, 1, -0.5), numbers({3}, 0.2, 0.4)};
  const Lstm a = hvp([&](const Lstm& m) { return loss_by_scan(m, start(), xs); }, cell(), v);
  const Lstm b = hvp([&](const Lstm& m) { return loss_by_loop(m, start(), xs); }, cell(), v);
  expect_near(a.w, b.w);
  expect_near(a.u, b.u);
}

TEST(Scan, RunsInsideJitWithASymbolicLengthAndInSyncMode) {
  auto step =
      jit([](Lstm m, Tensor xs) { return grad([&](const Lstm& m) { return loss_by_scan(m, start(), xs); }, m); });
  for (int64_t length : {4, 7}) {
    const Tensor xs = numbers({length, 3}, -1, 0.1);
    const Lstm g = grad([&](const Lstm& m) { return loss_by_loop(m, start(), xs); }, cell());
    const Lstm compiled = step(cell(), xs);
    expect_near(compiled.w, g.w);
    expect_near(compiled.u, g.u);
    const FlushScope one_by_one(FlushPolicy::Sync);
    const Tensor sync = loss_by_scan(cell(), start(), xs);
    EXPECT_NEAR(sync.item(), loss_by_loop(cell(), start(), xs).item(), 1e-12);
  }
  EXPECT_EQ(step.recordings(), 1);
}

TEST(Cond, KnowsTheDimensionsOfTheProgramAroundIt) {
  // 2*B stands alone in no shape of the region, so its value comes from outside.
  auto f = jit([](Tensor x) {
    const Tensor y = reshape(concat(std::vector<Tensor>{x, x}, 0), {x.dim(0) * 2});
    return cond(sum(y) > 0, [&] { return y * 2; }, [&] { return y; });
  });
  EXPECT_EQ(at(f(numbers({3}, 1, 1)), 5), 6);
  EXPECT_EQ(at(f(numbers({5}, -9, 1)), 9), -5);
}

TEST(Scan, BatchesWithItsGradient) {
  const Tensor xs = numbers({2, 4, 3}, -1, 0.1);
  const Lstm g = vmap(
      [](const Tensor& xs) { return grad([&](const Lstm& m) { return loss_by_scan(m, start(), xs); }, cell()); })(xs);
  for (int64_t b = 0; b < 2; ++b) {
    const Tensor one = reshape(slice(xs, {Range{b, Dim(b + 1)}, Range{}, Range{}}), {4, 3});
    const Lstm expected = grad([&](const Lstm& m) { return loss_by_loop(m, start(), one); }, cell());
    for (int64_t i = 0; i < 3; ++i) EXPECT_NEAR(at(g.w, b * 3 + i), at(expected.w, i), 1e-10);
  }
}

TEST(Scan, AStateThatChangesItsTypeIsAnErrorThatNamesBoth) {
  try {
    scan([](const Tensor& c, const Tensor& x) { return std::pair(sum(c) + x, x); }, numbers({2}, 0, 1),
         numbers({3}, 0, 1));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0531");
    EXPECT_NE(e.text().find("f64[]"), std::string::npos) << e.text();
    EXPECT_NE(e.text().find("f64[2]"), std::string::npos) << e.text();
  }
}

TEST(ForLoop, CountsAndIsDifferentiable) {
  auto power = [](const Tensor& x) {
    return for_loop(5, [&](const Tensor& i, const Tensor& y) { return y * x + cast(i, DType::f64); }, f64(1));
  };
  auto by_hand = [](const Tensor& x) {
    Tensor y = f64(1);
    for (int i = 0; i < 5; ++i) y = y * x + i;
    return y;
  };
  EXPECT_NEAR(power(f64(1.5)).item(), by_hand(f64(1.5)).item(), 1e-12);
  expect_near(grad(power, f64(1.5)), grad(by_hand, f64(1.5)));
}

TEST(Cond, RunsTheChosenBranchWithItsGradient) {
  auto g = [](const Tensor& x) {
    return cond(x > 1, [](const Tensor& y) { return y * y * y; }, [](const Tensor& y) { return y * 2; }, x);
  };
  for (double at : {0.5, 3.0}) {
    const double value = at > 1 ? at * at * at : 2 * at, slope = at > 1 ? 3 * at * at : 2;
    EXPECT_NEAR(g(f64(at)).item(), value, 1e-12);
    EXPECT_NEAR(grad(g, f64(at)).item(), slope, 1e-12);
    EXPECT_NEAR(jit(g)(f64(at)).item(), value, 1e-12);
  }
  auto captured = [](const Tensor& x) { return cond(x > 1, [&] { return x * x * x; }, [&] { return x * 2; }); };
  EXPECT_NEAR(grad(captured, f64(3)).item(), 27, 1e-12);
  const Tensor batch = vmap(captured)(numbers({2}, 0.5, 2.5));
  EXPECT_NEAR(at(batch, 0), 1, 1e-12);
  EXPECT_NEAR(at(batch, 1), 27, 1e-12);
}

TEST(Cond, BranchesOfDifferentTypesAreAnError) {
  EXPECT_THROW(cond(f64(1) > 0, [] { return Tensor::zeros({2}); }, [] { return Tensor::zeros({3}); }), base::Error);
}

TEST(While, RunsUntilItsConditionIsFalse) {
  const Tensor y = while_loop([](const Tensor& x) { return x < 100; }, [](const Tensor& x) { return x * 3; }, f64(1));
  EXPECT_EQ(y.item(), 243);
  const Tensor batch = vmap([](const Tensor& x) {
    return while_loop([](const Tensor& x) { return x < 100; }, [](const Tensor& x) { return x * 3; }, x);
  })(numbers({2}, 1, 49));
  EXPECT_EQ(at(batch, 0), 243);
  EXPECT_EQ(at(batch, 1), 150);
}

using Counted = std::pair<Tensor, Tensor>;

Tensor counted(const Tensor& x) {
  const Counted start(Tensor::full({}, 0, DType::i32), f64(1));
  return while_loop([](const Counted& s) { return s.first < 4; },
                    [&](const Counted& s) { return Counted(s.first + 1, s.second * x); }, start)
      .second;
}

TEST(While, WithAKnownTripCountHasAReverseMode) {
  EXPECT_NEAR(counted(f64(3)).item(), 81, 1e-12);
  EXPECT_NEAR(grad(counted, f64(3)).item(), 4 * 27, 1e-12);
  EXPECT_NEAR(jit([](Tensor x) { return grad(counted, x); })(f64(3)).item(), 4 * 27, 1e-12);
}

/// y, y x, y x^2, ... until it is 100 or more.
Tensor grown(const Tensor& x) {
  return while_loop([](const Tensor& y) { return y < 100; }, [&](const Tensor& y) { return y * x; }, x);
}

TEST(While, WithoutOneItKeepsItsStepsOnATape) {
  EXPECT_NEAR(jvp(grown, f64(3), f64(1)).second.item(), 5 * 81, 1e-9);
  EXPECT_NEAR(grad(grown, f64(3)).item(), 5 * 81, 1e-9);
  auto jitted = jit([](Tensor x) { return grad(grown, x); });
  for (const double x : {3.0, 1.5, 1.01, 100.0, 1e6})
    EXPECT_NEAR(jitted(f64(x)).item(), jvp(grown, f64(x), f64(1)).second.item(), 1e-9 * x) << x;
  EXPECT_EQ(grad(grown, f64(1e6)).item(), 1) << "no step";
}

/// Newton's steps to the root of sum(w^2) y^3 = x, until they are small: arrays as state, a weight as a constant.
Tensor cube_root(const Tensor& w, const Tensor& x) {
  const Tensor scale = sum(square(w));
  using State = std::pair<Tensor, Tensor>;
  return while_loop([](const State& s) { return s.second > 1e-13; },
                    [&](const State& s) {
                      const Tensor y = s.first, next = y - (scale * y * y * y - x) / (3 * scale * y * y);
                      return State(next, max(abs(next - y)));
                    },
                    State(x, f64(1)))
      .first;
}

TEST(While, TheTapeServesArraysConstantsAndLoopsWithinLoops) {
  const Tensor w(HostArray::of<double>(DType::f64, {3}, std::vector<double>{0.5, -1, 2})),
      x(HostArray::of<double>(DType::f64, {2}, std::vector<double>{4, 30}));
  const auto loss = [](const Tensor& w, const Tensor& x) { return sum(cube_root(w, x)); };
  // y = (x / s)^(1/3): dy/dx = y / (3 x), dy/dw = -y / (3 s) 2 w
  const double s = 5.25, y0 = std::cbrt(4 / s), y1 = std::cbrt(30 / s);
  for (const bool is_jitted : {false, true}) {
    const auto by_x = [&](const Tensor& x) { return grad([&](const Tensor& x) { return loss(w, x); }, x); };
    const auto by_w = [&](const Tensor& w) { return grad([&](const Tensor& w) { return loss(w, x); }, w); };
    const Tensor dx = is_jitted ? jit(by_x)(x) : by_x(x), dw = is_jitted ? jit(by_w)(w) : by_w(w);
    EXPECT_NEAR(dx.data<double>()[0], y0 / 12, 1e-9);
    EXPECT_NEAR(dx.data<double>()[1], y1 / 90, 1e-9);
    for (int i = 0; i < 3; ++i) EXPECT_NEAR(dw.data<double>()[i], -(y0 + y1) / (3 * s) * 2 * w.data<double>()[i], 1e-9);
  }
  // The same loop as the step of another one.
  const auto twice = [&](const Tensor& x) {
    return sum(while_loop([](const Tensor& y) { return max(y) > 1.5; },
                          [&](const Tensor& y) { return cube_root(w, y) * 1.2; }, x));
  };
  const double h = 1e-6;
  const Tensor gradient = grad(twice, x);
  for (int i = 0; i < 2; ++i) {
    HostArray up = x.array().clone(), down = x.array().clone();
    up.set(i, up.get(i) + h);
    down.set(i, down.get(i) - h);
    const double expected = (twice(Tensor(up)).item() - twice(Tensor(down)).item()) / (2 * h);
    EXPECT_NEAR(gradient.data<double>()[i], expected, 1e-6);
  }
}

TEST(While, ATapeOfManyStepsIsGivenBackAndItsSumsKeepTheirDigits) {
  // 20,000 steps of y = y + x / 20000: dy/dx = 1, a sum of 20,000 terms in f32.
  const auto sum_of_steps = [](const Tensor& x) {
    using State = std::pair<Tensor, Tensor>;
    const State start(x * 0, Tensor::full({64}, 0.0, DType::f32));
    return mean(while_loop([](const State& s) { return s.first < 20000; },
                           [&](const State& s) { return State(s.first + 1, s.second + square(x) * (1.0 / 20000)); },
                           start)
                    .second);
  };
  const int64_t before = ir::tape_memory().bytes;
  const Tensor x = Tensor::full({}, 0.5, DType::f32);
  EXPECT_NEAR(grad(sum_of_steps, x).item(), 1.0, 5e-6);
  EXPECT_EQ(ir::tape_memory().bytes, before);
}

TEST(While, OfABatchRunsUntilTheLastExampleHasEndedBackwardsToo) {
  const Tensor xs(HostArray::of<double>(DType::f64, {3}, std::vector<double>{3, 1.5, 200}));
  const Tensor together = grad([](const Tensor& xs) { return sum(vmap(grown)(xs)); }, xs);
  for (int i = 0; i < 3; ++i)
    EXPECT_NEAR(together.data<double>()[i], grad(grown, f64(xs.data<double>()[i])).item(), 1e-9);
}

TEST(While, TheTapeKeepsHalfFloatsAsTheyAre) {
  for (const DType dtype : {DType::f16, DType::bf16}) {
    const Tensor x = Tensor::scalar(3.0, dtype);
    const Tensor gradient = grad(grown, x), jitted = jit([](Tensor x) { return grad(grown, x); })(x);
    EXPECT_EQ(gradient.dtype(), dtype);
    EXPECT_NEAR(gradient.item(), 5 * 81, dtype == DType::f16 ? 1 : 4);
    EXPECT_TRUE(jitted.array().same_bits(gradient.array()));
  }
}

TEST(While, ATapeIsGivenBackWhenItsRunIsCancelled) {
  const int64_t before = ir::tape_memory().bytes;
  const auto endless = [](const Tensor& x) {
    return while_loop([](const Tensor& y) { return y > 0; }, [&](const Tensor& y) { return y * 0.5 + x; }, x);
  };
  const runtime::CancelToken token;
  std::thread later([&] {
    while (ir::tape_memory().bytes == before) std::this_thread::yield();
    token.cancel();
  });
  const runtime::CancelScope scope(token);
  EXPECT_EQ(base::code_of([&] { grad(endless, f64(1)).evaluate(); }), "E0319");
  later.join();
  EXPECT_EQ(ir::tape_memory().bytes, before);
}

TEST(While, TheGradientThroughATapeHasNoDerivative) {
  try {
    grad([](const Tensor& x) { return grad(grown, x); }, f64(3));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0200");
    EXPECT_NE(e.text().find("give the loop a known number of steps"), std::string::npos) << e.text();
  }
}

}  // namespace
}  // namespace strata
