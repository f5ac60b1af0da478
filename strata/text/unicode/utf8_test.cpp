// Decoding against the table of well-formed sequences, replacement by maximal subparts, and what a stream holds back.
#include "strata/text/unicode/utf8.h"

#include <gtest/gtest.h>

namespace strata::text {
namespace {

TEST(Utf8, EveryCodePointSurvivesWritingAndReading) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string bytes;
    append_utf8(c, bytes);
    const DecodedChar read = decode_utf8(bytes);
    ASSERT_TRUE(read.valid) << static_cast<std::uint32_t>(c);
    ASSERT_EQ(read.code_point, c);
    ASSERT_EQ(read.bytes, bytes.size());
  }
}

TEST(Utf8, SurrogatesAndValuesBeyondUnicodeAreWrittenAsReplacement) {
  for (char32_t c : {char32_t{0xD800}, char32_t{0xDFFF}, char32_t{0x110000}, char32_t{0xFFFFFFFF}}) {
    std::string bytes;
    append_utf8(c, bytes);
    EXPECT_EQ(bytes, "\xEF\xBF\xBD");
  }
}

TEST(Utf8, EachMaximalSubpartBecomesOneReplacement) {
  const std::string r = "\xEF\xBF\xBD";
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"plain ascii, longer than eight", "plain ascii, longer than eight"},
      {"\x80", r},                          // a continuation alone
      {"\xC0\xAF", r + r},                  // overlong
      {"\xE0\x9F\xBF", r + r + r},          // overlong
      {"\xED\xA0\x80", r + r + r},          // surrogate
      {"\xF4\x90\x80\x80", r + r + r + r},  // beyond U+10FFFF
      {"\xF5", r},
      {"a\xE2\x82", "a" + r},         // cut short at the end
      {"a\xE2\x82z", "a" + r + "z"},  // cut short by another character
      {"\xF0\x9F\x99\xF0\x9F\x99\x82", r + "\xF0\x9F\x99\x82"},
      {"\xF1\x80\x80\xE1\x80\xC2"
       "b\x80",
       r + r + r + "b" + r},  // the example of the Unicode standard
  };
  for (const auto& [bytes, expected] : cases) EXPECT_EQ(replace_invalid_utf8(bytes), expected);
}

TEST(Utf8, FirstInvalidIsFoundAtEveryOffset) {
  for (std::size_t at = 0; at < 40; ++at) {
    std::string text(40, 'x');
    EXPECT_EQ(first_invalid_utf8(text), text.size());
    text[at] = '\xFF';
    EXPECT_EQ(first_invalid_utf8(text), at);
  }
}

TEST(Utf8, IncompleteTailCountsOnlyWhatMoreBytesCanComplete) {
  EXPECT_EQ(incomplete_utf8_tail(""), 0u);
  EXPECT_EQ(incomplete_utf8_tail("abc"), 0u);
  EXPECT_EQ(incomplete_utf8_tail("a\xC3"), 1u);
  EXPECT_EQ(incomplete_utf8_tail("a\xC3\xA9"), 0u);
  EXPECT_EQ(incomplete_utf8_tail("a\xE2\x82"), 2u);
  EXPECT_EQ(incomplete_utf8_tail("a\xF0\x9F\x99"), 3u);
  EXPECT_EQ(incomplete_utf8_tail("a\xF0\x9F\x99\x82"), 0u);
  EXPECT_EQ(incomplete_utf8_tail("a\xE0\x80"), 0u);  // overlong: nothing can complete it
  EXPECT_EQ(incomplete_utf8_tail("\x80\x80\x80\x80"), 0u);
}

}  // namespace
}  // namespace strata::text
