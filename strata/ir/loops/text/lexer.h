// Tokens of the loop program's text.
#pragma once

#include <string>
#include <string_view>

#include "strata/base/error/error.h"

namespace strata::ir::loops {

enum class TokenKind : uint8_t { End, Name, Number, Buffer, Kernel, Definition, Symbol };

/// `text` is a view of the source. Number: with its suffix in `suffix`. Buffer, Kernel, Definition: behind % @ $.
struct Token {
  TokenKind kind = TokenKind::End;
  std::string_view text, suffix;
  size_t position = 0;
};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) { advance(); }

  const Token& peek() const { return token_; }
  Token next();
  bool is(std::string_view text) const;  ///< a name or symbol with this text
  bool accept(std::string_view text);
  void expect(std::string_view text, std::string_view where);
  /// Lets another reader take text from here: the position of the token at hand, and where to go on.
  size_t position() const { return token_.position; }
  void go_to(size_t position);
  std::string_view source() const { return source_; }

  [[noreturn]] void fail(std::string what) const { fail_at(token_.position, std::move(what)); }
  [[noreturn]] void fail_at(size_t position, std::string what, std::string hint = {}) const;
  /// What stands at the token at hand, for messages.
  std::string found() const;

 private:
  void advance();
  void skip_blanks();
  void number();

  std::string_view source_;
  size_t at_ = 0;
  Token token_;
};

}  // namespace strata::ir::loops
