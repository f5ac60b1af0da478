// What random streams and the distributions drawn from them promise.
#include "strata/ops/random/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "strata/ir/graph/interpret.h"

namespace strata::ops {
namespace {

template <class F>
HostArray drawn(F f) {
  Graph graph("draw");
  const Value key = graph.add_parameter(Type::of(DType::u32, {2}));
  graph.set_results({f(key)});
  const uint32_t words[] = {17, 4};
  const HostArray arguments[] = {HostArray::of<uint32_t>(DType::u32, {2}, words)};
  return ir::interpret(graph, arguments)[0];
}

TEST(Random, ALongerStreamBeginsWithTheShorterOne) {
  const HostArray few = drawn([](Value k) { return rng_bits(k, {37}); }),
                  many = drawn([](Value k) { return rng_bits(k, {101}); });
  for (int64_t i = 0; i < 37; ++i) EXPECT_EQ(few.get_int(i), many.get_int(i));
}

TEST(Random, UniformStaysBelowOneInEveryDtype) {
  for (DType t : {DType::f64, DType::f32, DType::f16, DType::bf16}) {
    const HostArray u = drawn([t](Value k) { return uniform(k, {4096}, t); });
    double sum = 0;
    for (int64_t i = 0; i < u.elements(); ++i) {
      ASSERT_GE(u.get(i), 0.0);
      ASSERT_LT(u.get(i), 1.0);
      sum += u.get(i);
    }
    EXPECT_NEAR(sum / 4096, 0.5, 0.02);
  }
}

TEST(Random, NormalHasMeanZeroAndVarianceOne) {
  for (DType t : {DType::f64, DType::f32}) {
    const HostArray z = drawn([t](Value k) { return random_normal(k, {8192}, t); });
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < z.elements(); ++i) {
      ASSERT_TRUE(std::isfinite(z.get(i)));
      sum += z.get(i);
      squares += z.get(i) * z.get(i);
    }
    EXPECT_NEAR(sum / 8192, 0.0, 0.04);
    EXPECT_NEAR(squares / 8192, 1.0, 0.06);
  }
}

TEST(Random, PermutationHoldsEachNumberOnce) {
  const HostArray p = drawn([](Value k) { return permutation(k, 97); });
  std::vector<bool> seen(97);
  for (int64_t i = 0; i < 97; ++i) seen[p.get_int(i)] = true;
  for (bool s : seen) EXPECT_TRUE(s);
}

TEST(Random, IntegersCoverTheirRange) {
  const HostArray n = drawn([](Value k) { return random_integers(k, -2, 3, {500}); });
  std::array<int, 5> counts{};
  for (int64_t i = 0; i < n.elements(); ++i) ++counts.at(n.get_int(i) + 2);
  for (int c : counts) EXPECT_GT(c, 60);
}

TEST(Random, SplitKeysAndFoldedKeysAreDistinct) {
  const HostArray keys = drawn([](Value k) { return split_key(k, 16); });
  for (int64_t a = 0; a < 16; ++a)
    for (int64_t b = 0; b < a; ++b)
      EXPECT_TRUE(keys.get_int(2 * a) != keys.get_int(2 * b) || keys.get_int(2 * a + 1) != keys.get_int(2 * b + 1));
}

}  // namespace
}  // namespace strata::ops
