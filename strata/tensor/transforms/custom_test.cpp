#include "strata/tensor/transforms/custom.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "strata/base/error/message_of.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/checkpoint.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/tensor/transforms/vmap.h"

namespace strata {
namespace {

using base::message_of;

Tensor f64(double v) { return Tensor::scalar(v, DType::f64); }

/// x^2 y, whose backward function says ten times the truth, so that it can be told from the body's own derivative.
auto tenfold() {
  return custom_vjp([](const Tensor& x, const Tensor& y) { return x * x * y; },
                    [](const Tensor& x, const Tensor& y) { return std::pair(x * x * y, std::pair(x, y)); },
                    [](const std::pair<Tensor, Tensor>& kept, const Tensor& ct) {
                      const auto& [x, y] = kept;
                      return std::pair(x * y * ct * 20, x * x * ct * 10);
                    });
}

TEST(CustomVjp, ReverseModeIsTheGivenFunction) {
  const auto f = tenfold();
  EXPECT_EQ(f(f64(3), f64(2)).item(), 18);
  EXPECT_EQ(grad([&](const Tensor& x) { return f(x, f64(2)); }, f64(3)).item(), 120);
  EXPECT_EQ(grad([&](const Tensor& y) { return f(f64(3), y * y); }, f64(2)).item(), 360);
  EXPECT_EQ(jit([&](Tensor x) { return grad([&](const Tensor& x) { return f(x, f64(2)); }, x); })(f64(3)).item(), 120);
}

TEST(CustomVjp, ForwardModeIsThatOfTheBody) {
  const auto f = tenfold();
  EXPECT_EQ(jvp([&](const Tensor& x) { return f(x, f64(2)); }, f64(3), f64(1)).second.item(), 12);
  auto twice = [&](const Tensor& x) { return jvp([&](const Tensor& x) { return f(x, f64(2)); }, x, f64(1)).second; };
  EXPECT_EQ(jvp(twice, f64(3), f64(1)).second.item(), 4);
}

TEST(CustomVjp, TheGivenFunctionIsDifferentiatedAgain) {
  const auto f = tenfold();
  auto first = [&](const Tensor& x) { return grad([&](const Tensor& x) { return f(x, f64(2)); }, x); };
  EXPECT_EQ(grad(first, f64(3)).item(), 40);  // d/dx of 20 x y
}

/// x^2 whose forward function wants x below 10, and whose backward function a positive x, and a cotangent below 100.
auto checked_square() {
  return custom_vjp([](const Tensor& x) { return x * x; },
                    [](const Tensor& x) {
                      check(x < 10, "forward: x is below 10");
                      return std::pair(x * x, x);
                    },
                    [](const Tensor& x, const Tensor& ct) {
                      check(x > 0, "backward: x is positive");
                      check(ct < 100, "backward: the cotangent is below 100");
                      return 2 * x * ct;
                    });
}

/// Programs around the function, each of which gives its gradient at x, times `scale`.
std::vector<std::pair<std::string, std::function<Tensor(const Tensor&, double)>>> gradients_around_checks() {
  const auto f = checked_square();
  auto plain = [f](const Tensor& x, double scale) { return grad([&](const Tensor& x) { return f(x) * scale; }, x); };
  return {{"eager", plain},
          {"jit", [=](const Tensor& x, double scale) { return jit([&](Tensor x) { return plain(x, scale); })(x); }},
          {"cond",
           [=](const Tensor& x, double scale) {
             return grad(
                 [&](const Tensor& x) {
                   return cond(
                       x < 1e6, [&](const Tensor& x) { return f(x) * scale; }, [](const Tensor& x) { return x; }, x);
                 },
                 x);
           }},
          {"scan",
           [=](const Tensor& x, double scale) {
             return grad(
                 [&](const Tensor& x) {
                   return scan([&](const Tensor& sum, const Tensor& one) { return std::pair(sum + f(x) * one, sum); },
                               f64(0), Tensor::from({scale / 2, scale / 2}))
                       .first;
                 },
                 x);
           }},
          {"checkpoint",
           [=](const Tensor& x, double scale) {
             return grad([&](const Tensor& x) { return checkpoint([&](const Tensor& x) { return f(x) * scale; })(x); },
                         x);
           }},
          {"vmap", [=](const Tensor& x, double scale) {
             return vmap([&](const Tensor& x) { return plain(x, scale); })(reshape(x, {1}));
           }}};
}

TEST(CustomVjp, ChecksOfTheGivenFunctionsRun) {
  for (const auto& [name, gradient] : gradients_around_checks()) {
    SCOPED_TRACE(name);
    const auto text = [&](double x, double scale) { return message_of([&] { gradient(f64(x), scale).evaluate(); }); };
    EXPECT_EQ(gradient(f64(3), 2).data<double>()[0], 12);
    EXPECT_NE(text(-3, 2).find("error[E0136]"), std::string::npos) << text(-3, 2);
    EXPECT_NE(text(-3, 2).find("backward: x is positive"), std::string::npos) << text(-3, 2);
    EXPECT_NE(text(30, 2).find("forward: x is below 10"), std::string::npos) << text(30, 2);
    EXPECT_NE(text(3, 1000).find("backward: the cotangent is below 100"), std::string::npos) << text(3, 1000);
  }
  EXPECT_EQ(checked_square()(f64(-30)).item(), 900) << "the function itself checks nothing";
}

TEST(CustomJvp, ChecksOfTheGivenRuleRunWhereTheyHaveAValue) {
  const auto f = custom_jvp([](const Tensor& x) { return x * x; },
                            [](const Tensor& x, const Tensor& t) {
                              check(x > 0, "rule: x is positive");
                              check(t < 100, "rule: the tangent is below 100");
                              return 2 * x * t;
                            });
  auto forward = [&](double x, double t) { return jvp(f, f64(x), f64(t)).second.item(); };
  EXPECT_EQ(forward(3, 2), 12);
  EXPECT_NE(message_of([&] { forward(-3, 2); }).find("rule: x is positive"), std::string::npos);
  EXPECT_NE(message_of([&] { forward(3, 200); }).find("rule: the tangent is below 100"), std::string::npos);
  EXPECT_EQ(grad(f, f64(3)).item(), 6) << "a cotangent is no tangent";
  EXPECT_NE(message_of([&] { grad(f, f64(-3)).item(); }).find("rule: x is positive"), std::string::npos);
}

TEST(CustomVjp, Batches) {
  const auto f = tenfold();
  const Tensor xs = Tensor::from({1.0, 2.0, 3.0});
  const Tensor g = vmap([&](const Tensor& x) { return grad([&](const Tensor& x) { return f(x, f64(2)); }, x); })(xs);
  EXPECT_EQ(g.data<double>()[2], 120);
  const Tensor h =
      grad([&](const Tensor& xs) { return sum(vmap([&](const Tensor& x) { return f(x, f64(2)); })(xs)); }, xs);
  EXPECT_EQ(h.data<double>()[1], 80);
}

TEST(CustomVjp, ADifferentiatedCaptureIsAnError) {
  try {
    grad(
        [](const Tensor& w) {
          return custom_vjp([&](const Tensor& x) { return x * w; },
                            [&](const Tensor& x) { return std::pair(x * w, std::tuple<>()); },
                            [](const std::tuple<>&, const Tensor& ct) { return ct; })(f64(2));
        },
        f64(3));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0204");
  }
}

TEST(CustomVjp, ACotangentOfTheWrongShapeIsAnError) {
  const auto f = custom_vjp([](const Tensor& x) { return x; }, [](const Tensor& x) { return std::pair(x, x); },
                            [](const Tensor&, const Tensor& ct) { return sum(ct); });
  EXPECT_THROW(f(Tensor::from({1.0, 2.0})), base::Error);
}

TEST(CustomJvp, BothModesFollowTheRule) {
  const auto f = custom_jvp([](const Tensor& x) { return sin(x); },
                            [](const Tensor& x, const Tensor& t) { return cos(x) * t * 10; });
  EXPECT_NEAR(jvp(f, f64(0), f64(1)).second.item(), 10, 1e-12);
  EXPECT_NEAR(grad(f, f64(0)).item(), 10, 1e-12);
  EXPECT_NEAR(grad([&](const Tensor& x) { return sum(vmap(f)(x)); }, Tensor::from({0.0, 0.0})).data<double>()[1], 10,
              1e-12);
}

struct Blocks {
  std::vector<Tensor> w;
  STRATA_FIELDS(w)
};

Tensor block(const Tensor& x, const Tensor& w) {
  Tensor y = x;
  for (int i = 0; i < 4; ++i) y = tanh(matmul(y, w));
  return y + x;
}

Blocks some_blocks() {
  Blocks m;
  for (int i = 0; i < 6; ++i) {
    std::vector<float> data(64);
    for (int k = 0; k < 64; ++k) data[k] = 0.1f * static_cast<float>((k * 7 + i) % 11 - 5);
    m.w.push_back(Tensor::from(std::span<const float>(data), {8, 8}));
  }
  return m;
}

template <bool is_checkpointed>
auto training_step() {
  return jit([](Blocks m, Tensor x) {
    return grad(
        [&](const Blocks& m) {
          Tensor y = x;
          for (const Tensor& w : m.w) {
            if (is_checkpointed)
              y = checkpoint([&](const Tensor& y) { return block(y, w); })(y);
            else
              y = block(y, w);
          }
          return sum(y * y);
        },
        m);
  });
}

TEST(Checkpoint, GivesTheSameBitsInLessMemory) {
  const Tensor x = Tensor::full({64, 8}, 0.25);
  auto plain = training_step<false>();
  auto saving = training_step<true>();
  const Blocks m = some_blocks(), a = plain(m, x), b = saving(m, x);
  for (size_t i = 0; i < a.w.size(); ++i) EXPECT_TRUE(a.w[i].array().same_bits(b.w[i].array())) << i;
  auto peak = [](const auto& step) {
    std::vector<std::vector<int64_t>> shapes(6, {8, 8});
    shapes.push_back({64, 8});
    return step.executable()->memory_use(shapes).arena_bytes;
  };
  EXPECT_LT(peak(saving), peak(plain) * 2 / 3) << peak(saving) << " bytes for " << peak(plain);
}

TEST(Checkpoint, HasSecondDerivativesAndBatches) {
  auto f = [](const Tensor& x) { return sum(sin(x) * x); };
  const auto g = checkpoint(f);
  const Tensor x = Tensor::from({0.5, -1.0}), v = Tensor::from({1.0, 2.0});
  const Tensor a = hvp(f, x, v), b = hvp(g, x, v);
  const Tensor c =
      vmap([&](const Tensor& x) { return grad([&](const Tensor& x) { return g(reshape(x, {1})); }, x); })(x);
  const Tensor d = grad(f, x);
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(a.data<double>()[i], b.data<double>()[i], 1e-12);
    EXPECT_NEAR(c.data<double>()[i], d.data<double>()[i], 1e-12);
  }
}

TEST(Jit, InsideADerivativeItIsPartOfTheProgram) {
  auto f = jit([](Tensor x) { return x * x * x; });
  EXPECT_DOUBLE_EQ(grad([&](const Tensor& x) { return f(x); }, f64(2)).item(), 12);
  EXPECT_DOUBLE_EQ(jit([&](Tensor x) { return f(x) + f(x); })(f64(2)).item(), 16);
}

TEST(Jit, BranchingOnADimensionRecordsAGuard) {
  auto f = jit([](Tensor x) { return x.size(0) > 2 ? sum(x) : sum(x) * 100; });
  EXPECT_FLOAT_EQ(f(Tensor::from({1.f, 2.f, 3.f})).item(), 6);
  EXPECT_FLOAT_EQ(f(Tensor::from({1.f, 2.f})).item(), 300);
  EXPECT_EQ(f.recordings(), 2);
  EXPECT_FLOAT_EQ(f(Tensor::from({2.f, 2.f, 3.f})).item(), 7);
  EXPECT_FLOAT_EQ(f(Tensor::from({1.f, 1.f})).item(), 200);
  EXPECT_EQ(f.recordings(), 2);
}

}  // namespace
}  // namespace strata
