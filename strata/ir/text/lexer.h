// Tokens of the texts of all levels: the tensor program, the plan and the loop program.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "strata/base/error/error.h"
#include "strata/ir/type.h"

namespace strata::ir {

enum class TextToken : uint8_t { End, Name, Number, Value, Function, Definition, Text, Symbol };

/// In the tensor program and the plan a number is a literal, and all that may belong to one is part of it, its sign
/// too. In the expressions of the loop program a sign is an operator, a number ends before its type and before "..",
/// and $ begins a definition.
enum class TextNumbers : uint8_t { Literals, InExpressions };

/// `text` is a view of the source: of a Value, Function or Definition what stands after %, @ or $, of a Text what
/// stands between the quotes, of a Number in an expression what stands before its type.
struct Token {
  TextToken kind = TextToken::End;
  std::string_view text, suffix;
  size_t position = 0;
};

class TextLexer {
 public:
  /// `code` is that of the errors: E0130 for programs, E0132 for plans, E0120 for loop programs.
  TextLexer(std::string_view source, base::ErrorCode code, TextNumbers numbers = TextNumbers::Literals)
      : source_(source), code_(code), numbers_(numbers) {
    advance();
  }

  const Token& peek() const { return token_; }
  Token next();
  bool at_end() const { return token_.kind == TextToken::End; }
  bool is(std::string_view text) const;  ///< a name or symbol with this text
  bool accept(std::string_view text);
  /// E.g. expect(")", "behind the operands").
  void expect(std::string_view text, std::string_view where);
  Token expect(TextToken kind, std::string_view what);
  /// Digits with an optional sign.
  int64_t integer(std::string_view what);

  /// Lets another reader take text from the token at hand on, and says where to go on.
  size_t position() const { return token_.position; }
  void go_to(size_t position);
  std::string_view source() const { return source_; }
  /// Types that were read from this source, by their text.
  std::unordered_map<std::string_view, Type>& known_types() { return known_types_; }
  /// The text from behind the token at hand to the end of its line, without blanks around it; goes on at the next line.
  std::string_view rest_of_line();

  [[noreturn]] void fail(const std::string& what, const std::string& hint = {}) const {
    fail_at(token_.position, what, hint);
  }
  [[noreturn]] void fail_at(size_t position, const std::string& what, const std::string& hint = {}) const;
  /// "line 3, column 7"
  std::string place(size_t position) const;
  /// What stands at the token at hand, for messages.
  std::string found() const;

 private:
  void advance();
  void skip_blanks();
  void take(TextToken kind, size_t first, size_t last, size_t next);
  void literal();
  void number_in_expression();
  bool has_expressions() const { return numbers_ == TextNumbers::InExpressions; }
  size_t end_of_word(size_t from, bool has_dots) const;

  std::string_view source_;
  base::ErrorCode code_;
  TextNumbers numbers_;
  size_t at_ = 0;
  Token token_;
  std::unordered_map<std::string_view, Type> known_types_;
};

/// The characters of a Text token, escapes resolved.
std::string unescaped(std::string_view quoted);
/// In quotes, with escapes, so that it is one line of printable ASCII or UTF-8.
std::string quoted(std::string_view text);

/// A name as it can stand behind % or @: letters, digits, _ and dots, not a number.
std::string usable_name(std::string_view name, std::string_view fallback);

}  // namespace strata::ir
