// Which formats are integers under a scale, their ranges, and blocks read as the two factors.
#include "strata/ir/encoding/scaled_integers.h"

#include <gtest/gtest.h>

#include <vector>

#include "strata/ir/encoding/encode_array.h"

namespace strata::ir {
namespace {

std::optional<IntegerRange> range(std::string_view name) {
  const auto parts = scaled_integers(*encoding_named(name).format());
  return parts ? std::optional(parts->range) : std::nullopt;
}

TEST(ScaledIntegers, AreReadOffTheDecodeFunction) {
  EXPECT_EQ(range("q4_0"), (IntegerRange{-8, 7}));
  EXPECT_EQ(range("q8_0"), (IntegerRange{-128, 127}));
  for (const char* name : {"nf4", "mxfp4", "f8_e4m3", "f8_e5m2", "i4", "u4", "i2", "u2"})
    EXPECT_FALSE(range(name)) << name;
}

TEST(ScaledIntegers, OfADeclaredFormat) {
  declare_encoding("test_u8_by_16", R"(
kernel @decode(%b: u8[20]) -> (%y: f32[16]) {
  for i in 0..16 {
    def $0 = or(cast(u32, %b[0]), shl(cast(u32, %b[1]), 8))
    def $1 = bitcast(f32, or($0, or(shl(cast(u32, %b[2]), 16), shl(cast(u32, %b[3]), 24))))
    %y[i] = mul($1, cast(f32, %b[4 + i]))
  }
})");
  EXPECT_EQ(range("test_u8_by_16"), (IntegerRange{0, 255}));
  declare_encoding("test_scale_by_element", R"(
kernel @decode(%b: u8[4]) -> (%y: f32[2]) {
  for i in 0..2 { %y[i] = mul(cast(f32, %b[i]), cast(f32, %b[2 + i])) }
})");
  EXPECT_FALSE(range("test_scale_by_element"));
  declare_encoding("test_i16_by_2", R"(
kernel @decode(%b: u8[5]) -> (%y: f32[2]) {
  for i in 0..2 {
    def $0 = or(cast(u16, %b[1 + 2 * i]), shl(cast(u16, %b[2 + 2 * i]), 8))
    %y[i] = mul(cast(f32, bitcast(i16, $0)), cast(f32, %b[0]))
  }
})");
  EXPECT_FALSE(range("test_i16_by_2"));
}

TEST(ScaledIntegers, TimesTheScaleAreTheDecodedNumbers) {
  for (const char* name : {"q4_0", "q8_0"}) {
    const BlockFormat& format = *encoding_named(name).format();
    HostArray plain(DType::f32, {3, format.elements});
    for (int64_t i = 0; i < plain.elements(); ++i) plain.set(i, 0.37 * static_cast<double>(i % 23 - 11));
    const HostArray blocks = encode_array(plain, encoding_named(name)), decoded = blocks.decoded();
    const ScaledIntegersReader read(format);
    std::vector<int32_t> integers(static_cast<size_t>(format.elements));
    for (int64_t b = 0; b < 3; ++b) {
      float scale = 0;
      read(static_cast<const std::byte*>(blocks.data()) + b * format.bytes, integers.data(), scale);
      for (int64_t i = 0; i < format.elements; ++i)
        EXPECT_EQ(static_cast<float>(integers[static_cast<size_t>(i)]) * scale,
                  static_cast<float>(decoded.get(b * format.elements + i)))
            << name << " block " << b << " element " << i;
    }
  }
}

}  // namespace
}  // namespace strata::ir
