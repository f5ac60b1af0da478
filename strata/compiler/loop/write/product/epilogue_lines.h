// What the epilogue of a register tile reads beside its sums, fetched before they are made: a residual that is added
// to a convolution comes from the third cache or from memory, a line for each row, and while the epilogue waits for it
// no sum goes on. What it writes needs no such thing: stores wait by themselves.
#pragma once

#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

class EpilogueLines {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  explicit EpilogueLines(const ProductScope& scope);

  /// Of the tile whose rows begin at `row` and its columns at `column`; none where all of it stays in a cache.
  Stmts prefetches(Expr row, Expr column) const;
  bool is_empty() const { return places_.empty(); }

 private:
  /// An element for each row and column, beside that of the next column.
  struct Place {
    const ir::loops::Buffer* buffer;
    Expr index;
    friend bool operator==(const Place&, const Place&) = default;
  };
  void add(const Place& place);

  const ProductScope& scope_;
  std::vector<Place> places_;
};

}  // namespace strata::compiler
