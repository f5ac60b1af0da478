// The hand-written splitter against the published pattern run by PCRE2, on random Unicode text.
#include "strata/text/pretokenize/gpt2_split.h"

#include <gtest/gtest.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <random>
#include <string>
#include <vector>

#include "strata/text/unicode/category.h"
#include "strata/text/unicode/utf8.h"

namespace strata::text {
namespace {

class Pattern {
 public:
  explicit Pattern(const char* source) {
    int error = 0;
    PCRE2_SIZE where = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source), PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &error,
                          &where, nullptr);
    match_ = pcre2_match_data_create_from_pattern(code_, nullptr);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  ~Pattern() {
    pcre2_match_data_free(match_);
    pcre2_code_free(code_);
  }

  std::vector<std::string> all(const std::string& text) {
    std::vector<std::string> matches;
    for (std::size_t at = 0; at < text.size();) {
      if (pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, PCRE2_NO_UTF_CHECK, match_,
                      nullptr) < 0)
        break;
      const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match_);
      matches.push_back(text.substr(range[0], range[1] - range[0]));
      at = range[1];
    }
    return matches;
  }

 private:
  pcre2_code* code_;
  pcre2_match_data* match_;
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  Gpt2Splitter splitter(text);
  for (std::string_view word; splitter.next(word);) words.emplace_back(word);
  return words;
}

std::string utf8(char32_t c) {
  std::string bytes;
  append_utf8(c, bytes);
  return bytes;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += word;
  return text;
}

// All code points that PCRE2's (older) Unicode version assigns, by our class.
std::vector<char32_t> assigned_code_points() {
  Pattern assigned("\\P{Cn}");
  std::vector<char32_t> points;
  std::string block;
  for (char32_t base = 0; base < 0x110000; base += 256) {
    block.clear();
    for (char32_t c = base; c < base + 256; ++c) {
      if (c < 0xD800 || c >= 0xE000) block += utf8(c);
    }
    for (const std::string& one : assigned.all(block)) points.push_back(decode_utf8(one).code_point);
  }
  return points;
}

TEST(Category, AgreesWithPcre2OnEveryAssignedCodePoint) {
  std::string text;
  std::string expected[4];
  for (char32_t c : assigned_code_points()) {
    text += utf8(c);
    expected[static_cast<int>(category_of(c))] += utf8(c);
  }
  EXPECT_EQ(joined(Pattern("\\p{L}").all(text)), expected[static_cast<int>(Category::Letter)]);
  EXPECT_EQ(joined(Pattern("\\p{N}").all(text)), expected[static_cast<int>(Category::Number)]);
  // PCRE2's \s has U+180E, which Unicode took from White_Space in version 6.3.
  EXPECT_EQ(joined(Pattern("(?!\\x{180E})\\s").all(text)), expected[static_cast<int>(Category::Space)]);
}

TEST(Category, IsRestOutsideUnicode) {
  for (char32_t c : {char32_t{0xD800}, char32_t{0x10FFFF}, char32_t{0x110000}, char32_t{0xFFFFFFFF}}) {
    EXPECT_EQ(category_of(c), Category::Rest);
  }
}

TEST(Gpt2Splitter, EqualsThePatternOnRandomText) {
  Pattern pattern("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");
  std::vector<char32_t> rare = assigned_code_points();
  std::erase(rare, char32_t{0x180E});
  const std::u32string spaces = U" \t\n\r\v\f\u0085\u00A0\u2003\u2028\u3000", marks = U"'!?.,-#\u0301\u200B\U0001F642";
  const std::u32string letters = U"strevmldRSTaz\u00E9\u0436\u4E2D", numbers = U"0179\u00BD\u0663";
  std::mt19937 random(7);
  const auto from = [&](const auto& pool) { return pool[random() % pool.size()]; };
  for (int trial = 0; trial < 20000; ++trial) {
    std::string text;
    for (int left = random() % 24; left > 0; --left) {
      const char32_t kinds[] = {U' ',          U'\'',         from(spaces),  from(marks),
                                from(letters), from(letters), from(numbers), from(rare)};
      text += utf8(kinds[random() % 8]);
    }
    ASSERT_EQ(split(text), pattern.all(text)) << "text: " << text;
  }
}

TEST(Gpt2Splitter, CutsWhatThePaperShows) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(split(""), Words{});
  EXPECT_EQ(split("it's 42  of 'em"), (Words{"it", "'s", " 42", " ", " of", " '", "em"}));
  EXPECT_EQ(split("IT'S we'll"), (Words{"IT", "'", "S", " we", "'ll"}));
  EXPECT_EQ(split("a \n\n b"), (Words{"a", " \n\n", " b"}));
  EXPECT_EQ(split("  "), (Words{"  "}));
}

TEST(Gpt2Splitter, KeepsEveryByteOfInvalidTextAndCutsAsIfReplaced) {
  std::mt19937 random(11);
  for (int trial = 0; trial < 5000; ++trial) {
    std::string text;
    for (int left = random() % 20; left > 0; --left) {
      text += random() % 3 ? static_cast<char>(random() % 256) : "a '\n"[random() % 4];
    }
    const std::vector<std::string> words = split(text);
    ASSERT_EQ(joined(words), text);
    std::vector<std::string> shown;
    for (const std::string& word : words) shown.push_back(replace_invalid_utf8(word));
    ASSERT_EQ(split(replace_invalid_utf8(text)), shown);
  }
}

}  // namespace
}  // namespace strata::text
