#include "strata/text/pretokenize/gpt2_split.h"

#include <array>
#include <cstdint>

#include "strata/text/unicode/category.h"
#include "strata/text/unicode/utf8.h"

namespace strata::text {
namespace {

// The class of each byte: those of Category for ASCII, kMultiByte for the rest.
constexpr std::uint8_t kRest = 0, kLetter = 1, kNumber = 2, kSpace = 3, kMultiByte = 4;

constexpr std::array<std::uint8_t, 256> make_byte_classes() {
  std::array<std::uint8_t, 256> table{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    table[c] = c >= 0x80 ? kMultiByte : letter ? kLetter : c >= '0' && c <= '9' ? kNumber : space ? kSpace : kRest;
  }
  return table;
}

constexpr std::array<std::uint8_t, 256> kByteClass = make_byte_classes();

struct ClassedChar {
  std::uint8_t category;
  std::uint32_t bytes;
};

std::uint8_t byte_class(const char* p) { return kByteClass[static_cast<std::uint8_t>(*p)]; }

ClassedChar class_at(const char* p, const char* end) {
  const std::uint8_t quick = byte_class(p);
  if (quick != kMultiByte) return {quick, 1};
  const DecodedChar c = decode_utf8(std::string_view(p, end - p));
  return {static_cast<std::uint8_t>(category_of(c.code_point)), c.bytes};
}

// The end of the run of characters of one category that begins at p.
const char* skip_run(const char* p, const char* end, std::uint8_t category) {
  while (p < end) {
    const std::uint8_t quick = byte_class(p);
    if (quick == category) {
      ++p;
      continue;
    }
    if (quick != kMultiByte) break;
    const ClassedChar c = class_at(p, end);
    if (c.category != category) break;
    p += c.bytes;
  }
  return p;
}

// Bytes of the contraction ('s 't 'm 'd 're 've 'll) at the apostrophe p; 0 if there is none.
int contraction_bytes(const char* p, const char* end) {
  if (end - p < 2) return 0;
  const char first = p[1];
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (end - p < 3) return 0;
  const char second = p[2];
  const bool two =
      (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
  return two ? 3 : 0;
}

// \s+(?!\S)|\s+ : a run that text follows leaves its last character to the next word, if it has another.
const char* end_of_space(const char* begin, const char* end) {
  const char* last = begin;
  const char* p = begin;
  while (p < end) {
    const ClassedChar c = class_at(p, end);
    if (c.category != kSpace) break;
    last = p;
    p += c.bytes;
  }
  return p == end || last == begin ? p : last;
}

}  // namespace

const char* Gpt2Splitter::end_of_word(const char* begin, const char* end) {
  const char* p = begin;
  if (*p == '\'') {
    if (const int bytes = contraction_bytes(p, end)) return p + bytes;
  }
  if (*p == ' ' && p + 1 < end) ++p;  // the optional space before a word
  const ClassedChar c = class_at(p, end);
  if (c.category == kSpace) return end_of_space(begin, end);
  return skip_run(p + c.bytes, end, c.category);
}

}  // namespace strata::text
