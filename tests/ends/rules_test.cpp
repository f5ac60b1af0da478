// The optimisers' rules at their ends: the first update from a state of zeros, in f32 against golden numbers and in
// half floats against the f32 update; and a zero gradient, which leaves a half float where it is.
#include <gtest/gtest.h>

#include <cmath>

#include "strata/optim/rules.h"
#include "tests/ends/golden_lines.h"

namespace strata::ends {
namespace {

using ir::DType;

struct Model {
  Tensor w;
  STRATA_FIELDS(w)
};

struct Updated {
  Tensor w;
  bool is_committed;
};
template <class Options>
Updated updated(const Options& options, DType t, const std::vector<double>& w, const std::vector<double>& g) {
  Model model{Tensor(array_of(t, w))}, grads{Tensor(array_of(t, g))};
  auto optimiser = options.start(model);
  const bool is_committed = optimiser.update(model, grads).item() != 0;
  return {model.w, is_committed};
}

template <class Options>
void expect_golden(const std::string& name, const Options& options) {
  const auto lines = golden_lines("rules", name);
  ASSERT_FALSE(lines.empty());
  std::vector<double> w, g;
  for (const GoldenLine& line : lines) w.push_back(line.numbers[0]), g.push_back(line.numbers[1]);
  const Updated f32 = updated(options, DType::f32, w, g);
  for (size_t i = 0; i < lines.size(); ++i) {
    const double found = f32.w.array().get(i), exact = lines[i].numbers[2];
    EXPECT_TRUE(is_near(exact, found, 4, std::max(std::fabs(w[i]), std::fabs(exact - w[i]))))
        << name << "(" << w[i] << ", " << g[i] << ") is " << found << ", exactly " << exact;
  }
  for (DType t : {DType::f16, DType::bf16}) {
    std::vector<double> half_w, half_g;
    for (size_t i = 0; i < w.size(); ++i)
      if (std::isfinite(rounded(t, g[i]))) half_w.push_back(rounded(t, w[i])), half_g.push_back(rounded(t, g[i]));
    const Updated half = updated(options, t, half_w, half_g), wide = updated(options, DType::f32, half_w, half_g);
    EXPECT_TRUE(half.is_committed);
    for (size_t i = 0; i < half_w.size(); ++i) {
      const int64_t at = i;
      EXPECT_TRUE(is_rounding_of(t, wide.w.array().get(at), half.w.array().get(at), 0))
          << name << " in " << ir::dtype_name(t) << " (" << half_w[i] << ", " << half_g[i] << ") is "
          << half.w.array().get(at) << " from " << wide.w.array().get(at);
    }
  }
}

TEST(Rules, FirstUpdatesAreTheGoldenOnes) {
  expect_golden("sgd", optim::Sgd{.lr = 0.01});
  expect_golden("adam", optim::Adam{.lr = 0.01});
  expect_golden("adamw", optim::AdamW{.lr = 0.01});
  expect_golden("adagrad", optim::Adagrad{.lr = 0.01});
  expect_golden("rmsprop", optim::RmsProp{.lr = 0.01});
  expect_golden("rmsprop_centred", optim::RmsProp{.lr = 0.01, .is_centred = true});
}

/// Gradients of 1e-4 whose squares f16 does not hold, then none: the moments decay, and no step is larger than the
/// rate.
TEST(Rules, HalfFloatsWalkAsF32Does) {
  for (DType t : {DType::f16, DType::bf16}) {
    Model half{Tensor(array_of(t, {1, 0.5}))}, wide{Tensor(array_of(DType::f32, {1, 0.5}))};
    auto half_adam = optim::AdamW{.lr = 0.01}.start(half), wide_adam = optim::AdamW{.lr = 0.01}.start(wide);
    for (int i = 0; i < 60; ++i) {
      const double g = i < 30 ? rounded(DType::bf16, rounded(DType::f16, 1e-4)) : 0;
      half_adam.update(half, {Tensor(array_of(t, {g, -g}))});
      wide_adam.update(wide, {Tensor(array_of(DType::f32, {g, -g}))});
    }
    for (int64_t i = 0; i < 2; ++i)
      EXPECT_NEAR(half.w.array().get(i), wide.w.array().get(i), 60 * (t == DType::f16 ? 0x1p-12 : 0x1p-9));
  }
}

/// The same gradient again and again: the mean of squares less the square of the mean is 0 but for rounding.
TEST(Rules, CentredRmsPropStaysFiniteWhereGradientsAreEqual) {
  Model model{Tensor(array_of(DType::f32, {1, 1, 1}))}, grads{Tensor(array_of(DType::f32, {0.1, 3.3, 1e-3}))};
  auto optimiser = optim::RmsProp{.lr = 1e-4, .alpha = 0.1, .is_centred = true}.start(model);
  for (int i = 0; i < 40; ++i) optimiser.update(model, grads);
  for (int64_t i = 0; i < 3; ++i) EXPECT_TRUE(std::isfinite(model.w.array().get(i))) << i;
}

}  // namespace
}  // namespace strata::ends
