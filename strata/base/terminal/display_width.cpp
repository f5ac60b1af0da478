#include "strata/base/terminal/display_width.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "strata/base/bytes/utf8.h"

namespace strata::base {
namespace {

struct Span32 {
  uint32_t first, last;
};

// Blocks of combining marks and invisible code points (Unicode 15), the common ones.
constexpr Span32 kZeroWidth[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},
                                 {0x064B, 0x065F}, {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x2064},
                                 {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}};
// East Asian Wide and Fullwidth, and emoji.
constexpr Span32 kTwoWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},  {0x3400, 0x4DBF},
                               {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xAC00, 0xD7A3},  {0xF900, 0xFAFF},
                               {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
                               {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

template <size_t N>
bool inside(const Span32 (&spans)[N], uint32_t code) {
  return std::any_of(std::begin(spans), std::end(spans), [&](Span32 s) { return code >= s.first && code <= s.last; });
}

/// What stands at the beginning of the text: its bytes and columns.
struct Glyph {
  size_t bytes, columns;
};

/// An escape sequence ESC [ ... letter, as colours are.
size_t escape_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  for (size_t i = 2; i < text.size(); ++i)
    if (text[i] >= '@' && text[i] <= '~') return i + 1;
  return text.size();
}

Glyph first_glyph(std::string_view text) {
  if (const size_t escape = escape_length(text)) return {escape, 0};
  const size_t length = utf8_length(text);
  if (length <= 1) return {1, 1};
  uint32_t code = static_cast<unsigned char>(text[0]) & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) code = (code << 6) | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  if (inside(kZeroWidth, code)) return {length, 0};
  return {length, inside(kTwoWide, code) ? size_t{2} : size_t{1}};
}

}  // namespace

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    width += glyph.columns;
    text.remove_prefix(glyph.bytes);
  }
  return width;
}

std::string fit_to(std::string_view text, size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  std::string kept;
  size_t width = 0;
  bool escapes = false;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    const bool is_escape = text.starts_with("\x1b[");
    escapes = escapes || is_escape;
    if (width + glyph.columns > columns - 1) break;
    kept += text.substr(0, glyph.bytes);
    width += glyph.columns;
    text.remove_prefix(glyph.bytes);
  }
  return kept + "…" + (escapes ? "\x1b[0m" : "");
}

std::string pad_to(std::string_view text, size_t columns, Align align) {
  const size_t width = display_width(text);
  const std::string space(width < columns ? columns - width : 0, ' ');
  return align == Align::Left ? std::string(text) + space : space + std::string(text);
}

}  // namespace strata::base
