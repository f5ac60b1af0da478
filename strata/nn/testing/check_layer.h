// For tests: a layer or a function, its output and all gradients, against a case of a golden file.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "strata/nn/init.h"
#include "strata/nn/testing/golden.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::nn {

template <class Layer>
struct Called {
  Layer layer;
  Tensor x;
  STRATA_FIELDS(layer, x)
};

/// Fills the layer with the case's parameters, calls it, and compares its output and all gradients.
template <class Layer, class Call>
void check_layer(const Golden& golden, const std::string& name, Layer layer, Call call) {
  init(layer, Key(1));
  for (const Leaf& leaf : leaves_of(layer).list) {
    if (!leaf.tensor().defined()) continue;  // no bias
    const Tensor value = golden(name + ".param." + leaf.paths[0]);
    ASSERT_EQ(value.type().str(), leaf.tensor().type().str()) << name << " " << leaf.paths[0];
    leaf.assign(value);
  }
  const Called<Layer> called{layer, golden(name + ".x")};
  const Tensor cotangent = golden(name + ".cotangent");
  auto [results, grads] = value_and_grad(
      [&](const Called<Layer>& c) {
        const Tensor y = call(c.layer, c.x);
        return std::pair(sum(y * cotangent), y);
      },
      called);
  EXPECT_EQ(difference(results.second, golden(name + ".y")), "") << name + ".y";
  for (const Leaf& leaf : leaves_of(grads.layer).list)
    if (leaf.kind == LeafKind::Parameter && leaf.tensor().defined()) {
      EXPECT_EQ(difference(leaf.tensor(), golden(name + ".grad." + leaf.paths[0]), 1e-5), "")
          << name + ".grad." + leaf.paths[0];
    }
  if (golden.has(name + ".grad_x")) {
    EXPECT_EQ(difference(grads.x, golden(name + ".grad_x"), 1e-5), "") << name + ".grad_x";
  }
}

/// The same for a function of one tensor.
template <class Function>
void check_function(const Golden& golden, const std::string& name, Function function) {
  const Tensor cotangent = golden(name + ".cotangent");
  auto [results, grad_x] = value_and_grad(
      [&](const Tensor& x) {
        const Tensor y = function(x);
        return std::pair(sum(y * cotangent), y);
      },
      golden(name + ".x"));
  EXPECT_EQ(difference(results.second, golden(name + ".y")), "") << name + ".y";
  EXPECT_EQ(difference(grad_x, golden(name + ".grad_x"), 1e-5), "") << name + ".grad_x";
}

}  // namespace strata::nn
