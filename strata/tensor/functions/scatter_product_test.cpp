// Derivatives of a multiplying scatter with respect to its updates, where positions repeat and updates are zero.
#include <gtest/gtest.h>

#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/tensor/transforms/vmap.h"

namespace strata {
namespace {

std::vector<double> values(const Tensor& x) {
  std::vector<double> list;
  for (int64_t i = 0; i < x.array().elements(); ++i) list.push_back(x.array().get(i));
  return list;
}

Tensor f64(std::initializer_list<double> list) { return Tensor::from(list); }

TEST(ScatterProduct, AnUpdatesDerivativeIsTheProductOfTheOthers) {
  const Tensor x = f64({2, 3, 5}), ids = Tensor::from({1, 0, 1, 1});
  auto loss = [&](const Tensor& u) { return sum(x.at(ids).multiply(u) * f64({1, 10, 100})); };
  EXPECT_EQ(values(grad(loss, f64({7, 11, 13, 17}))), (std::vector<double>{30 * 13 * 17, 2, 30 * 7 * 17, 30 * 7 * 13}));
  EXPECT_EQ(values(grad(loss, f64({0, 11, 13, 17}))), (std::vector<double>{30 * 13 * 17, 2, 0, 0})) << "one zero";
  EXPECT_EQ(values(grad(loss, f64({0, 0, 13, 0}))), (std::vector<double>{0, 2, 0, 0})) << "two zeros at one position";
}

TEST(ScatterProduct, HasSecondDerivativesAtZerosToo) {
  const Tensor x = f64({2, 3}), ids = Tensor::from({1, 1, 1});
  // 3 a b c: the derivative of d/da in b is 3 c.
  auto of_first = [&](const Tensor& u) {
    return sum(grad([&](const Tensor& v) { return sum(x.at(ids).multiply(v)); }, u) * f64({1, 0, 0}));
  };
  EXPECT_EQ(values(grad(of_first, f64({0, 0, 7}))), (std::vector<double>{0, 21, 0}));
}

TEST(ScatterProduct, RowsAndDroppedUpdatesAndEveryMode) {
  const Tensor x = normal(Key(1), {3, 2}, 0, 1, DType::f64), u = normal(Key(2), {4, 2}, 0, 1, DType::f64);
  const Tensor ids = Tensor::from({2, 5, -1, 2}), inside = Tensor::from({2, 0, 1, 2});
  const Tensor weights = normal(Key(3), {3, 2}, 0, 1, DType::f64);
  for (ops::OutOfRange mode : {ops::OutOfRange::Fill, ops::OutOfRange::Clamp, ops::OutOfRange::Check}) {
    const Tensor at = mode == ops::OutOfRange::Check ? inside : ids;
    auto loss = [&](const Tensor& v) { return sum(index_update(x, 0, at, v, ops::Combine::Mul, mode) * weights); };
    const Tensor g = grad(loss, u);
    for (int64_t i = 0; i < 4; ++i)
      for (int64_t k = 0; k < 2; ++k) {
        Tensor up = u, down = u;
        up.at({i, k}) += 1e-5;
        down.at({i, k}) += -1e-5;
        EXPECT_NEAR(g.array().get(i * 2 + k), (loss(up) - loss(down)).item() / 2e-5, 1e-8);
      }
  }
}

TEST(ScatterProduct, HasItsGradientUnderVmapAndOfNoUpdates) {
  const Tensor x = Tensor::full({2, 3}, 2, DType::f64), u = f64({3, 5}), ids = Tensor::from({1, 1});
  auto each =
      vmap([&](const Tensor& row) { return grad([&](const Tensor& v) { return sum(row.at(ids).multiply(v)); }, u); });
  EXPECT_EQ(values(each(x)), (std::vector<double>{10, 6, 10, 6}));
  const Tensor none = Tensor::zeros({0}, DType::f64), nowhere = Tensor::zeros({0}, DType::i64);
  EXPECT_EQ(grad([&](const Tensor& v) { return sum(f64({1, 2}).at(nowhere).multiply(v)); }, none).shape(), Shape({0}));
}

}  // namespace
}  // namespace strata
