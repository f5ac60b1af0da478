// einsum against NumPy's on whole numbers, its derivatives, batches and messages.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/tensor/transforms/vmap.h"

namespace strata {
namespace {

using base::message_of;

struct Case {
  const char* formula;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<int64_t> result_shape;
  std::vector<double> result;
};
const std::vector<Case>& cases() {
  static const std::vector<Case> list{
#include "strata/tensor/functions/einsum_cases.inc"
  };
  return list;
}

std::vector<Tensor> operands_of(const Case& c, DType dtype = DType::f64) {
  std::vector<Tensor> operands;
  for (int64_t k = 0; k < std::ssize(c.shapes); ++k) {
    HostArray array(dtype, c.shapes[k]);
    for (int64_t i = 0; i < array.elements(); ++i) array.set(i, (7 * i + 3 * k) % 11 - 5);
    operands.emplace_back(std::move(array));
  }
  return operands;
}

void expect_result(const Case& c, const Tensor& y) {
  ASSERT_EQ(y.array().shape(), c.result_shape) << c.formula;
  for (size_t i = 0; i < c.result.size(); ++i) ASSERT_EQ(y.array().get(i), c.result[i]) << c.formula << " at " << i;
}

TEST(Einsum, IsNumPys) {
  for (const Case& c : cases())
    for (DType t : {DType::f64, DType::i32}) expect_result(c, einsum(c.formula, operands_of(c, t)));
}

TEST(Einsum, IsNumPysUnderJitWithASymbolicAxis) {
  for (const char* formula : {"ij,jk,kl->il", "bii->bi", "...ij,...jk->...ik", "ij,ij,j->i"})
    for (const Case& c : cases()) {
      if (std::string(c.formula) != formula) continue;
      auto f = jit([&](const std::vector<Tensor>& x) { return einsum(formula, x); });
      expect_result(c, f(operands_of(c)));
    }
}

/// The gradient of sum(einsum^2) against differences: whole numbers, so that these are exact.
TEST(Einsum, HasTheGradientOfEachOperand) {
  for (const Case& c : cases()) {
    const std::vector<Tensor> x = operands_of(c);
    auto loss = [&](const std::vector<Tensor>& v) { return sum(square(einsum(c.formula, v))); };
    const std::vector<Tensor> g = grad(loss, x);
    for (size_t k = 0; k < x.size(); ++k) {
      if (x[k].array().elements() == 0) continue;
      std::vector<Tensor> up = x, down = x;
      const Tensor flat = reshape(x[k], {x[k].array().elements()});
      const Tensor step = cast(eq(Tensor::arange(flat.size(0)), flat.size(0) - 1), DType::f64);
      up[k] = reshape(flat + step, x[k].shape());
      down[k] = reshape(flat - step, x[k].shape());
      EXPECT_EQ(g[k].array().get(flat.size(0) - 1), (loss(up) - loss(down)).item() / 2) << c.formula << " " << k;
    }
  }
}

TEST(Einsum, RunsUnderVmap) {
  const Tensor x = normal(Key(1), {3, 4, 4}, 0, 1, DType::f64), y = normal(Key(2), {4, 5}, 0, 1, DType::f64);
  const Tensor each =
      vmap([&](const Tensor& m) { return einsum<Tensor>("ii,ij,jk->k", {m, y, Tensor::ones({5, 2}, DType::f64)}); })(x);
  for (int64_t b = 0; b < 3; ++b) {
    const Tensor one = einsum<Tensor>("ii,ij,jk->k", {x[b], y, Tensor::ones({5, 2}, DType::f64)}), row = each[b];
    for (int64_t k = 0; k < 2; ++k) EXPECT_NEAR(row.array().get(k), one.array().get(k), 1e-12);
  }
}

TEST(Einsum, ContractsInTheCheapOrder) {
  // From the left: 1000 x 1000 x 1000 multiplications and more; from the right 3 million.
  const Tensor m = Tensor::ones({1000, 1000}), v = Tensor::ones({1000, 1});
  auto f = jit([](const Tensor& a, const Tensor& b) { return einsum<Tensor>("ij,jk,kl,lm->im", {a, a, a, b}); },
               {.is_batch_symbolic = false});
  EXPECT_EQ(f(m, v).array().get(0), 1e9f);
}

TEST(Einsum, HalfFloatsOfThreeOperandsRoundOnce) {
  const Tensor x = Tensor::full({4}, 300, DType::f16), y = Tensor::full({4}, 1.0 / 512, DType::f16);
  EXPECT_EQ(einsum<Tensor>("i,i,i->i", {x, x, y}).array().get(0), 175.75) << "300 x 300 is no f16";
}

TEST(Einsum, SaysWhatIsWrong) {
  const Tensor a = Tensor::ones({2, 3}), b = Tensor::ones({4, 5});
  auto text = [&](const char* formula, const std::vector<Tensor>& x) {
    return message_of([&] { einsum(formula, x); });
  };
  const std::string here = "\nnote: recorded at einsum_test.cpp";
  EXPECT_EQ(text("ij,jk->ik", {a, b}), "error[E0102]: einsum: index 'j' is 3 in operand 0 and 4 in operand 1" + here);
  EXPECT_EQ(text("ii->i", {a}), "error[E0102]: einsum: index 'i' is 2 on axis 0 and 3 on axis 1 of f32[2,3]" + here);
  EXPECT_EQ(text("ijk->i", {a}), "error[E0102]: einsum: \"ijk\" names 3 axes, the operand is f32[2,3]" + here);
  EXPECT_EQ(text("i->i", {a}), "error[E0102]: einsum: \"i\" names 1 axes, the operand is f32[2,3]" + here);
  EXPECT_EQ(text("ij->iz", {a}),
            "error[E0116]: einsum: index 'z' of the result stands in no operand of \"ij->iz\"" + here);
  EXPECT_EQ(text("ij->ii", {a}), "error[E0116]: einsum: index 'i' stands twice in the result of \"ij->ii\"" + here);
  EXPECT_EQ(text("ij,jk->ik", {a}), "error[E0116]: einsum: \"ij,jk->ik\" describes 2 operands, 1 are given" + here);
  EXPECT_EQ(text("i?->i", {a}), "error[E0116]: einsum: '?' at 1 of \"i?->i\" is no index" + here);
  EXPECT_EQ(text("...j->j", {a}),
            "error[E0116]: einsum: the result of \"...j->j\" lacks the ... that stands for axes of an operand" + here);
  EXPECT_EQ(text("...i,...i->...i", {a, Tensor::ones({4, 3})}),
            "error[E0102]: einsum: axis -1 of ... is 2 in operand 0 and 4 in operand 1" + here);
}

}  // namespace
}  // namespace strata
