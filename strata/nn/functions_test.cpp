// Pools and activations, values and gradients, against PyTorch's.
#include <gtest/gtest.h>

#include "strata/nn/pooling.h"
#include "strata/nn/testing/check_layer.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/elementwise/elementwise.h"

namespace strata::nn {
namespace {

const Golden& golden() {
  static const Golden file("functions.safetensors");
  return file;
}

template <class Function>
void check(const std::string& name, Function function) {
  check_function(golden(), name, function);
}

TEST(Pools, ArePyTorchsAlongOneTwoAndThreeAxes) {
  check("max_pool1d", [](Tensor x) { return max_pool1d(x, 3, {.stride = 2, .padding = 1}); });
  check("max_pool2d", [](Tensor x) { return max_pool2d(x, 3, {.stride = 2, .padding = 1}); });
  check("max_pool3d", [](Tensor x) { return max_pool3d(x, 3, {.stride = 2, .padding = 1}); });
  check("avg_pool1d", [](Tensor x) { return avg_pool1d(x, 3, {.stride = 2, .padding = 1}); });
  check("avg_pool2d", [](Tensor x) { return avg_pool2d(x, 3, {.stride = 2, .padding = 1}); });
  check("avg_pool3d", [](Tensor x) { return avg_pool3d(x, 3, {.stride = 2, .padding = 1}); });
  check("global_avg_pool", [](Tensor x) { return global_avg_pool(x); });
}

TEST(Activations, ArePyTorchs) {
  check("relu", [](Tensor x) { return relu(x); });
  check("relu6", [](Tensor x) { return relu6(x); });
  check("leaky_relu", [](Tensor x) { return leaky_relu(x); });
  check("elu", [](Tensor x) { return elu(x); });
  check("selu", [](Tensor x) { return selu(x); });
  check("gelu", [](Tensor x) { return gelu(x); });
  check("gelu_tanh", [](Tensor x) { return gelu_tanh(x); });
  check("quick_gelu", [](Tensor x) { return quick_gelu(x); });
  check("silu", [](Tensor x) { return silu(x); });
  check("mish", [](Tensor x) { return mish(x); });
  check("hard_sigmoid", [](Tensor x) { return hard_sigmoid(x); });
  check("hard_swish", [](Tensor x) { return hard_swish(x); });
  check("softplus", [](Tensor x) { return softplus(x); });
  check("log_sigmoid", [](Tensor x) { return log_sigmoid(x); });
  check("softsign", [](Tensor x) { return softsign(x); });
  check("sigmoid", [](Tensor x) { return sigmoid(x); });
  check("tanh", [](Tensor x) { return tanh(x); });
}

TEST(Softmax, IsPyTorchsAlongAnyAxis) {
  check("softmax", [](Tensor x) { return softmax(x, -1); });
  check("log_softmax", [](Tensor x) { return log_softmax(x, 0); });
}

}  // namespace
}  // namespace strata::nn
