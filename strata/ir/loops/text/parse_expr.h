// Names in scope and the reader of expressions; parse.cpp reads the rest.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "strata/ir/loops/kernel.h"
#include "strata/ir/text/lexer.h"

namespace strata::ir::loops {

/// What the names of a kernel's text stand for at some place.
struct Names {
  std::map<std::string, const LoopVar*, std::less<>> loops;
  std::map<std::string, const Local*, std::less<>> locals;
  std::map<std::string, const Buffer*, std::less<>> buffers;
  std::vector<std::string> dims;
  bool has(std::string_view name) const;
};

class ExprParser {
 public:
  ExprParser(TextLexer& lexer, LoopContext& context, Names& names) : lexer_(lexer), context_(context), names_(names) {}

  /// An expression; a literal alone takes `type`.
  Expr typed(DType type);
  /// An expression that has a type by itself.
  Expr any();
  /// `def $n = ...`, the `def` taken already; holds until clear_definitions().
  void definition();
  void clear_definitions() { definitions_.clear(); }
  std::vector<Expr> indices();
  const Buffer* buffer(const Token& name);

 private:
  /// A value, or a literal whose type what stands beside it decides.
  struct Operand {
    Expr value = nullptr;
    std::string literal;
    size_t position = 0;
  };
  Operand sum();
  Operand product();
  Operand factor();
  Operand number(bool negative);
  Operand name();
  Operand call(const Token& name);
  Expr bits_call();
  Expr cast_call(ExprOp op, size_t position);
  Expr lanes_call(ExprOp op, size_t position);
  Expr group_call(ExprOp op, size_t position);
  Expr operation_call(ExprOp op, size_t position);
  Expr operation(ExprOp op, std::vector<Operand> operands, size_t position);
  Operand combine(ExprOp op, Operand a, Operand b, size_t position);
  Expr resolve(const Operand& operand, DType type);
  Expr settle(const Operand& operand);
  DType dtype();
  template <class F>
  Expr make(size_t position, F&& f);

  TextLexer& lexer_;
  LoopContext& context_;
  Names& names_;
  std::map<std::string, Expr, std::less<>> definitions_;
  int depth_ = 0;
};

}  // namespace strata::ir::loops
