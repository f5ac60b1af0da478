#include "strata/text/unicode/utf8.h"

#include <cstring>

namespace strata::text {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }

// What the lead byte announces: bytes in all and the range of the second byte (which excludes overlong forms,
// surrogates and values beyond U+10FFFF). length 0: not a lead byte.
struct Lead {
  std::uint32_t length;
  std::uint8_t second_min, second_max;
};

Lead lead_of(std::uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte < 0xF0) {
    return {3, std::uint8_t(byte == 0xE0 ? 0xA0 : 0x80), std::uint8_t(byte == 0xED ? 0x9F : 0xBF)};
  }
  if (byte < 0xF5) {
    return {4, std::uint8_t(byte == 0xF0 ? 0x90 : 0x80), std::uint8_t(byte == 0xF4 ? 0x8F : 0xBF)};
  }
  return {0, 0, 0};
}

// How many bytes of `text` fit the sequence that its lead announces; the sequence is whole if that is lead.length.
std::uint32_t matching_bytes(std::string_view text, const Lead& lead) {
  std::uint32_t matched = 1;
  while (matched < lead.length && matched < text.size()) {
    const std::uint8_t byte = byte_at(text, matched);
    const bool fits = matched == 1 ? byte >= lead.second_min && byte <= lead.second_max : (byte & 0xC0) == 0x80;
    if (!fits) break;
    ++matched;
  }
  return matched;
}

bool eight_ascii(const char* p) {
  std::uint64_t word;
  std::memcpy(&word, p, 8);
  return (word & 0x8080808080808080ull) == 0;
}

}  // namespace

DecodedChar decode_utf8(std::string_view text) {
  const std::uint8_t first = byte_at(text, 0);
  const Lead lead = lead_of(first);
  if (lead.length == 1) return {first, 1, true};
  if (lead.length == 0) return {kReplacementCharacter, 1, false};
  const std::uint32_t matched = matching_bytes(text, lead);
  if (matched < lead.length) return {kReplacementCharacter, matched, false};
  char32_t code_point = first & (0x7Fu >> lead.length);
  for (std::uint32_t i = 1; i < lead.length; ++i) code_point = code_point << 6 | (byte_at(text, i) & 0x3F);
  return {code_point, lead.length, true};
}

void append_utf8(char32_t c, std::string& out) {
  if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) c = kReplacementCharacter;
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int continuations = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  const std::uint32_t marker = continuations == 1 ? 0xC0 : continuations == 2 ? 0xE0 : 0xF0;
  out += static_cast<char>(marker | c >> (6 * continuations));
  for (int i = continuations - 1; i >= 0; --i) out += static_cast<char>(0x80 | (c >> (6 * i) & 0x3F));
}

std::size_t first_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (at + 8 <= text.size() && eight_ascii(text.data() + at)) {
      at += 8;
      continue;
    }
    const DecodedChar c = decode_utf8(text.substr(at));
    if (!c.valid) return at;
    at += c.bytes;
  }
  return at;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t good = first_invalid_utf8(text);
    out += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    append_utf8(kReplacementCharacter, out);
    text.remove_prefix(decode_utf8(text).bytes);
  }
  return out;
}

std::size_t incomplete_utf8_tail(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const std::string_view tail = text.substr(text.size() - back);
    const std::uint8_t byte = byte_at(tail, 0);
    if ((byte & 0xC0) == 0x80) continue;
    const Lead lead = lead_of(byte);
    return lead.length > back && matching_bytes(tail, lead) == back ? back : 0;
  }
  return 0;
}

}  // namespace strata::text
