// The text form of dimensions: "B*S + 4*B - 1" printed as "B*S + B*4 - 1", "floordiv(B + 1, 2) - 1", and its reader.
#include <fmt/format.h>

#include <charconv>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/dim.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::ir {
namespace {

using base::Error;
using base::Result;

std::string atom_text(const DimAtom& atom) {
  switch (atom.kind) {
    case DimAtom::Kind::Symbol:
      return atom.name;
    case DimAtom::Kind::FloorDiv:
      return fmt::format("floordiv({}, {})", atom.a.str(), atom.b.str());
    case DimAtom::Kind::Mod:
      return fmt::format("mod({}, {})", atom.a.str(), atom.b.str());
    case DimAtom::Kind::Min:
      return fmt::format("min({}, {})", atom.a.str(), atom.b.str());
    case DimAtom::Kind::Max:
      break;
  }
  return fmt::format("max({}, {})", atom.a.str(), atom.b.str());
}

/// The product without the sign of its coefficient.
std::string term_text(const DimTerm& term) {
  const int64_t size = term.coefficient < 0 ? -term.coefficient : term.coefficient;
  std::string text;
  for (const DimAtom* atom : term.atoms) {
    if (!text.empty()) text += '*';
    text += atom_text(*atom);
  }
  if (text.empty()) return std::to_string(size);
  if (size != 1) text += fmt::format("*{}", size);
  return text;
}

/// Longer texts and deeper nests than any program needs are refused, so that hostile ones can't exhaust the stack.
constexpr int kMaxDepth = 64;
constexpr int kMaxFactors = 4096;
constexpr size_t kMaxTerms = 256;

class Reader {
 public:
  Reader(std::string_view text, size_t position) : text_(text), at_(position) {}

  Dim sum() {
    if (++depth_ > kMaxDepth) fail("is nested too deeply");
    const bool negative = accept('-');
    Dim value = term();
    if (negative) value = Dim(0) - value;
    for (;;) {
      if (accept('+'))
        value = value + term();
      else if (accept('-'))
        value = value - term();
      else
        break;
      limit(value);
    }
    --depth_;
    return value;
  }
  size_t position() const { return at_; }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(base::code::kMalformedDim, fmt::format("the dimension {} at position {}", what, at_));
  }

  void limit(Dim d) const {
    if (!d.is_constant() && d.expr()->terms.size() > kMaxTerms) fail("has too many terms");
  }

  static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
  static bool digit(char c) { return c >= '0' && c <= '9'; }

  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  /// Blanks before a character that is not taken are not taken either.
  bool accept(char c) {
    const size_t start = at_;
    if (peek() == c) return ++at_, true;
    at_ = start;
    return false;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("lacks a '{}'", c));
  }

  Dim term() {
    Dim value = factor();
    while (accept('*')) {
      if (++factors_ > kMaxFactors) fail("has too many factors");
      value = value * factor();
      limit(value);
    }
    return value;
  }

  Dim factor() {
    const char c = peek();
    if (digit(c)) return number();
    if (letter(c)) return name_or_call();
    expect('(');
    const Dim value = sum();
    expect(')');
    return value;
  }

  Dim number() {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc() || value > (INT64_MAX >> 1)) fail("has a number of more than 62 bits");
    at_ = end - text_.data();
    return Dim(value);
  }

  Dim name_or_call() {
    const size_t start = at_;
    while (at_ < text_.size() && (letter(text_[at_]) || digit(text_[at_]))) ++at_;
    const std::string_view name = text_.substr(start, at_ - start);
    if (at_ >= text_.size() || text_[at_] != '(') {
      // It becomes the name of a kernel's dimension.
      if (loops::is_reserved_word(name))
        fail(fmt::format("has '{}' as a name, which is a word of the loop language", name));
      return Dim::symbol(name);
    }
    expect('(');
    const Dim a = sum();
    expect(',');
    const Dim b = sum();
    expect(')');
    limit(a);
    limit(b);
    const bool divides = name == "floordiv" || name == "mod" || name == "ceildiv";
    if (divides && b.is_constant() && b.constant() < 1)
      fail(fmt::format("divides by {} in {}, expected a divisor of 1 or more", b.constant(), name));
    if (name == "floordiv") return floor_div(a, b);
    if (name == "mod") return mod(a, b);
    if (name == "ceildiv") return ceil_div(a, b);
    if (name == "min") return min(a, b);
    if (name == "max") return max(a, b);
    Error unknown(base::code::kMalformedDim,
                  fmt::format("the dimension has an unknown function '{}' at position {}", name, start));
    if (const auto near = base::nearest_name(name, {"floordiv", "mod", "ceildiv", "min", "max"}))
      unknown.hint(fmt::format("did you mean '{}'?", *near));
    throw unknown;
  }

  std::string_view text_;
  size_t at_;
  int depth_ = 0, factors_ = 0;
};

}  // namespace

std::string Dim::str() const {
  if (is_constant()) return std::to_string(constant());
  std::string text;
  for (const DimTerm& term : expr()->terms) {
    const bool negative = term.coefficient < 0;
    if (!text.empty()) text += negative ? " - " : " + ";
    if (text.empty() && negative) text += '-';
    text += term_text(term);
  }
  return text;
}

Result<Dim> parse_dim_prefix(std::string_view text, size_t& position) {
  try {
    Reader reader(text, position);
    const Dim value = reader.sum();
    position = reader.position();
    return value;
  } catch (const Error& error) {
    return error;
  }
}

Result<Dim> parse_dim(std::string_view text) {
  size_t position = 0;
  Result<Dim> value = parse_dim_prefix(text, position);
  if (!value.ok()) return value;
  while (position < text.size() && text[position] == ' ') ++position;
  if (position != text.size())
    return Error(base::code::kMalformedDim,
                 fmt::format("the dimension ends at position {} with '{}'", position, text.substr(position, 20)));
  return value;
}

}  // namespace strata::ir
