#include "strata/ir/text/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace strata::ir {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_letter(c) || is_digit(c); }
bool is_name_part(char c) { return is_word(c) || c == '.'; }

constexpr std::string_view kPairs[] = {"->", ">=", "==", ".."};

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

void TextLexer::skip_blanks() {
  while (at_ < source_.size()) {
    const char c = source_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at_;
    } else if (c == '/' && source_.substr(at_, 2) == "//") {
      at_ = std::min(source_.find('\n', at_), source_.size());
    } else {
      return;
    }
  }
}

void TextLexer::take(TextToken kind, size_t first, size_t last, size_t next) {
  token_.kind = kind;
  token_.text = source_.substr(first, last - first);
  at_ = next;
}

size_t TextLexer::end_of_word(size_t from, bool has_dots) const {
  while (from < source_.size() && (has_dots ? is_name_part(source_[from]) : is_word(source_[from]))) ++from;
  return from;
}

void TextLexer::advance() {
  skip_blanks();
  token_ = {TextToken::End, {}, {}, at_};
  if (at_ >= source_.size()) return;
  const char c = source_[at_], next = at_ + 1 < source_.size() ? source_[at_ + 1] : '\0';
  if (is_letter(c)) {
    const size_t end = end_of_word(at_, false);
    return take(TextToken::Name, at_, end, end);
  }
  if (is_digit(c) && has_expressions()) return number_in_expression();
  if (!has_expressions() && (is_digit(c) || (c == '-' && is_digit(next)))) return literal();
  if ((c == '%' || c == '@' || (c == '$' && has_expressions())) && is_word(next)) {
    const size_t end = end_of_word(at_ + 1, !has_expressions());
    const TextToken kind = c == '%' ? TextToken::Value : c == '@' ? TextToken::Function : TextToken::Definition;
    return take(kind, at_ + 1, end, end);
  }
  if (c == '"') {
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != '"' && source_[end] != '\n') end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size() || source_[end] != '"') fail_at(at_, "expected a closing quote on the same line");
    return take(TextToken::Text, at_ + 1, end, end + 1);
  }
  if (next == '>' || next == '=' || next == '.')
    for (std::string_view pair : kPairs)
      if (source_.substr(at_, 2) == pair) return take(TextToken::Symbol, at_, at_ + 2, at_ + 2);
  take(TextToken::Symbol, at_, at_ + 1, at_ + 1);
}

/// Whatever may belong to a number, "1e-5" and "0x7fc0" too; who reads it knows what it should be.
void TextLexer::literal() {
  size_t end = at_ + (source_[at_] == '-' ? 1 : 0);
  const auto is_sign_of_exponent = [&] {
    return (source_[end] == '-' || source_[end] == '+') && (source_[end - 1] == 'e' || source_[end - 1] == 'E');
  };
  while (end < source_.size() && (is_name_part(source_[end]) || is_sign_of_exponent())) ++end;
  take(TextToken::Number, at_, end, end);
}

/// digits [. digits] [e [+-] digits] suffix, or 0x hex digits; "0..B" is a number and a range.
void TextLexer::number_in_expression() {
  const auto at = [&](size_t i) { return i < source_.size() ? source_[i] : '\0'; };
  const auto digits = [&](size_t i) {
    while (is_digit(at(i))) ++i;
    return i;
  };
  size_t end = at_;
  if (at(end) == '0' && at(end + 1) == 'x') {
    end += 2;
    while (is_digit(at(end)) || (at(end) >= 'a' && at(end) <= 'f')) ++end;
    return take(TextToken::Number, at_, end, end);
  }
  end = digits(end);
  if (at(end) == '.' && is_digit(at(end + 1))) end = digits(end + 1);
  const size_t sign = at(end + 1) == '-' || at(end + 1) == '+' ? 1 : 0;
  if (at(end) == 'e' && is_digit(at(end + 1 + sign))) end = digits(end + 1 + sign);
  const size_t behind = end_of_word(end, false);
  token_.suffix = source_.substr(end, behind - end);
  take(TextToken::Number, at_, end, behind);
}

Token TextLexer::next() {
  const Token token = token_;
  advance();
  return token;
}

bool TextLexer::is(std::string_view text) const {
  return (token_.kind == TextToken::Name || token_.kind == TextToken::Symbol) && token_.text == text;
}

bool TextLexer::accept(std::string_view text) {
  if (!is(text)) return false;
  advance();
  return true;
}

void TextLexer::expect(std::string_view text, std::string_view where) {
  if (!accept(text)) fail(fmt::format("expected '{}' {}, found {}", text, where, found()));
}

Token TextLexer::expect(TextToken kind, std::string_view what) {
  if (token_.kind != kind) fail(fmt::format("expected {}, found {}", what, found()));
  return next();
}

int64_t TextLexer::integer(std::string_view what) {
  const size_t position = token_.position;
  const bool is_negative = has_expressions() && accept("-");
  const Token token = expect(TextToken::Number, what);
  const std::string text = (is_negative ? "-" : "") + std::string(token.text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !token.suffix.empty())
    fail_at(position, fmt::format("expected {} of 64 bits, found '{}{}'", what, text, token.suffix));
  return value;
}

void TextLexer::go_to(size_t position) {
  at_ = position;
  advance();
}

std::string_view TextLexer::rest_of_line() {
  const size_t end = std::min(source_.find('\n', at_), source_.size());
  std::string_view rest = source_.substr(at_, end - at_);
  if (const size_t comment = rest.find("//"); comment != rest.npos) rest = rest.substr(0, comment);
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
  while (!rest.empty() && (rest.back() == ' ' || rest.back() == '\t' || rest.back() == '\r')) rest.remove_suffix(1);
  go_to(end);
  return rest;
}

std::string TextLexer::place(size_t position) const {
  const std::string_view before = source_.substr(0, std::min(position, source_.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t start = before.rfind('\n');
  return fmt::format("line {}, column {}", line, start == before.npos ? before.size() + 1 : before.size() - start);
}

std::string TextLexer::found() const {
  if (at_end()) return "the end";
  const size_t end = std::min({source_.size(), std::max(at_, token_.position + 1), token_.position + 40});
  return fmt::format("'{}'", source_.substr(token_.position, end - token_.position));
}

void TextLexer::fail_at(size_t position, const std::string& what, const std::string& hint) const {
  base::Error error(code_, fmt::format("{}: {}", place(position), what));
  if (!hint.empty()) error.hint(hint);
  throw error;
}

std::string unescaped(std::string_view quoted) {
  std::string text;
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] != '\\' || i + 1 == quoted.size()) {
      text += quoted[i];
      continue;
    }
    const char c = quoted[++i];
    const int high = c == 'x' && i + 2 < quoted.size() ? hex_digit(quoted[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(quoted[i + 2]) : -1;
    if (low >= 0) {
      text += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      text += c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
  }
  return text;
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      result += std::string("\\") + c;
    else if (c == '\n')
      result += "\\n";
    else if (c == '\t')
      result += "\\t";
    else if (byte < 0x20 || byte == 0x7f)
      result += fmt::format("\\x{:02x}", byte);
    else
      result += c;
  }
  return result + "\"";
}

std::string usable_name(std::string_view name, std::string_view fallback) {
  std::string text(name);
  for (char& c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.')) c = '_';
  if (text.empty()) text = fallback;
  if (text[0] >= '0' && text[0] <= '9') text = "_" + text;
  if (text[0] == '.') text[0] = '_';
  return text;
}

}  // namespace strata::ir
