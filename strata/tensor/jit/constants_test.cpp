// Arguments of jitted functions that stay the same: JitOptions::constants.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/execute/executable.h"
#include "strata/runtime/execute/prepared.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"

namespace strata {
namespace {

using base::message_of;

struct Layer {
  Tensor weight = uniform(Key(1), {96, 24}, -1, 1), bias = uniform(Key(2), {96}, -1, 1);
  STRATA_FIELDS(weight, bias)
};

Tensor apply(const Layer& layer, const Tensor& x) {
  return tanh(matmul(x, transpose(layer.weight, {1, 0})) + layer.bias);
}

Layer evaluated() {
  Layer layer;
  layer.weight.evaluate();
  layer.bias.evaluate();
  return layer;
}

TEST(JitConstants, GiveWhatOtherArgumentsGive) {
  const Layer layer = evaluated();
  auto plain = jit([](const Layer& l, Tensor x) { return apply(l, x); });
  auto serving = jit([](const Layer& l, Tensor x) { return apply(l, x); }, {.constants = {0}});
  for (int64_t rows : {1, 3, 20}) {
    const Tensor x = uniform(Key(3), {rows, 24}, -1, 1).evaluate();
    EXPECT_TRUE(serving(layer, x).array().same_bits(plain(layer, x).array())) << rows;
  }
  EXPECT_EQ(serving.recordings(), 1);
  EXPECT_FALSE(serving.executable()->plan().prologue.empty());
  EXPECT_TRUE(plain.executable()->plan().prologue.empty());
  EXPECT_GT(runtime::prepared_bytes(layer.weight.array()), 0);
}

TEST(JitConstants, AreMadeAgainAfterAnotherFunctionHasChangedThem) {
  Layer layer = evaluated();
  const Tensor x = uniform(Key(3), {4, 24}, -1, 1).evaluate();
  auto plain = jit([](const Layer& l, Tensor x) { return apply(l, x); });
  auto serving = jit([](const Layer& l, Tensor x) { return apply(l, x); }, {.constants = {0}});
  auto step = jit([](Layer& l) {
    l.weight = l.weight * 0.5;
    return 0;
  });
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(serving(layer, x).array().same_bits(plain(layer, x).array())) << i;
    step(layer);
  }
}

TEST(JitConstants, ThatTheFunctionRebindsAreNone) {
  Layer layer = evaluated();
  const Tensor x = uniform(Key(3), {4, 24}, -1, 1).evaluate();
  auto step = jit(
      [](Layer& l, Tensor x) {
        const Tensor y = apply(l, x);
        l.weight = l.weight + 1;
        return y;
      },
      {.constants = {0}});
  step(layer, x);
  for (const ir::PlanPrologue& part : step.executable()->plan().prologue)
    for (int a : part.from) EXPECT_NE(a, 0) << "the weight";
  EXPECT_NE(message_of([&] { jit([](Tensor x) { return x; }, {.constants = {1}})(x); }).find("error[E0116]"),
            std::string::npos);
  EXPECT_NE(message_of([&] { jit([](Tensor x) { return x; }, {.constants = {-1}}); }).find("error[E0116]"),
            std::string::npos);
}

TEST(JitConstants, HandedOverExistInTheFormsOfTheProgramAlone) {
  Layer layer = evaluated();
  const Tensor x = uniform(Key(3), {4, 24}, -1, 1).evaluate();
  auto serving = jit([](const Layer& l, Tensor x) { return apply(l, x); }, {.constants = {0}});
  const Tensor expected = serving(layer, x);
  EXPECT_EQ(serving.hand_over(layer, x), 96 * 24 * 4) << "the weight; the bias is read as it is";
  EXPECT_EQ(serving.hand_over(layer, x), 0) << "once";
  EXPECT_TRUE(serving(layer, x).array().same_bits(expected.array()));
  EXPECT_NE(message_of([&] { layer.weight.array(); }).find("error[E0335]"), std::string::npos);
  EXPECT_NE(message_of([&] { (layer.weight + 1).array(); }).find("error[E0335]"), std::string::npos);
  EXPECT_GT(layer.bias.array().elements(), 0);
}

}  // namespace
}  // namespace strata
