#include "strata/tensor/random.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "strata/base/error/message_of.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/jit/jit.h"

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

/// What a distribution says of bounds, mean or deviation that its dtype does not hold.
TEST(Random, NumbersThatTheDtypeDoesNotHoldAreRefused) {
  using base::message_of;
  const auto ends = [](double lowest, double highest, DType t) {
    return message_of([&] { uniform(Key(1), {3}, lowest, highest, t); });
  };
  EXPECT_EQ(
      ends(0, 200, DType::i8),
      "error[E0100]: uniform: gives floats, not i8\nnote: recorded at random_test.cpp\nhint: random_integers gives "
      "integers");
  EXPECT_EQ(ends(-1e6, 1e6, DType::f16),
            "error[E0140]: uniform: lowest is -1000000, expected a number that f16 holds, from -65504 to 65504\nnote: "
            "recorded at random_test.cpp\nhint: draw in a wider dtype");
  EXPECT_EQ(
      ends(-3e38, 3e38, DType::f32),
      "error[E0140]: uniform: [-3e+38, 3e+38) is wider than the largest number of f32, which is 3.40282e+38\nnote: "
      "recorded at random_test.cpp\nhint: draw in a wider dtype, or in a narrower range");
  const std::tuple<double, double, DType> refused[] = {
      {-5, 5, DType::u8},          {0, 1, DType::i32},        {0, 1, DType::boolean},  {0, 1e300, DType::f32},
      {-1e300, 0, DType::f32},     {0, 70000, DType::f16},    {-70000, 0, DType::f16}, {0, 1e39, DType::bf16},
      {-1e308, 1e308, DType::f64}, {-3e38, 3e38, DType::bf16}};
  for (const auto& [lowest, highest, t] : refused) EXPECT_NE(ends(lowest, highest, t), "no error") << lowest;
  const std::tuple<double, double, DType> held[] = {
      {-65504, 65504, DType::f16}, {0, 3e38, DType::f32}, {-1e38, 1e38, DType::bf16}, {0, 1e308, DType::f64}};
  for (const auto& [lowest, highest, t] : held) {
    const Tensor x = cast(uniform(Key(1), {1000}, lowest, highest, t), DType::f64);
    EXPECT_TRUE(all(is_finite(x)).item()) << highest;
    EXPECT_LT(max(x).item(), highest);
    EXPECT_GE(min(x).item(), lowest);
  }
  const auto draw = [](double mean, double deviation, DType t) {
    return message_of([&] { normal(Key(1), {3}, mean, deviation, t); });
  };
  EXPECT_EQ(
      draw(1e5, 1, DType::f16),
      "error[E0140]: normal: mean is 100000, expected a number that f16 holds, from -65504 to 65504\nnote: recorded "
      "at random_test.cpp\nhint: draw in a wider dtype");
  for (const DType t : {DType::i32, DType::u8, DType::boolean}) EXPECT_NE(draw(0, 1, t), "no error");
  EXPECT_NE(draw(0, 1e5, DType::f16), "no error");
  EXPECT_NE(draw(0, 1e300, DType::f32), "no error");
  EXPECT_NE(draw(-1e39, 1, DType::bf16), "no error");
  EXPECT_EQ(draw(0, 1e300, DType::f64), "no error");
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
