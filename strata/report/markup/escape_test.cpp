#include "strata/report/markup/escape.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace strata::report {
namespace {

const std::string kBad = "\xEF\xBF\xBD";

TEST(EscapeMarkup, EscapesTheFiveMarkupCharacters) {
  EXPECT_EQ(escape_markup("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

TEST(EscapeMarkup, KeepsValidUtf8TabAndNewline) {
  EXPECT_EQ(escape_markup("gr\xC3\xBC\xC3\x9F\t\n\xF0\x9F\x98\x80"), "gr\xC3\xBC\xC3\x9F\t\n\xF0\x9F\x98\x80");
}

TEST(EscapeMarkup, ReplacesEachInvalidByte) {
  EXPECT_EQ(escape_markup("a\xFF"), "a" + kBad);
  EXPECT_EQ(escape_markup("\xC3"), kBad);                                   // truncated
  EXPECT_EQ(escape_markup("\xC0\xAF"), kBad + kBad);                        // overlong '/'
  EXPECT_EQ(escape_markup("\xED\xA0\x80"), kBad + kBad + kBad);             // surrogate
  EXPECT_EQ(escape_markup("\xF4\x90\x80\x80"), kBad + kBad + kBad + kBad);  // above U+10FFFF
}

TEST(EscapeMarkup, ReplacesControlsThatXmlRefuses) {
  EXPECT_EQ(escape_markup(std::string_view("\0\x1b[31m\r\x7f", 8)), kBad + kBad + "[31m" + kBad + kBad);
  EXPECT_EQ(escape_markup("\xC2\x85\xEF\xBF\xBF"), kBad + kBad);
}

TEST(EscapeMarkup, CountsCodePointsNotBytes) {
  EXPECT_EQ(code_points("gr\xC3\xBCn"), 4u);
  EXPECT_EQ(code_points("\xFF\xC3"), 2u);
  EXPECT_EQ(code_points(""), 0u);
}

TEST(Coordinate, TrimsZerosAndNeverSaysMinusZero) {
  EXPECT_EQ(coordinate(12.0), "12");
  EXPECT_EQ(coordinate(0.5), "0.5");
  EXPECT_EQ(coordinate(-0.001), "0");
  EXPECT_EQ(coordinate(100.0), "100");
  EXPECT_EQ(coordinate(1.005e1), "10.05");
  EXPECT_EQ(coordinate(std::nan("")), "0");
  EXPECT_EQ(coordinate(std::numeric_limits<double>::infinity()), "0");
}

}  // namespace
}  // namespace strata::report
