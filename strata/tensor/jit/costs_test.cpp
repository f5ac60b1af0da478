// What a call costs that runs no more than one small kernel: linear in the leaves of its arguments.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "strata/tensor/jit.h"

namespace strata {
namespace {

/// Of the fastest of some calls, in seconds.
double seconds_of_a_call(int64_t leaves) {
  std::vector<Tensor> tree;
  for (int64_t i = 0; i < leaves; ++i) tree.push_back(Tensor(HostArray(DType::f32, {2})));
  auto first = jit([](const std::vector<Tensor>& t, const Tensor& x) { return t[0] + x; });
  const Tensor x = tree[0];
  double fastest = 1e9;
  for (int i = 0; i < 10; ++i) {
    const auto start = std::chrono::steady_clock::now();
    first(tree, x).evaluate();
    fastest = std::min(fastest, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return fastest;
}

TEST(JitCosts, ACallIsLinearInItsLeaves) {
  // 16 times the leaves: about 16 times the time, and 256 times if each leaf were compared with each.
  const double few = seconds_of_a_call(250), many = seconds_of_a_call(4000);
  EXPECT_LT(many, 80 * few) << few * 1e3 << " ms, " << many * 1e3 << " ms";
}

}  // namespace
}  // namespace strata
