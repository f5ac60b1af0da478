// What a call costs that runs no more than one small kernel: linear in the leaves of its arguments.
#include <gtest/gtest.h>

#include "strata/ops/elementwise/elementwise.h"
#include "strata/tensor/jit/jit.h"

namespace strata {
namespace {

/// A leaf that counts how often a walk comes by it, whoever's walk it is.
struct CountedLeaf {
  Tensor value;
  inline static int64_t visits = 0;

  template <class V>
  void visit_fields(V&& visitor) {
    ++visits;
    visitor("value", value);
  }
  template <class V>
  void visit_fields(V&& visitor) const {
    ++visits;
    visitor("value", value);
  }
};

/// Of a call whose program is there.
int64_t visits_of_a_call(int64_t leaves) {
  std::vector<CountedLeaf> tree;
  for (int64_t i = 0; i < leaves; ++i) tree.push_back({Tensor(HostArray(DType::f32, {2}))});
  auto first = jit([](const std::vector<CountedLeaf>& t, const Tensor& x) { return t[0].value + x; });
  const Tensor x = tree[0].value;
  first(tree, x).evaluate();
  CountedLeaf::visits = 0;
  first(tree, x).evaluate();
  return CountedLeaf::visits;
}

TEST(JitCosts, ACallComesByEachLeafAFixedNumberOfTimes) {
  const int64_t few = visits_of_a_call(250), many = visits_of_a_call(4000);
  EXPECT_GT(few, 0);
  EXPECT_LE(few, 4 * 250) << "walks of the tree";
  EXPECT_EQ(many, 16 * few);
}

}  // namespace
}  // namespace strata
