// Gradients through loops within budgets of memory: what users write gives the same bits for less memory.
#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/models/lstm.h"
#include "strata/nn/loss.h"
#include "strata/nn/recurrent.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

using Tensors = std::vector<Tensor>;

/// What the program takes for arguments of these shapes.
int64_t bytes_of(const runtime::Executable& program, const Tensors& arguments) {
  std::vector<std::vector<int64_t>> shapes;
  for (const Tensor& t : arguments) shapes.push_back(t.array().shape());
  return compiler::memory_peak(program, shapes).bytes;
}

/// The gradients of f for its arguments, at budgets from that of the plan without one down to 15 %: the same bits, and
/// never more bytes. Returns the least that was kept, and what the plan without a budget takes.
std::pair<int64_t, int64_t> walk_budgets(Tensor (*f)(const Tensors&), const Tensors& arguments) {
  const auto gradients = [f](const Tensors& a) { return grad(f, a); };
  auto free = jit(gradients);
  const Tensors expected = free(arguments);
  const int64_t most = bytes_of(*free.executable(), arguments);
  int64_t least = most;
  for (int percent = 100; percent >= 15; percent -= 17) {
    SCOPED_TRACE(percent);
    auto small = jit(gradients, {.memory_budget_bytes = most * percent / 100});
    try {
      const Tensors found = small(arguments);
      for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(found[i].array().same_bits(expected[i].array())) << i;
      const int64_t bytes = bytes_of(*small.executable(), arguments);
      EXPECT_LE(bytes, most * percent / 100);
      EXPECT_LE(bytes, least);
      least = bytes;
    } catch (const base::Error& e) {
      EXPECT_EQ(e.code(), "E0314") << e.text();
    }
  }
  return {least, most};
}

Tensor random(uint64_t seed, const Shape& shape) { return (normal(Key(seed), shape) * 0.3).evaluate(); }

TEST(LoopBudgets, OfAnLstmOver100Steps) {
  const auto loss = [](const Tensors& a) {
    nn::Lstm model{16, 16};
    auto& cell = model.cells[0];
    cell.weight_ih = a[2], cell.weight_hh = a[3], cell.bias_ih = a[4], cell.bias_hh = a[5];
    return nn::mse(model(a[0]).y_BTH, a[1]);
  };
  const auto [least, most] = walk_budgets(loss, {random(1, {4, 100, 16}), random(2, {4, 100, 16}), random(3, {64, 16}),
                                                 random(4, {64, 16}), random(5, {64}), random(6, {64})});
  EXPECT_LT(least, most * 8 / 10);
}

/// Layers of attention and a block of two products, from stacked weights.
Tensor transformer(const Tensors& a) {
  const auto layer = [](const Tensor& x, const Tensors& w) {
    const Tensor scores = softmax(matmul(matmul(x, w[0]), swap_axes(x, 0, 1)), -1);
    const Tensor mixed = x + matmul(scores, x);
    return std::pair(mixed + matmul(tanh(matmul(mixed, w[1])), w[2]), Tensors());
  };
  return sum(square(scan(layer, a[0], Tensors{a[1], a[2], a[3]}).first));
}

TEST(LoopBudgets, OfATransformerOverItsLayers) {
  const auto [least, most] = walk_budgets(
      transformer, {random(1, {32, 16}), random(2, {12, 16, 16}), random(3, {12, 16, 64}), random(4, {12, 64, 16})});
  EXPECT_LT(least, most * 7 / 10);
}

/// It grows until it is large: nobody knows when.
Tensor taped(const Tensors& a) {
  const auto is_small = [](const Tensor& y) { return sum(square(y)) < 100; };
  const Tensor grown = while_loop(is_small, [&](const Tensor& y) { return y + y * 0.5 + tanh(matmul(y, a[0])); }, a[1]);
  return sum(square(grown));
}

Tensor branches(const Tensors& a) {
  const auto layers = [](const Tensor& x, const Tensor& w) {
    Tensor y = x;
    for (int i = 0; i < 6; ++i) y = tanh(matmul(y, w));
    return y;
  };
  const auto otherwise = [](const Tensor& x, const Tensor&) { return x * 2; };
  return sum(square(cond(sum(a[1]) > -1e6, layers, otherwise, a[1], a[0])));
}

TEST(LoopBudgets, OfALoopWithATapeAndOfACondition) {
  walk_budgets(taped, {random(1, {16, 16}), random(2, {24, 16})});
  walk_budgets(branches, {random(1, {16, 16}), random(2, {200, 16})});
}

}  // namespace
}  // namespace strata
