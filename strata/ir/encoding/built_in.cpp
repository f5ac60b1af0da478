// Formats as texts: floats of 8 bits, integers of 4 and 2 bits, and blocks of 4- and 8-bit numbers under a scale.
//
// f8_e4m3, f8_e5m2  OCP 8-bit floating point, revision 1.0; encode saturates, infinity included; every NaN becomes 0x7f
// i4, u4, i2, u2    encode saturates
// q4_0, q8_0        blocks of 32 under an f16 scale, bytes and rounding as ggml's reference quantisation has them
// nf4               QLoRA (arXiv:2305.14314), appendix E: blocks of 64 under the largest magnitude as f32; element 2 j
//                   in the low half of byte 4 + j; encode takes the nearest value, of two the lower
// mxfp4             OCP microscaling formats 1.0: 32 numbers of E2M1 under a power of two; elements j and j + 16 share
//                   byte 1 + j, as in ggml; a block with a NaN or an infinity becomes NaN throughout
#include "strata/ir/encoding/built_in.h"

namespace strata::ir {
namespace {

constexpr std::string_view kF8E4M3 = R"(
kernel @decode(%b: u8[1]) -> (%y: f32[1]) {
  for i in 0..1 {
    def $0 = cast(u32, %b[i])
    def $1 = and(shr_logical($0, 3), 15)
    def $2 = and($0, 7)
    def $3 = select(eq($1, 0), mul(cast(f32, $2), 0.001953125), bitcast(f32, or(shl(add($1, 120), 23), shl($2, 20))))
    def $4 = bitcast(f32, or(bitcast(u32, $3), shl(and($0, 128), 24)))
    %y[i] = select(eq(and($0, 127), 127), bits(f32, 0x7fc00000), $4)
  }
}
kernel @encode(%x: f32[1]) -> (%b: u8[1]) {
  let u: u32 = bitcast(u32, %x[0])
  let a: u32 = and(u, 2147483647)
  let normal: u32 = sub(shr_logical(add(a, add(and(shr_logical(a, 20), 1), 524287)), 20), 960)
  let small: u32 = cast(u32, round_even(mul(bitcast(f32, a), 512.0)))
  let rounded: u32 = min(select(lt(a, 1015021568), small, normal), 126)
  %b[0] = cast(u8, select(gt(a, 2139095040), 127u32, or(and(shr_logical(u, 24), 128), rounded)))
}
)";

constexpr std::string_view kF8E5M2 = R"(
kernel @decode(%b: u8[1]) -> (%y: f32[1]) {
  for i in 0..1 { %y[i] = cast(f32, bitcast(f16, shl(cast(u16, %b[i]), 8))) }
}
kernel @encode(%x: f32[1]) -> (%b: u8[1]) {
  let u: u32 = bitcast(u32, %x[0])
  let a: u32 = and(u, 2147483647)
  let normal: u32 = sub(shr_logical(add(a, add(and(shr_logical(a, 21), 1), 1048575)), 21), 448)
  let small: u32 = cast(u32, round_even(mul(bitcast(f32, a), 65536.0)))
  let rounded: u32 = min(select(lt(a, 947912704), small, normal), 123)
  %b[0] = cast(u8, select(gt(a, 2139095040), 127u32, or(and(shr_logical(u, 24), 128), rounded)))
}
)";

constexpr std::string_view kI4 = R"(
kernel @decode(%b: u8[1]) -> (%y: i8[2]) {
  for i in 0..2 { %y[i] = cast(i8, sub(xor(and(shr_logical(%b[0], cast(u8, i * 4)), 15), 8), 8)) }
}
kernel @encode(%x: i8[2]) -> (%b: u8[1]) {
  def $0 = and(cast(u8, max(min(%x[0], 7), -8)), 15)
  def $1 = and(cast(u8, max(min(%x[1], 7), -8)), 15)
  %b[0] = or($0, shl($1, 4))
}
)";

constexpr std::string_view kU4 = R"(
kernel @decode(%b: u8[1]) -> (%y: u8[2]) {
  for i in 0..2 { %y[i] = and(shr_logical(%b[0], cast(u8, i * 4)), 15) }
}
kernel @encode(%x: u8[2]) -> (%b: u8[1]) {
  %b[0] = or(min(%x[0], 15), shl(min(%x[1], 15), 4))
}
)";

constexpr std::string_view kI2 = R"(
kernel @decode(%b: u8[1]) -> (%y: i8[4]) {
  for i in 0..4 { %y[i] = cast(i8, sub(xor(and(shr_logical(%b[0], cast(u8, i * 2)), 3), 2), 2)) }
}
kernel @encode(%x: i8[4]) -> (%b: u8[1]) {
  def $0 = and(cast(u8, max(min(%x[0], 1), -2)), 3)
  def $1 = and(cast(u8, max(min(%x[1], 1), -2)), 3)
  def $2 = and(cast(u8, max(min(%x[2], 1), -2)), 3)
  def $3 = and(cast(u8, max(min(%x[3], 1), -2)), 3)
  %b[0] = or(or($0, shl($1, 2)), or(shl($2, 4), shl($3, 6)))
}
)";

constexpr std::string_view kU2 = R"(
kernel @decode(%b: u8[1]) -> (%y: u8[4]) {
  for i in 0..4 { %y[i] = and(shr_logical(%b[0], cast(u8, i * 2)), 3) }
}
kernel @encode(%x: u8[4]) -> (%b: u8[1]) {
  def $0 = or(min(%x[0], 3), shl(min(%x[1], 3), 2))
  %b[0] = or($0, or(shl(min(%x[2], 3), 4), shl(min(%x[3], 3), 6)))
}
)";

constexpr std::string_view kQ40 = R"(
kernel @decode(%b: u8[18]) -> (%y: f32[32]) {
  for i in 0..32 {
    def $0 = cast(f32, bitcast(f16, or(cast(u16, %b[0]), shl(cast(u16, %b[1]), 8))))
    def $1 = and(shr_logical(%b[2 + floormod(i, 16)], cast(u8, floordiv(i, 16) * 4)), 15)
    %y[i] = mul(cast(f32, sub(cast(i32, $1), 8)), $0)
  }
}
kernel @encode(%x: f32[32]) -> (%b: u8[18]) {
  var largest: f32 = 0.0
  var top: f32 = 0.0
  for i in 0..32 {
    let is_larger: bool = lt(largest, abs(%x[i]))
    top = select(is_larger, %x[i], top)
    largest = select(is_larger, abs(%x[i]), largest)
  }
  let d: f32 = div(top, -8.0)
  let r: f32 = select(eq(d, 0.0), 0.0f32, div(1.0, d))
  let scale: u16 = bitcast(u16, cast(f16, d))
  %b[0] = cast(u8, scale)
  %b[1] = cast(u8, shr_logical(scale, 8))
  for j in 0..16 {
    def $0 = cast(u8, min(cast(i8, add(mul(%x[j], r), 8.5)), 15))
    def $1 = cast(u8, min(cast(i8, add(mul(%x[16 + j], r), 8.5)), 15))
    %b[2 + j] = or($0, shl($1, 4))
  }
}
)";

/// round_even rounds halves to even, C's roundf away from zero.
constexpr std::string_view kQ80 = R"(
kernel @decode(%b: u8[34]) -> (%y: f32[32]) {
  for i in 0..32 {
    def $0 = cast(f32, bitcast(f16, or(cast(u16, %b[0]), shl(cast(u16, %b[1]), 8))))
    %y[i] = mul(cast(f32, bitcast(i8, %b[2 + i])), $0)
  }
}
kernel @encode(%x: f32[32]) -> (%b: u8[34]) {
  var largest: f32 = 0.0
  for i in 0..32 { largest = select(lt(largest, abs(%x[i])), abs(%x[i]), largest) }
  let d: f32 = div(largest, 127.0)
  let r: f32 = select(eq(d, 0.0), 0.0f32, div(1.0, d))
  let scale: u16 = bitcast(u16, cast(f16, d))
  %b[0] = cast(u8, scale)
  %b[1] = cast(u8, shr_logical(scale, 8))
  for j in 0..32 {
    let v: f32 = mul(%x[j], r)
    let whole: f32 = trunc(v)
    let more: f32 = select(ge(abs(sub(v, whole)), 0.5), copysign(1.0f32, v), 0.0f32)
    %b[2 + j] = bitcast(u8, cast(i8, add(whole, more)))
  }
}
)";

constexpr std::string_view kNf4 = R"(
kernel @decode(%b: u8[36]) -> (%y: f32[64]) {
  for i in 0..64 {
    def $0 = or(cast(u32, %b[0]), shl(cast(u32, %b[1]), 8))
    def $1 = bitcast(f32, or($0, or(shl(cast(u32, %b[2]), 16), shl(cast(u32, %b[3]), 24))))
    def $2 = and(shr_logical(%b[4 + floordiv(i, 2)], cast(u8, floormod(i, 2) * 4)), 15)
    def $3 = select(lt($2, 2), select(lt($2, 1), -1.0f32, -0.6961928f32), select(lt($2, 3), -0.52507305f32, -0.3949175f32))
    def $4 = select(lt($2, 6), select(lt($2, 5), -0.28444138f32, -0.18477343f32), select(lt($2, 7), -0.091050036f32, 0.0f32))
    def $5 = select(lt($2, 10), select(lt($2, 9), 0.0795803f32, 0.1609302f32), select(lt($2, 11), 0.2461123f32, 0.33791524f32))
    def $6 = select(lt($2, 14), select(lt($2, 13), 0.44070983f32, 0.562617f32), select(lt($2, 15), 0.72295684f32, 1.0f32))
    %y[i] = mul(select(lt($2, 8), select(lt($2, 4), $3, $4), select(lt($2, 12), $5, $6)), $1)
  }
}
kernel @encode(%x: f32[64]) -> (%b: u8[36]) {
  var largest: f32 = 0.0
  for i in 0..64 { largest = select(lt(largest, abs(%x[i])), abs(%x[i]), largest) }
  let r: f32 = select(eq(largest, 0.0), 0.0f32, div(1.0, largest))
  let scale: u32 = bitcast(u32, largest)
  for k in 0..4 { %b[k] = cast(u8, shr_logical(scale, cast(u32, k * 8))) }
  for j in 0..32 {
    var byte: u8 = 0
    for h in 0..2 {
      let v: f32 = mul(%x[2 * j + h], r)
      def $0 = add(cast(u8, gt(v, -0.8480964)), add(cast(u8, gt(v, -0.6106329)), cast(u8, gt(v, -0.45999527))))
      def $1 = add(cast(u8, gt(v, -0.33967942)), add(cast(u8, gt(v, -0.2346074)), cast(u8, gt(v, -0.13791174))))
      def $2 = add(cast(u8, gt(v, -0.045525018)), add(cast(u8, gt(v, 0.03979015)), cast(u8, gt(v, 0.12025525))))
      def $3 = add(cast(u8, gt(v, 0.20352125)), add(cast(u8, gt(v, 0.29201376)), cast(u8, gt(v, 0.38931254))))
      def $4 = add(cast(u8, gt(v, 0.50166345)), add(cast(u8, gt(v, 0.6427869)), cast(u8, gt(v, 0.86147845))))
      byte = or(byte, shl(add(add($0, $1), add(add($2, $3), $4)), cast(u8, h * 4)))
    }
    %b[4 + j] = byte
  }
}
)";

constexpr std::string_view kMxfp4 = R"(
kernel @decode(%b: u8[17]) -> (%y: f32[32]) {
  for i in 0..32 {
    def $0 = cast(u32, %b[0])
    def $1 = bitcast(f32, select(eq($0, 0), 4194304u32, shl($0, 23)))
    def $2 = select(eq($0, 255), bits(f32, 0x7fc00000), $1)
    def $3 = cast(u32, and(shr_logical(%b[1 + floormod(i, 16)], cast(u8, floordiv(i, 16) * 4)), 15))
    def $4 = and($3, 7)
    def $5 = bitcast(f32, or(shl(add(shr_logical($4, 1), 126), 23), shl(and($4, 1), 22)))
    def $6 = bitcast(u32, select(lt($4, 2), mul(cast(f32, $4), 0.5), $5))
    %y[i] = mul(bitcast(f32, or($6, shl(and($3, 8), 28))), $2)
  }
}
kernel @encode(%x: f32[32]) -> (%b: u8[17]) {
  var largest: u32 = 0
  for i in 0..32 { largest = max(largest, and(bitcast(u32, %x[i]), 2147483647)) }
  let exponent: u32 = sub(max(shr_logical(largest, 23), 2), 2)
  let is_finite: bool = lt(largest, 2139095040)
  let r: f32 = bitcast(f32, shl(sub(254, exponent), 23))
  %b[0] = cast(u8, select(is_finite, exponent, 255u32))
  for j in 0..16 {
    var byte: u8 = 0
    for h in 0..2 {
      let v: f32 = mul(%x[16 * h + j], r)
      let a: f32 = abs(v)
      def $0 = add(cast(u8, gt(a, 0.25)), add(cast(u8, ge(a, 0.75)), cast(u8, gt(a, 1.25))))
      def $1 = add(cast(u8, ge(a, 1.75)), add(cast(u8, gt(a, 2.5)), cast(u8, ge(a, 3.5))))
      def $2 = add(add($0, $1), cast(u8, gt(a, 5.0)))
      def $3 = cast(u8, shl(shr_logical(bitcast(u32, v), 31), 3))
      byte = or(byte, shl(select(is_finite, or($2, $3), 0u8), cast(u8, h * 4)))
    }
    %b[1 + j] = byte
  }
}
)";

constexpr FormatText kFormats[] = {
    {"f8_e4m3", BlockOrder::AlongLastAxis, kF8E4M3},
    {"f8_e5m2", BlockOrder::AlongLastAxis, kF8E5M2},
    {"i4", BlockOrder::WholeArray, kI4},
    {"u4", BlockOrder::WholeArray, kU4},
    {"i2", BlockOrder::WholeArray, kI2},
    {"u2", BlockOrder::WholeArray, kU2},
    {"q4_0", BlockOrder::AlongLastAxis, kQ40},
    {"q8_0", BlockOrder::AlongLastAxis, kQ80},
    {"nf4", BlockOrder::AlongLastAxis, kNf4},
    {"mxfp4", BlockOrder::AlongLastAxis, kMxfp4},
};

}  // namespace

std::span<const FormatText> built_in_formats() { return kFormats; }

}  // namespace strata::ir
