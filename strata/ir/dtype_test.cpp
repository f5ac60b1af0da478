#include "strata/ir/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

namespace strata::ir {
namespace {

TEST(DType, NamesReadBackAndSizesAreThoseOfTheHostTypes) {
  for (DType t : kAllDTypes) {
    EXPECT_EQ(dtype_from_name(dtype_name(t)), t);
    EXPECT_EQ(visit_dtype(t, [](auto tag) { return static_cast<int64_t>(sizeof(typename decltype(tag)::type)); }),
              dtype_bytes(t));
    EXPECT_EQ(is_float(t) + is_signed_int(t) + is_unsigned_int(t) + is_bool(t), 1) << dtype_name(t);
  }
  EXPECT_FALSE(dtype_from_name("f33"));
  EXPECT_FALSE(dtype_from_name(""));
}

TEST(HalfFloats, EveryPatternSurvivesTheWayThroughF32AndF64) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const uint16_t pattern = bits;
    for (const bool brain : {false, true}) {
      const float value = brain ? bf16_value(pattern) : f16_value(pattern);
      const uint16_t back = brain ? bf16_bits(value) : f16_bits(value);
      const uint16_t from_double = brain ? bf16_bits(static_cast<double>(value)) : f16_bits(static_cast<double>(value));
      if (std::isnan(value)) {
        EXPECT_TRUE(std::isnan(brain ? bf16_value(back) : f16_value(back)));
        EXPECT_TRUE(std::isnan(brain ? bf16_value(from_double) : f16_value(from_double)));
        continue;
      }
      ASSERT_EQ(back, pattern);
      ASSERT_EQ(from_double, pattern);
    }
  }
}

TEST(HalfFloats, RoundToTheNearestAndTiesToEven) {
  EXPECT_EQ(f16_bits(1.0f + 0x1p-11f), 0x3c00);          // a tie: down to even
  EXPECT_EQ(f16_bits(1.0f + 3 * 0x1p-11f), 0x3c02);      // a tie: up to even
  EXPECT_EQ(f16_bits(1.0 + 0x1p-11 + 0x1p-40), 0x3c01);  // just above it, seen only from double
  EXPECT_EQ(f16_bits(65519.0f), 0x7bff);
  EXPECT_EQ(f16_bits(65520.0f), 0x7c00);
  EXPECT_EQ(f16_bits(0x1p-25f), 0x0000);
  EXPECT_EQ(f16_bits(0x1.000002p-25f), 0x0001);
  EXPECT_EQ(f16_bits(-0.0f), 0x8000);
  EXPECT_EQ(f16_bits(-INFINITY), 0xfc00);
  EXPECT_EQ(bf16_bits(1.0f + 0x1p-8f), 0x3f80);
  EXPECT_EQ(bf16_bits(1.0f + 3 * 0x1p-8f), 0x3f82);
  EXPECT_EQ(bf16_bits(1.0 + 0x1p-8 + 0x1p-50), 0x3f81);
  EXPECT_EQ(bf16_bits(0x1.ffp127f), 0x7f80);
  EXPECT_EQ(bf16_bits(1e300), 0x7f80);
}

TEST(HalfFloats, RandomFloatsGoToTheNearerNeighbour) {
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    for (const bool brain : {false, true}) {
      const uint16_t bits = brain ? bf16_bits(value) : f16_bits(value);
      const auto at = [&](int step) {
        const uint16_t pattern = bits + step;
        return static_cast<double>(brain ? bf16_value(pattern) : f16_value(pattern));
      };
      const double here = at(0);
      if (std::isinf(here) || (bits & 0x7fff) == 0) continue;
      EXPECT_LE(std::fabs(here - value), std::fabs(at(-1) - value));
      if (!std::isfinite(at(1))) continue;
      EXPECT_LE(std::fabs(here - value), std::fabs(at(1) - value));
    }
  }
}

}  // namespace
}  // namespace strata::ir
