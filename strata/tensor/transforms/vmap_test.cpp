#include "strata/tensor/transforms/vmap.h"

#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

struct Linear {
  Tensor w, b;
  STRATA_FIELDS(w, b)
  Tensor operator()(const Tensor& x) const { return sum(w * x) + b; }
};

Tensor matrix(std::vector<int64_t> shape, double first = 0) {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  std::vector<double> data;
  for (int64_t i = 0; i < n; ++i) data.push_back(first + 0.5 * static_cast<double>(i));
  return Tensor::from(std::span<const double>(data), shape);
}

double at(const Tensor& t, int64_t i) { return t.array().get(i); }

TEST(Vmap, AFunctionOfVectorsRunsOverTheRowsOfAMatrix) {
  const Tensor x = matrix({3, 4});
  const Tensor y = vmap([](const Tensor& v) { return sum(v * v); })(x);
  ASSERT_EQ(y.shape(), (Shape{3}));
  for (int64_t r = 0; r < 3; ++r) {
    double expected = 0;
    for (int64_t c = 0; c < 4; ++c) expected += at(x, r * 4 + c) * at(x, r * 4 + c);
    EXPECT_DOUBLE_EQ(at(y, r), expected);
  }
}

TEST(Vmap, TakesTheBatchFromAnyAxis) {
  const Tensor x = matrix({3, 4});
  const Tensor y = vmap([](const Tensor& v) { return sum(v); }, {1})(x);
  ASSERT_EQ(y.shape(), (Shape{4}));
  EXPECT_DOUBLE_EQ(at(y, 1), at(x, 1) + at(x, 5) + at(x, 9));
  const Tensor z = vmap([](const Tensor& v) { return sum(v); }, {-1})(x);
  EXPECT_TRUE(z.array().same_bits(y.array()));
}

TEST(Vmap, GivesTheGradientOfEachSample) {
  const Linear m{matrix({4}), Tensor::scalar(0.5, DType::f64)};
  const Tensor x = matrix({3, 4}, 1);
  const Linear g = vmap([&](const Tensor& v) { return grad([&](const Linear& m) { return m(v) * m(v); }, m); })(x);
  ASSERT_EQ(g.w.shape(), (Shape{3, 4}));
  ASSERT_EQ(g.b.shape(), (Shape{3}));
  for (int64_t r = 0; r < 3; ++r) {
    double y = 0.5;
    for (int64_t c = 0; c < 4; ++c) y += at(m.w, c) * at(x, r * 4 + c);
    EXPECT_NEAR(at(g.b, r), 2 * y, 1e-12);
    for (int64_t c = 0; c < 4; ++c) EXPECT_NEAR(at(g.w, r * 4 + c), 2 * y * at(x, r * 4 + c), 1e-12);
  }
}

TEST(Vmap, RunsAnEnsembleOnOneInput) {
  const Linear many{matrix({2, 4}), matrix({2})};
  const Tensor x = matrix({4}, 1);
  const Tensor y = vmap([](const Linear& m, const Tensor& x) { return m(x); }, {0, kUnbatched})(many, x);
  ASSERT_EQ(y.shape(), (Shape{2}));
  double expected = at(many.b, 1);
  for (int64_t c = 0; c < 4; ++c) expected += at(many.w, 4 + c) * at(x, c);
  EXPECT_DOUBLE_EQ(at(y, 1), expected);
}

TEST(Vmap, IsDifferentiable) {
  const Tensor x = matrix({3, 2}, 1);
  const Tensor g =
      grad([](const Tensor& x) { return sum(vmap([](const Tensor& v) { return sum(v) * sum(v * v); })(x)); }, x);
  for (int64_t r = 0; r < 3; ++r) {
    const double a = at(x, 2 * r), b = at(x, 2 * r + 1);
    EXPECT_NEAR(at(g, 2 * r), a * a + b * b + (a + b) * 2 * a, 1e-12);
  }
}

TEST(Vmap, NestsAndRunsInsideJitWithASymbolicBatch) {
  auto outer = jit([](Tensor x, Tensor y) {
    return vmap([&](const Tensor& row) { return vmap([&](const Tensor& column) { return sum(row * column); })(y); })(x);
  });
  const Tensor x = matrix({3, 2}), y = matrix({4, 2}, 1);
  const Tensor product = outer(x, y);
  ASSERT_EQ(product.shape(), (Shape{3, 4}));
  EXPECT_DOUBLE_EQ(at(product, 1 * 4 + 2), at(x, 2) * at(y, 4) + at(x, 3) * at(y, 5));
  EXPECT_EQ(outer(matrix({5, 2}), y).shape(), (Shape{5, 4}));
  EXPECT_EQ(outer.recordings(), 1);
}

TEST(Vmap, BroadcastsResultsThatDoNotDependOnTheBatch) {
  const Tensor c = Tensor::scalar(7);
  const Tensor y = vmap([&](const Tensor&) { return c * 2; })(matrix({3}));
  ASSERT_EQ(y.shape(), (Shape{3}));
  EXPECT_EQ(at(y, 2), 14);
}

TEST(Vmap, SyncModeAgrees) {
  const FlushScope one_by_one(FlushPolicy::Sync);
  const auto [a, b] = vmap([](const Tensor& v) { return std::pair(sum(v), v * 2); })(matrix({3, 2}));
  EXPECT_DOUBLE_EQ(at(a, 1), 2.5);
  EXPECT_DOUBLE_EQ(at(b, 5), 5);
}

TEST(Vmap, DifferentBatchExtentsAreAnErrorThatNamesBoth) {
  auto f = vmap([](const Tensor& a, const Tensor& b) { return a + b; });
  try {
    f(matrix({3}), matrix({4}));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0530");
    EXPECT_NE(e.text().find("3 and 4"), std::string::npos) << e.text();
  }
  EXPECT_THROW(vmap([](const Tensor& a) { return a; }, {kUnbatched})(matrix({3})), base::Error);
}

}  // namespace
}  // namespace strata
