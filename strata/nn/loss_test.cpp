#include "strata/nn/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "strata/base/error/error.h"
#include "strata/nn/testing/golden.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::nn {
namespace {

template <class Loss>
void check(const std::string& name, Loss loss) {
  static const Golden golden("losses.safetensors");
  const Tensor y = golden(name + ".y");
  auto [value, grad] = value_and_grad(
      [&](const Tensor& x) {
        const Tensor each = loss(x, y);
        return std::pair(sum(each), each);
      },
      golden(name + ".x"));
  EXPECT_EQ(difference(value.second, golden(name + ".loss")), "") << name;
  EXPECT_EQ(difference(grad, golden(name + ".grad_x"), 1e-5), "") << name + ".grad";
}

TEST(CrossEntropy, IsPyTorchsWithIgnoredTargetsAndSmoothing) {
  check("cross_entropy", [](Tensor x, Tensor y) { return cross_entropy(x, y); });
  check("cross_entropy_smooth", [](Tensor x, Tensor y) { return cross_entropy(x, y, {.label_smoothing = 0.1}); });
  check("cross_entropy_each", [](Tensor x, Tensor y) { return cross_entropy(x, y, {.reduction = Reduction::None}); });
}

TEST(CrossEntropy, ALabelOutsideOfTheClassesIsAnErrorThatNamesItAlsoInJit) {
  const Tensor logits(HostArray(DType::f32, {3, 5}));
  auto compiled = jit([](Tensor x, Tensor y) { return cross_entropy(x, y); });
  for (int32_t wrong : {5, -3}) {
    const Tensor labels = Tensor::from({int32_t{1}, wrong, int32_t{4}});
    for (const auto& run : {std::function([&] { return cross_entropy(logits, labels).item(); }),
                            std::function([&] { return compiled(logits, labels).item(); })}) {
      try {
        run();
        ADD_FAILURE() << wrong;
      } catch (const base::Error& e) {
        EXPECT_EQ(e.code(), "E0118") << e.text();
        EXPECT_NE(e.text().find(std::to_string(wrong)), std::string::npos) << e.text();
        EXPECT_NE(e.text().find("5"), std::string::npos) << e.text();
        EXPECT_NE(e.text().find("loss_test.cpp:"), std::string::npos) << e.text();
      }
    }
  }
  EXPECT_NEAR(compiled(logits, Tensor::from({1, -100, 4})).item(), std::log(5.0), 1e-6);
}

TEST(Losses, ArePyTorchs) {
  check("mse", [](Tensor x, Tensor y) { return mse(x, y); });
  check("l1", [](Tensor x, Tensor y) { return l1(x, y, Reduction::Sum); });
  check("huber", [](Tensor x, Tensor y) { return huber(x, y, 0.7); });
  check("bce", [](Tensor x, Tensor y) { return bce(x, y); });
  check("bce_with_logits", [](Tensor x, Tensor y) { return bce_with_logits(x, y); });
  check("kl_div", [](Tensor x, Tensor y) { return kl_div(x, y); });
}

TEST(Losses, DifferentTypesAreRefusedWithBoth) {
  try {
    mse(Tensor::zeros({3, 1}), Tensor::zeros({3}));
    FAIL() << "a silent broadcast to [3,3] is a well-known trap";
  } catch (const base::Error& e) {
    EXPECT_NE(e.text().find("f32[3,1] and f32[3]"), std::string::npos) << e.text();
    EXPECT_NE(e.text().find("loss_test.cpp:"), std::string::npos) << e.text();
  }
}

}  // namespace
}  // namespace strata::nn
