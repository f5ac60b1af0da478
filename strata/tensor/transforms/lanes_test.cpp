// A batch is what its lanes are one by one, also where each takes a branch of its own: values and derivatives, and what
// is printed and checked. The lanes hold numbers at which the branch that they do not take is poison: NaN, infinite
// derivatives, positions out of range, loops without end.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "strata/base/error/error.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/tensor/transforms/vmap.h"

namespace strata {
namespace {

using testing::internal::CaptureStdout;
using testing::internal::GetCapturedStdout;

constexpr double kInf = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();

/// x [3] of one lane, w [3] shared by all -> a scalar.
using Program = std::function<Tensor(const Tensor& x, const Tensor& w)>;

struct Arguments {
  Tensor x, w;
  STRATA_FIELDS(x, w)
};

Tensor vector_of(std::vector<double> numbers, std::vector<int64_t> shape) {
  return Tensor::from(std::span<const double>(numbers), std::move(shape));
}

/// What a program gives of each derivative, lane by lane; the shared gradient is that of all lanes together.
struct Found {
  std::vector<double> values, x_grads, w_grads, x_seconds, w_seconds;
};

void append(std::vector<double>& to, const Tensor& t) {
  for (double v : t.data<double>()) to.push_back(v);
}

Tensor squares(const Arguments& g) { return sum(g.x * g.x) + sum(g.w * g.w * 0.5); }

/// `total`: x [B, 3], w -> the sum over the lanes.
Found of_batch(const Program& f, const Tensor& x, const Tensor& w) {
  const auto total = [&](const Arguments& a) { return sum(vmap(f, {0, kUnbatched})(a.x, a.w)); };
  Found found;
  append(found.values, vmap(f, {0, kUnbatched})(x, w));
  const Arguments at{x, w}, g = grad(total, at);
  append(found.x_grads, g.x), append(found.w_grads, g.w);
  // The gradient's own squares, lane by lane, so that lanes do not mix.
  const auto second = vmap(
      [&](const Tensor& xi, const Tensor& wi) {
        return grad(
            [&](const Arguments& a) { return squares(grad([&](const Arguments& b) { return f(b.x, b.w); }, a)); },
            Arguments{xi, wi});
      },
      {0, kUnbatched});
  const Arguments s = second(x, w);
  append(found.x_seconds, s.x), append(found.w_seconds, s.w);
  return found;
}

Found of_loop(const Program& f, const Tensor& x, const Tensor& w) {
  Found found;
  std::vector<double> w_grads(3);
  for (int64_t lane = 0; lane < x.size(0); ++lane) {
    const Arguments at{x[lane], w};
    const auto one = [&](const Arguments& a) { return f(a.x, a.w); };
    append(found.values, reshape(one(at), {1}));
    const Arguments g = grad(one, at);
    append(found.x_grads, g.x);
    for (int i = 0; i < 3; ++i) w_grads[i] += g.w.data<double>()[i];
    const Arguments s = grad([&](const Arguments& a) { return squares(grad(one, a)); }, at);
    append(found.x_seconds, s.x), append(found.w_seconds, s.w);
  }
  found.w_grads = w_grads;
  return found;
}

void expect_close(const char* what, const std::vector<double>& expected, const std::vector<double>& found) {
  ASSERT_EQ(expected.size(), found.size()) << what;
  for (size_t i = 0; i < expected.size(); ++i) {
    const bool both_nan = std::isnan(expected[i]) && std::isnan(found[i]);
    const bool is_close = std::abs(expected[i] - found[i]) <= 1e-10 * (1 + std::abs(expected[i]));
    EXPECT_TRUE(both_nan || expected[i] == found[i] || is_close)
        << what << " " << i << ": " << expected[i] << " of the lane alone, " << found[i] << " in the batch";
  }
}

void expect_same(const Found& expected, const Found& found) {
  expect_close("value", expected.values, found.values);
  expect_close("gradient of x", expected.x_grads, found.x_grads);
  expect_close("gradient of w", expected.w_grads, found.w_grads);
  expect_close("second derivative of x", expected.x_seconds, found.x_seconds);
  expect_close("second derivative of w", expected.w_seconds, found.w_seconds);
}

/// A lane for each way to be poison.
Tensor poisoned_lanes() {
  return vector_of({0.5, 1.5,  2, -1, 0,     7,    0,    -2, -3,  4,     kNaN, 1,  //
                    2,   kInf, 0, 9,  -kInf, kNaN, -0.0, 3,  2.5, 1e308, 0.25, 1e18},
                   {8, 3});
}
Tensor shared_weights() { return vector_of({0.7, -1.3, 2.1}, {3}); }

/// Programs made by a seed: sums of terms, each behind a condition under which it is sound.
struct RandomProgram {
  std::mt19937 random;
  int pick(int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

  /// Where the condition holds the term is finite, and so are its derivatives.
  std::pair<Tensor, std::function<Tensor()>> guarded(const Tensor& x, const Tensor& w) {
    const int k = pick(3), j = pick(3);
    const Tensor a = x[k], b = w[j], is_usual = (abs(a) < 100) & is_finite(a);
    switch (pick(8)) {
      case 0:
        return {(a > 0) & is_usual, [=] { return log(a) * b; }};
      case 1:
        return {(a > 0) & is_usual, [=] { return sqrt(a) + b * a; }};
      case 2:
        return {(abs(a) > 0) & is_usual, [=] { return b / a; }};
      case 3:
        return {is_usual, [=] { return a * a * b; }};
      case 4:
        return {(a > 0.1) & is_usual, [=] { return pow(a, Tensor::scalar(-1.5, DType::f64)) * b; }};
      case 5:
        return {(a >= 0) & (a < 3), [=] { return embedding(w * 2, cast(a, DType::i64)) * b; }};
      case 6:
        return {(a > 0) & is_usual, [=] {
                  check(a > 0, "the lane is positive");
                  return exp(-a) * b;
                }};
      default:
        return {is_usual & is_finite(b), [=] { return atan2(a, b) + tanh(a * b); }};
    }
  }

  Tensor term(const Tensor& x, const Tensor& w, int depth) {
    const auto [holds, make] = guarded(x, w);
    const bool nests_then = depth > 0 && pick(2), nests_else = depth > 0 && pick(2);
    const auto inner = [&](bool nests) { return nests ? term(x, w, depth - 1) : sum(w) * 0.25; };
    return cond(holds, [&, &make = make] { return make() + inner(nests_then); }, [&] { return inner(nests_else) * 2; });
  }

  Program program() {
    const unsigned seed = random();
    return [seed](const Tensor& x, const Tensor& w) {
      RandomProgram again{std::mt19937(seed)};
      Tensor total = sum(w * w);
      for (int i = 0, n = 1 + again.pick(3); i < n; ++i) total = total + again.term(x, w, 2);
      return total;
    };
  }
};

TEST(LanesSlow, RandomProgramsGiveInABatchWhatTheirLanesGiveAlone) {
  RandomProgram maker{std::mt19937(7)};
  const Tensor x = poisoned_lanes(), w = shared_weights();
  for (int i = 0; i < 12; ++i) {
    SCOPED_TRACE(i);
    const Program f = maker.program();
    expect_same(of_loop(f, x, w), of_batch(f, x, w));
    if (HasFailure()) break;
  }
}

TEST(Lanes, ALoopOverStepsWithBranchesGivesInABatchWhatItsLanesGiveAlone) {
  const Program f = [](const Tensor& x, const Tensor& w) {
    return for_loop(
        3,
        [&](const Tensor& i, const Tensor& s) {
          const Tensor a = x[i];
          return s + cond((a > 0) & (a < 100), [&] { return log(a) * sum(w) + sqrt(a); },
                          [&] { return cond(is_finite(a), [&] { return sum(w) * 0.5; }, [&] { return s * 0.5; }); });
        },
        sum(w));
  };
  const Tensor x = poisoned_lanes(), w = shared_weights();
  expect_same(of_loop(f, x, w), of_batch(f, x, w));
}

TEST(Lanes, NobodyTakesABranch) {
  const Program f = [](const Tensor& x, const Tensor& w) {
    return cond(
        x[0] > 1e300, [&] { return sum(w / (x - x)) + embedding(w, cast(x[1], DType::i64)); },
        [&] { return sum(w * 3); });
  };
  const Tensor x = vector_of({1, 70, 0, 2, -5, 0}, {2, 3}), w = shared_weights();
  expect_same(of_loop(f, x, w), of_batch(f, x, w));
}

TEST(Lanes, ADivisionByZeroInTheOtherBranchLeavesTheSharedGradientFinite) {
  const Program f = [](const Tensor& x, const Tensor& w) {
    return cond(x[0] > 0, [&] { return sum(w) / x[0]; }, [&] { return sum(w); });
  };
  const Tensor x = vector_of({0, 0, 0, -1, 0, 0}, {2, 3});
  const Found found = of_batch(f, x, shared_weights());
  for (double g : found.w_grads) EXPECT_EQ(g, 2);
  for (double g : found.x_grads) EXPECT_EQ(g, 0);
}

TEST(Lanes, WhileLoopsOfDifferentLengthsGiveWhatTheirLanesGiveAlone) {
  // Halves until below 1; the logarithm is that of a positive number as long as the lane runs, and of 0 behind it.
  const auto f = [](const Tensor& x, const Tensor& w) {
    const Arguments last = while_loop([](const Arguments& s) { return s.x[0] > 0; },
                                      [&](const Arguments& s) {
                                        check(s.x[0] > 0, "runs on positive numbers");
                                        const Tensor taken = embedding(w, cast(s.x[0], DType::i64) - 1);
                                        return Arguments{s.x - 1, s.w + log(s.x[0]) * taken};
                                      },
                                      Arguments{x, w});
    return sum(last.w);
  };
  const Tensor x = vector_of({3, 0, 0, 0, 0, 0, 1, 5, 5, -2, 0, 0, kNaN, 0, 0}, {5, 3}), w = shared_weights();
  const Tensor batch = vmap(f, {0, kUnbatched})(x, w);
  const auto tangents =
      vmap([&](const Tensor& xi,
               const Tensor& wi) { return jvp([&](const Tensor& a) { return f(xi, a); }, wi, wi * 0 + 1).second; },
           {0, kUnbatched})(x, w);
  for (int64_t lane = 0; lane < 5; ++lane) {
    EXPECT_NEAR(batch.data<double>()[lane], f(x[lane], w).item(), 1e-12) << lane;
    const double alone = jvp([&](const Tensor& a) { return f(x[lane], a); }, w, w * 0 + 1).second.item();
    EXPECT_NEAR(tangents.data<double>()[lane], alone, 1e-12) << lane;
  }
}

TEST(Lanes, ALoopWithoutEndInALaneThatDoesNotTakeItEnds) {
  const auto f = [](const Tensor& x) {
    return cond(
        x < 100,
        [&] { return while_loop([](const Tensor& s) { return s > 1; }, [](const Tensor& s) { return s * 0.5; }, x); },
        [&] { return x; });
  };
  const Tensor some = vmap(f)(Tensor::from({8.f, std::numeric_limits<float>::infinity(), 3.f}));
  EXPECT_EQ(some.str(), "[1.    inf 0.75]");
  const Tensor none = vmap(f)(Tensor::from({std::numeric_limits<float>::infinity()}));
  EXPECT_EQ(none.str(), "[inf]");
}

struct Counted {
  Tensor i, s;
  STRATA_FIELDS(i, s)
};

TEST(Lanes, AWhileWhoseStepsDoNotDifferIsDifferentiatedInABatch) {
  const auto f = [](const Tensor& x) {
    return while_loop([](const Counted& c) { return c.i < 3; },
                      [&](const Counted& c) { return Counted{c.i + 1, c.s * x}; },
                      Counted{Tensor::full({}, 0, DType::i32), Tensor::scalar(1)})
        .s;
  };
  const Tensor g = grad([&](const Tensor& x) { return sum(vmap(f)(x)); }, Tensor::from({1.f, 2.f, -1.f}));
  EXPECT_EQ(g.str(), "[ 3. 12.  3.]");
}

TEST(Lanes, PrintsShowTheLanesThatTakeTheBranch) {
  auto f = jit([](Tensor x) {
    return vmap([](const Tensor& v) {
      return cond(
          v > 0,
          [&] {
            print(v * 2, "positive");
            return cond(v > 2, [&] { return print(v, "large") + 1; }, [&] { return v; });
          },
          [&] {
            print(Tensor::scalar(7), "other");
            return -v;
          });
    })(x);
  });
  CaptureStdout();
  f(Tensor::from({1.f, -1.f, 3.f})).evaluate();
  EXPECT_EQ(GetCapturedStdout(), "positive [2. 6.]\nlarge [3.]\nother [7.]\n");
  CaptureStdout();
  f(Tensor::from({1.f, 1.f, 1.f})).evaluate();
  EXPECT_EQ(GetCapturedStdout(), "positive [2. 2. 2.]\n");
}

TEST(Lanes, PrintsOfAWhileEndWithTheLane) {
  CaptureStdout();
  vmap([](const Tensor& x) {
    return while_loop([](const Tensor& s) { return s > 0; }, [](const Tensor& s) { return print(s, "s") - 1; }, x);
  })(Tensor::from({2.f, 0.f, 1.f}))
      .evaluate();
  EXPECT_EQ(GetCapturedStdout(), "s [2. 1.]\ns [1.]\n");
}

TEST(Lanes, AFailingCheckNamesTheLaneThatTakesTheBranch) {
  auto f = jit([](Tensor x) {
    return vmap(
        [](const Tensor& v) { return cond(v > 0, [&] { return check(v < 5, "below 5"), v; }, [&] { return v; }); })(x);
  });
  f(Tensor::from({1.f, 2.f, -9.f})).evaluate();
  try {
    f(Tensor::from({-1.f, 1.f, 9.f})).evaluate();
    FAIL() << "no error";
  } catch (const base::Error& e) {
    EXPECT_NE(e.text().find("check failed at element 2: below 5"), std::string::npos) << e.text();
  }
}

TEST(Lanes, AnEmptyBatchTakesNoBranch) {
  auto f = jit([](Tensor x) {
    return vmap([](const Tensor& v) {
      return cond(v > 0, [&] { return check(v < 5, "below 5"), sqrt(v); }, [&] { return v * 2; });
    })(x);
  });
  EXPECT_EQ(f(Tensor::from({4.f})).str(), "[2.]");
  EXPECT_EQ(f(Tensor::zeros({0})).size(0), 0);
}

}  // namespace
}  // namespace strata
