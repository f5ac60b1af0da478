#include "strata/ir/loops/text/lexer.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::ir::loops {
namespace {

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void Lexer::fail_at(size_t position, std::string what, std::string hint) const {
  const std::string_view before = source_.substr(0, std::min(position, source_.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t start = before.rfind('\n');
  const size_t column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
  base::Error error("E0120", fmt::format("line {}, column {}: {}", line, column, what));
  if (!hint.empty()) error.hint(std::move(hint));
  throw error;
}

std::string Lexer::found() const {
  if (token_.kind == TokenKind::End) return "the end of the text";
  return fmt::format("'{}'", source_.substr(token_.position, std::max<size_t>(1, at_ - token_.position)).substr(0, 40));
}

void Lexer::skip_blanks() {
  for (; at_ < source_.size(); ++at_) {
    const char c = source_[at_];
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
    if (source_.substr(at_, 2) != "//") return;
    while (at_ + 1 < source_.size() && source_[at_ + 1] != '\n') ++at_;
  }
}

void Lexer::advance() {
  skip_blanks();
  token_ = {TokenKind::End, {}, {}, at_};
  if (at_ >= source_.size()) return;
  const char c = source_[at_];
  const auto word = [&](size_t from) {
    size_t end = from;
    while (end < source_.size() && (letter(source_[end]) || digit(source_[end]))) ++end;
    at_ = end;
    return source_.substr(from, end - from);
  };
  if (letter(c)) {
    token_.kind = TokenKind::Name;
    token_.text = word(at_);
    return;
  }
  if (digit(c)) return number();
  if (c == '%' || c == '@' || c == '$') {
    const std::string_view name = word(at_ + 1);
    if (!name.empty()) {
      token_.kind = c == '%' ? TokenKind::Buffer : c == '@' ? TokenKind::Kernel : TokenKind::Definition;
      token_.text = name;
      return;
    }
    at_ = token_.position;
  }
  token_.kind = TokenKind::Symbol;
  for (std::string_view pair : {"..", "->", ">=", "=="})
    if (source_.substr(at_, 2) == pair) token_.text = pair;
  if (token_.text.empty()) token_.text = source_.substr(at_, 1);
  at_ += token_.text.size();
}

/// digits [. digits] [e [+-] digits] suffix, or 0x hex digits; "0..B" is a number and a range.
void Lexer::number() {
  token_.kind = TokenKind::Number;
  const size_t start = at_;
  const auto digits = [&] {
    while (at_ < source_.size() && digit(source_[at_])) ++at_;
  };
  const auto at = [&](size_t i) { return i < source_.size() ? source_[i] : '\0'; };
  if (source_[at_] == '0' && at(at_ + 1) == 'x') {
    at_ += 2;
    while (digit(at(at_)) || (at(at_) >= 'a' && at(at_) <= 'f')) ++at_;
    token_.text = source_.substr(start, at_ - start);
    return;
  }
  digits();
  if (at(at_) == '.' && digit(at(at_ + 1))) {
    ++at_;
    digits();
  }
  const size_t sign = at(at_ + 1) == '-' || at(at_ + 1) == '+' ? 1 : 0;
  if (at(at_) == 'e' && digit(at(at_ + 1 + sign))) {
    at_ += 1 + sign;
    digits();
  }
  token_.text = source_.substr(start, at_ - start);
  const size_t suffix = at_;
  while (letter(at(at_)) || digit(at(at_))) ++at_;
  token_.suffix = source_.substr(suffix, at_ - suffix);
}

void Lexer::go_to(size_t position) {
  at_ = position;
  advance();
}

Token Lexer::next() {
  const Token taken = token_;
  advance();
  return taken;
}

bool Lexer::is(std::string_view text) const {
  return (token_.kind == TokenKind::Name || token_.kind == TokenKind::Symbol) && token_.text == text;
}

bool Lexer::accept(std::string_view text) {
  if (!is(text)) return false;
  advance();
  return true;
}

void Lexer::expect(std::string_view text, std::string_view where) {
  if (!accept(text)) fail(fmt::format("expected '{}' {}, found {}", text, where, found()));
}

}  // namespace strata::ir::loops
