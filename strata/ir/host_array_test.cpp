#include "strata/ir/host_array.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "strata/base/error/error.h"

namespace strata::ir {
namespace {

HostArray f64(std::vector<int64_t> shape, std::vector<double> values) {
  return HostArray::of<double>(DType::f64, std::move(shape), values);
}

TEST(HostArray, ElementsAreConvertedAsByCast) {
  HostArray a(DType::i8, {3});
  a.set(0, 300.0);
  a.set(1, -1e9);
  a.set(2, std::nan(""));
  EXPECT_EQ(a.get_int(0), 127);
  EXPECT_EQ(a.get_int(1), -128);
  EXPECT_EQ(a.get_int(2), 0);
  HostArray u(DType::u64, {1});
  u.set(0, std::numeric_limits<double>::infinity());
  EXPECT_EQ(static_cast<uint64_t>(u.get_int(0)), std::numeric_limits<uint64_t>::max());
  HostArray h(DType::f16, {2});
  h.set(0, 65520.0);  // half way to the number that does not exist: to even, which is infinity
  h.set(1, 1.0 + std::ldexp(1.0, -11) + std::ldexp(1.0, -40));  // just above half way: one rounding, from f64
  EXPECT_TRUE(std::isinf(h.get(0)));
  EXPECT_EQ(h.get(1), 1.0 + std::ldexp(1.0, -10));
}

TEST(HostArray, ImpossibleShapesAreRefused) {
  EXPECT_THROW(HostArray(DType::f32, {-1}), base::Error);
  EXPECT_THROW(HostArray(DType::f32, {int64_t{1} << 40, int64_t{1} << 40}), base::Error);
  EXPECT_THROW(HostArray(DType::f64, {int64_t{1} << 61}), base::Error);
}

TEST(HostArray, ElementsThatAreNotThoseOfTheShapeOrTheDTypeAreRefused) {
  const std::vector<float> many(1000, 1);
  EXPECT_THROW(HostArray::of<float>(DType::f32, {2}, many), base::Error);
  EXPECT_THROW(HostArray::of<float>(DType::f32, {2, 1000}, many), base::Error);
  EXPECT_THROW(HostArray::of<float>(DType::i32, {1000}, many), base::Error);
  const HostArray a = HostArray::of<float>(DType::f32, {1000}, many);
  EXPECT_THROW(a.as<double>(), base::Error);
  EXPECT_THROW(a.as<int32_t>(), base::Error);
  EXPECT_EQ(a.as<float>().size(), 1000);
}

TEST(HostArray, ReshapingSharesTheStorageAndCloningDoesNot) {
  const HostArray a = f64({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(a.reshaped({3, 2}).data(), a.data());
  EXPECT_NE(a.clone().data(), a.data());
  EXPECT_TRUE(a.clone().same_bits(a));
  EXPECT_THROW(a.reshaped({4, 2}), base::Error);
}

TEST(ArrayPrinting, LooksAsInNumPy) {
  EXPECT_EQ(f64({2, 2}, {1, 2.5, -3, 4}).str(), "[[ 1.   2.5]\n [-3.   4. ]]");
  EXPECT_EQ(f64({3}, {0.1, 100, 1e-5}).str(), "[1.e-01 1.e+02 1.e-05]");
  EXPECT_EQ(f64({}, {2.5}).str(), "2.5");
  EXPECT_EQ(f64({}, {2}).str(), "2.0");
  EXPECT_EQ(f64({1}, {2}).str(), "[2.]");
  EXPECT_EQ(f64({}, {1e-5}).str(), "1e-05");
  EXPECT_EQ(f64({0, 3}, {}).str(), "[]");
  EXPECT_EQ(f64({2}, {std::nan(""), -INFINITY}).str(), "[ nan -inf]");
  EXPECT_EQ(HostArray::of<float>(DType::f32, {1}, std::vector<float>{0.1f}).str(), "[0.1]");
  const bool flags[] = {true, false};
  EXPECT_EQ(HostArray::of<bool>(DType::boolean, {2}, flags).str(), "[ True False]");
}

TEST(ArrayPrinting, LargeArraysLeaveOutTheMiddle) {
  std::vector<int64_t> values(2000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = i;
  EXPECT_EQ(HostArray::of<int64_t>(DType::i64, {2000}, values).str(), "[   0    1    2 ... 1997 1998 1999]");
}

}  // namespace
}  // namespace strata::ir
