#include "strata/ir/text/array_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/encoding/block_format.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/loops/text/literal_text.h"

namespace strata::ir {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64_of(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) word = word << 8 | (i + k < bytes.size() ? static_cast<uint32_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text += i + k <= bytes.size() ? kDigits[word >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

/// False if the text is not base64 of exactly these many bytes.
bool read_base64(std::string_view text, std::span<std::byte> bytes) {
  if (text.size() != (bytes.size() + 2) / 3 * 4) return false;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t k = 0; k < 4; ++k) {
      const size_t digit = i + k <= bytes.size() ? kDigits.find(text[i / 3 * 4 + k]) : 0;
      if (digit == std::string_view::npos) return false;
      word = word << 6 | static_cast<uint32_t>(digit);
    }
    for (size_t k = 0; k < 3 && i + k < bytes.size(); ++k)
      bytes[i + k] = static_cast<std::byte>(word >> (16 - 8 * k) & 255);
  }
  return true;
}

uint64_t element_bits(const HostArray& a, int64_t i) {
  const int64_t size = dtype_bytes(a.dtype());
  uint64_t bits = 0;
  std::memcpy(&bits, a.data() + i * size, size);
  return bits;
}

void set_element_bits(HostArray& a, int64_t i, uint64_t bits) {
  const int64_t size = dtype_bytes(a.dtype());
  std::memcpy(a.data() + i * size, &bits, size);
}

std::string element_text(DType dtype, uint64_t bits) {
  return is_bool(dtype) ? (bits ? "true" : "false") : loops::literal_text(dtype, bits, false);
}

/// `bits(f32, 0x7fc00001)`: NaNs with their payload.
uint64_t read_bits(TextLexer& lexer, DType dtype) {
  lexer.expect("(", "behind 'bits'");
  const Token type = lexer.next();
  if (type.text != dtype_name(dtype))
    lexer.fail_at(type.position, fmt::format("expected {}, found '{}'", dtype_name(dtype), type.text));
  lexer.expect(",", "behind the dtype");
  const Token number = lexer.expect(TextToken::Number, "the bits in hexadecimal");
  uint64_t bits = 0;
  const std::string_view digits = number.text.starts_with("0x") ? number.text.substr(2) : "";
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
  const int64_t width = dtype_bytes(dtype) * 8;
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || (width < 64 && bits >> width))
    lexer.fail_at(number.position, fmt::format("expected {} bits in hexadecimal, found '{}'", width, number.text));
  lexer.expect(")", "behind the bits");
  return bits;
}

int64_t constant_dim(TextLexer& lexer) {
  const size_t position = lexer.position();
  const int64_t extent = lexer.integer("an extent");
  if (extent < 0) lexer.fail_at(position, "an extent is at least 0");
  return extent;
}

}  // namespace

std::string array_text(const HostArray& array) {
  std::string text = std::string(array.encoding().name()) + "[";
  for (size_t i = 0; i < array.shape().size(); ++i) text += (i ? "," : "") + std::to_string(array.shape()[i]);
  text += "] ";
  const auto in_base64 = [&] { return text + "base64 \"" + base64_of(std::span(array.data(), array.bytes())) + "\""; };
  if (array.is_encoded()) return in_base64();
  const int64_t count = array.elements();
  if (array.rank() == 0) return text + element_text(array.dtype(), element_bits(array, 0));
  bool is_splat = count > 1;
  for (int64_t i = 1; i < count && is_splat; ++i) is_splat = element_bits(array, i) == element_bits(array, 0);
  if (is_splat) return text + "splat " + element_text(array.dtype(), element_bits(array, 0));
  if (count > kInlineElements) return in_base64();
  text += "[";
  for (int64_t i = 0; i < count; ++i) text += (i ? ", " : "") + element_text(array.dtype(), element_bits(array, i));
  return text + "]";
}

bool begins_element(const TextLexer& lexer) {
  return lexer.peek().kind == TextToken::Number || lexer.is("true") || lexer.is("false") || lexer.is("inf") ||
         lexer.is("nan") || lexer.is("bits") || lexer.is("-");
}

uint64_t read_element(TextLexer& lexer, DType dtype) {
  const size_t position = lexer.position();
  if (is_bool(dtype)) {
    const bool value = lexer.accept("true");
    if (!value) lexer.expect("false", "or 'true'");
    return value;
  }
  if (lexer.accept("bits")) return read_bits(lexer, dtype);
  std::string text = lexer.accept("-") ? "-" : "";
  const Token token = lexer.next();
  if (token.kind == TextToken::Number || token.text == "inf" || token.text == "nan") text += token.text;
  const auto bits = loops::literal_bits(dtype, text);
  if (!bits)
    lexer.fail_at(position, fmt::format("expected an element of {}, found '{}'", dtype_name(dtype),
                                        text.empty() ? token.text : text));
  return *bits;
}

namespace {

HostArray read_bytes(TextLexer& lexer, HostArray array) {
  const Token text = lexer.expect(TextToken::Text, "base64 in quotes");
  if (!read_base64(text.text, std::span(array.data(), array.bytes())))
    lexer.fail_at(text.position, fmt::format("expected base64 of {} bytes", array.bytes()));
  if (is_bool(array.dtype()))  // any other byte would be undefined behaviour to read as a bool
    for (int64_t i = 0; i < array.elements(); ++i)
      if (static_cast<uint8_t>(array.data()[i]) > 1) lexer.fail_at(text.position, "a bool is 0 or 1");
  return array;
}

/// Zeros of the encoding and shape at hand, within the budget.
HostArray read_array_head(TextLexer& lexer, int64_t& budget) {
  const Token type = lexer.peek();
  const auto encoding = type.kind == TextToken::Name ? find_encoding(type.text) : std::nullopt;
  if (!encoding) lexer.fail(fmt::format("expected a dtype, found '{}'", type.text));
  lexer.next();
  lexer.expect("[", "behind the array's dtype");
  std::vector<int64_t> shape;
  // An extent of 0 makes any other extents harmless, and yet their product must not overflow. A block has no more bytes
  // than its elements have in 8 bytes each.
  int64_t bytes = encoding->is_plain() ? dtype_bytes(encoding->dtype()) : 8;
  while (!lexer.accept("]")) {
    if (!shape.empty()) lexer.expect(",", "between extents");
    shape.push_back(constant_dim(lexer));
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(shape.back(), 1), &bytes)) bytes = INT64_MAX;
    if (bytes > budget) lexer.fail_at(type.position, "the literals are larger than what the reader allows");
  }
  HostArray array(*encoding, shape);
  if (array.bytes() > budget) lexer.fail_at(type.position, "the literals are larger than what the reader allows");
  budget -= encoding->is_plain() ? bytes : array.bytes();
  return array;
}

}  // namespace

HostArray read_array(TextLexer& lexer, int64_t& budget) {
  HostArray array = read_array_head(lexer, budget);
  const DType dtype = array.dtype();
  if (array.is_encoded()) {
    lexer.expect("base64", "before the bytes of an encoded array");
    return read_bytes(lexer, std::move(array));
  }
  if (array.rank() == 0) return set_element_bits(array, 0, read_element(lexer, dtype)), array;
  if (lexer.accept("splat")) {
    const uint64_t bits = read_element(lexer, dtype);
    for (int64_t i = 0; i < array.elements(); ++i) set_element_bits(array, i, bits);
    return array;
  }
  if (lexer.accept("base64")) return read_bytes(lexer, std::move(array));
  lexer.expect("[", "before the elements");
  for (int64_t i = 0; i < array.elements(); ++i) {
    if (i) lexer.expect(",", fmt::format("behind element {} of {}", i, array.elements()));
    set_element_bits(array, i, read_element(lexer, dtype));
  }
  lexer.expect("]", "behind the elements");
  return array;
}

std::string print_array(const HostArray& array) { return array_text(array); }

base::Result<HostArray> parse_array(std::string_view text, int64_t largest_bytes) {
  try {
    TextLexer lexer(text, base::code::kMalformedProgram);
    HostArray array = read_array(lexer, largest_bytes);
    if (!lexer.at_end()) lexer.fail("expected the end behind the array, found " + lexer.found());
    return array;
  } catch (const base::Error& error) {
    return error;
  }
}

}  // namespace strata::ir
