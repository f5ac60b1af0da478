// A call writes tensors back and nothing else: a function that changes more of a tree is refused, and the tree stays.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "strata/base/error/message_of.h"
#include "strata/tensor/jit/jit.h"

namespace strata {
namespace {

using base::code_of;

struct Tree {
  Tensor a;
  std::vector<Tensor> list;
  std::optional<Tensor> maybe;
  int64_t number = 1;
  STRATA_FIELDS(a, list, maybe, number)
};

TEST(TreeChanges, OtherThanOfTensorsAreRefused) {
  const auto refused = [](auto change) {
    auto f = jit([&](Tree& t) {
      t.a = t.a + 1;
      change(t);
    });
    Tree tree{Tensor::scalar(1).evaluate(), {Tensor::scalar(2).evaluate()}, std::nullopt, 1};
    const std::string code = code_of([&] { f(tree); });
    EXPECT_EQ(tree.number, 1);
    EXPECT_EQ(tree.list.size(), 1u);
    EXPECT_EQ(tree.a.item(), code == "no error" ? 2 : 1);
    return code;
  };
  EXPECT_EQ(refused([](Tree&) {}), "no error");
  EXPECT_EQ(refused([](Tree& t) { ++t.number; }), "E0505");
  EXPECT_EQ(refused([](Tree& t) { t.list.push_back(t.a); }), "E0505");
  EXPECT_EQ(refused([](Tree& t) { t.maybe = t.a; }), "E0505");
  EXPECT_EQ(refused([](Tree& t) { t.list[0] = Tensor(); }), "E0505");
}

}  // namespace
}  // namespace strata
