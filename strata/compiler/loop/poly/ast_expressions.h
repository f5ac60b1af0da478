// Expressions of isl's syntax trees as those of the loop program.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "strata/compiler/loop/poly/isl_session.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler::poly {

class AstExpressions {
 public:
  explicit AstExpressions(ir::loops::LoopContext& context) : c_(context) {}

  /// What a name in the tree stands for: a parameter or an iterator.
  void bind(const std::string& name, ir::loops::Expr value) { names_[name] = value; }
  /// An i64, or a bool where the tree compares.
  ir::loops::Expr operator()(const isl::ast_expr& e) const;
  ir::loops::Expr condition(const isl::ast_expr& e) const;
  /// The same as the size of an array, if it is made of dimensions alone.
  std::optional<ir::Dim> dim(const isl::ast_expr& e) const;

 private:
  ir::loops::Expr operation(const isl::ast_expr_op& e) const;

  ir::loops::LoopContext& c_;
  std::map<std::string, ir::loops::Expr> names_;
};

}  // namespace strata::compiler::poly
