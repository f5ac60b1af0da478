#include "strata/tensor/random.h"

#include <gtest/gtest.h>

#include <set>

#include "strata/base/error/error.h"
#include "strata/ops/dot.h"
#include "strata/ops/reduce.h"
#include "strata/tensor/jit.h"

namespace strata {
namespace {

TEST(Random, FoldingOnTheHostAndInAProgramAgree) {
  const Key key(5), expected = key.fold_in(uint64_t{0x700000009});
  auto in_program = jit([](Key k) { return k.fold_in(uint64_t{0x700000009}).bits; });
  EXPECT_TRUE(in_program(key).array().same_bits(expected.bits.array()));
  const Key by_tensor = key.fold_in(Tensor::scalar(9, DType::i64));
  EXPECT_TRUE(by_tensor.bits.array().same_bits(key.fold_in(uint64_t{9}).bits.array()));
}

TEST(Random, KeysOfPathsAndSplitsDiffer) {
  const Key key(0);
  std::set<uint64_t> seen;
  auto add = [&](const Key& k) {
    seen.insert(uint64_t{k.bits.data<uint32_t>()[0]} << 32 | k.bits.data<uint32_t>()[1]);
  };
  for (const Key& k : key.split(10)) add(k);
  for (const char* path : {"a", "b", "a.b", "b.a"}) add(key.fold_in(path));
  EXPECT_EQ(seen.size(), 14u);
}

TEST(Random, AnotherKeyDoesNotRecordAgain) {
  auto draw = jit([](Key k) { return uniform(k, {5}); });
  const Tensor a = draw(Key(1)), b = draw(Key(2));
  EXPECT_FALSE(a.array().same_bits(b.array()));
  EXPECT_EQ(draw.recordings(), 1);
  EXPECT_TRUE(uniform(Key(1), {5}).array().same_bits(a.array()));
}

TEST(Random, MomentsAndBoundsAreThoseOfTheDistribution) {
  for (DType dtype : {DType::f32, DType::f64}) {
    const Tensor u = uniform(Key(3), {100000}, -2, 4, dtype), n = normal(Key(4), {100000}, 1, 2, dtype);
    EXPECT_EQ(u.dtype(), dtype);
    EXPECT_NEAR(mean(u).item(), 1, 0.03);
    EXPECT_NEAR(variance(u).item(), 3, 0.05);
    EXPECT_GE(min(u).item(), -2);
    EXPECT_LT(max(u).item(), 4);
    EXPECT_NEAR(mean(n).item(), 1, 0.03);
    EXPECT_NEAR(variance(n).item(), 4, 0.06);
    EXPECT_TRUE(all(is_finite(n)).item());
  }
  EXPECT_NEAR(mean(cast(bernoulli(Key(5), {100000}, 0.3), DType::f32)).item(), 0.3, 0.01);
  const Tensor i = random_integers(Key(6), {1000}, -3, 4);
  EXPECT_EQ(min(i).item(), -3);
  EXPECT_EQ(max(i).item(), 3);
}

/// The largest f32 below 1 rounds to 1 in half floats, and 1000 + u to 1001 in f32: one draw in 512 (bf16), or 32,768.
TEST(Random, UniformNeverReachesItsOpenEnd) {
  struct Range {
    double lowest, highest;
  };
  for (DType dtype : {DType::f16, DType::bf16, DType::f32, DType::f64})
    for (const Range r :
         {Range{0, 1}, Range{-1, 1}, Range{-3, -1}, Range{0.3, 0.7}, Range{1000, 1064}, Range{-1e-3, 0}}) {
      const Tensor u = uniform(Key(3), {200000}, r.lowest, r.highest, dtype);
      EXPECT_GE(cast(min(u), DType::f64).item(), r.lowest) << ir::dtype_name(dtype);
      EXPECT_LT(cast(max(u), DType::f64).item(), r.highest) << ir::dtype_name(dtype);
    }
  EXPECT_EQ(max(uniform(Key(1), {100}, 2, 2)).item(), 2);
}

TEST(Random, IntegersOfSmallDtypesKeepTheirRange) {
  for (DType dtype : {DType::u8, DType::i16, DType::f16, DType::bf16, DType::i64}) {
    const Tensor i = cast(random_integers(Key(6), {20000}, 0, 256, dtype), DType::i64);
    EXPECT_EQ(min(i).item(), 0);
    EXPECT_EQ(max(i).item(), 255);
  }
  const int64_t low = INT64_MIN;
  EXPECT_LE(max(random_integers(Key(6), {100}, low, low + 10, DType::i64)).item(), static_cast<double>(low + 9));
  EXPECT_THROW(random_integers(Key(6), {100}, low, INT64_MAX, DType::i64), base::Error);
}

TEST(Random, SymbolicShapesDrawTheSameNumbers) {
  auto draw = jit([](Tensor x, Key k) { return uniform(k, {x.dim(0), 3}); });
  const Tensor small = draw(Tensor::zeros({2, 1}), Key(7)), large = draw(Tensor::zeros({5, 1}), Key(7));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(small.data<float>()[i], large.data<float>()[i]) << i;
}

TEST(Random, BadKeysAndRangesAreRefused) {
  try {
    uniform(Key(Tensor::from({1.f, 2.f})), {2});
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0506");
    EXPECT_NE(e.text().find("f32[2]"), std::string::npos);
  }
  EXPECT_THROW(random_integers(Key(0), {2}, 3, 3), base::Error);
}

}  // namespace
}  // namespace strata
