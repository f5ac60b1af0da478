// Declarations of encodings: what is one, what is refused, and which names stand for which format.
#include "strata/ir/encoding/encoding.h"

#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/ir/encoding/block_format.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/host_array.h"
#include "strata/ir/type.h"

namespace strata::ir {
namespace {

using base::message_of;

constexpr const char* kDecode =
    "kernel @decode(%b: u8[3]) -> (%y: f32[2]) { for i in 0..2 { %y[i] = mul(cast(f32, %b[1 + i]), cast(f32, %b[0])) } "
    "}";

std::string refusal(const char* text) {
  return message_of([&] { declare_encoding("attempt", text); });
}

TEST(EncodingTable, OneDescriptionIsOneFormat) {
  const Encoding e = declare_encoding("pairs", kDecode);
  EXPECT_EQ(e, declare_encoding("pairs", kDecode));
  EXPECT_EQ(e, encoding_named("pairs"));
  EXPECT_EQ(e.dtype(), DType::u8);
  EXPECT_EQ(e.value_dtype(), DType::f32);
  EXPECT_EQ(Type::of(e, {Dim::symbol("B"), 6}).str(), "pairs[B,6]");
  EXPECT_EQ(Type::of(e, {4, 6}).stored().str(), "u8[4,3,3]");
  EXPECT_EQ(Type::of(e, {4, 6}).bytes(), Dim(36));
  EXPECT_EQ(Type::of(encoding_named("i4"), {3, 5}).stored().str(), "u8[8]");
  EXPECT_EQ(Type::of(encoding_named("i4"), {}).stored().str(), "u8[1]");
  EXPECT_EQ(Type::of(encoding_named("f8_e4m3"), {3, 5}).stored().str(), "u8[3,5]");
}

TEST(EncodingTable, E0141NamesWhatADescriptionLacks) {
  EXPECT_EQ(refusal(""), "error[E0141]: encoding attempt: there is no kernel @decode");
  EXPECT_EQ(refusal("kernel @decode(%b: u8[N]) -> (%y: f32[2]) { for i in 0..2 { %y[i] = cast(f32, %b[i]) } }"),
            "error[E0141]: encoding attempt: @decode should read one buffer and write another");
  EXPECT_EQ(refusal("kernel @decode(%b: i8[2]) -> (%y: f32[2]) { for i in 0..2 { %y[i] = cast(f32, %b[i]) } }"),
            "error[E0141]: encoding attempt: @decode should read u8");
  EXPECT_EQ(refusal("kernel @decode(%b: u8[2]) -> (%y: f32[2]) { %y[0] = cast(f32, %b[0]) }"),
            "error[E0141]: encoding attempt: the body of @decode should be: for i in 0..2 { %y[i] = ... }");
  EXPECT_EQ(refusal("kernel @decode(%b: u8[99]) -> (%y: f32[2]) { for i in 0..2 { %y[i] = cast(f32, %b[i]) } }"),
            "error[E0141]: encoding attempt: a block has at most 8 bytes an element");
  EXPECT_EQ(refusal("kernel @decode(%b: u8[2]) -> (%y: f32[2]) { for i in 0..2 { %y[i] = cast(f32, %b[i]) } }"
                    "kernel @encode(%x: f32[3]) -> (%b: u8[2]) { %b[0] = cast(u8, %x[0]) }"),
            "error[E0141]: encoding attempt: @encode should make u8[2] of f32[2], as @decode reads it");
  EXPECT_TRUE(refusal("kernel @decode(").starts_with("error[E0120]: line 1"));
}

TEST(EncodingTable, E0142KeepsNamesAndFormatsOneToOne) {
  declare_encoding("pairs", kDecode);
  EXPECT_EQ(refusal(kDecode), "error[E0142]: encoding attempt: that is pairs under another name\nhint: write pairs");
  EXPECT_EQ(message_of([] {
              declare_encoding(
                  "pairs", "kernel @decode(%b: u8[1]) -> (%y: f32[1]) { for i in 0..1 { %y[i] = cast(f32, %b[i]) } }");
            }),
            "error[E0142]: encoding pairs: another format has this name");
  EXPECT_EQ(message_of([] { declare_encoding("f32", kDecode); }),
            "error[E0142]: encoding f32: that is the name of a dtype");
  EXPECT_EQ(message_of([] { encoding_named("q4_1"); }),
            "error[E0142]: there is no encoding named 'q4_1'\nhint: did you mean 'q4_0'?");
}

TEST(EncodingTable, ArraysOfBlocksAreTexts) {
  HostArray a(encoding_named("q4_0"), {2, 32});
  for (int64_t i = 0; i < a.bytes(); ++i) a.data()[i] = static_cast<std::byte>(i * 7);
  const std::string text = print_array(a);
  EXPECT_TRUE(text.starts_with("q4_0[2,32] base64 \"")) << text;
  EXPECT_TRUE(parse_array(text, 1 << 20).value().same_bits(a));
  EXPECT_TRUE(message_of([] { (void)parse_array("q4_0[2,32] splat 1", 1 << 20).value(); }).starts_with("error[E0130]"));
  EXPECT_TRUE(
      message_of([] { (void)parse_array("q4_0[2,33] base64 \"\"", 1 << 20).value(); }).starts_with("error[E0144]"));
}

}  // namespace
}  // namespace strata::ir
