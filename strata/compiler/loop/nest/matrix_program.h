// A nest whose points are programs of matrices: each has scratch, makes products of matrices that are there or in
// memory, and of their elements what else it needs (lower/lane_loop.h, without lanes). What runs side by side are the
// columns of one matrix, not points of the nest.
#pragma once

#include <optional>

#include "strata/compiler/loop/nest/nest.h"

namespace strata::compiler {

/// `for row, for column { acc = start; for k { acc = fma(left, right, acc) }; stores }`, where the left side is the
/// same for all columns and the right one for all rows. Either may be hidden: `select(where, left, 0)`.
struct MatrixProduct {
  const ir::loops::Stmt *row = nullptr, *column = nullptr, *depth = nullptr;  ///< loops from 0 to a number
  int64_t rows = 0, columns = 0, terms = 0;
  const ir::loops::Local* accumulator = nullptr;
  ir::loops::Expr start = nullptr, left = nullptr, right = nullptr;
  /// bool, by step of the chain and by column or row: where a step counts; null: everywhere.
  ir::loops::Expr where = nullptr;
  bool is_where_by_row = false;
  std::vector<ir::loops::StmtPtr> stores;
};

/// Empty if the leaf is something else.
std::optional<MatrixProduct> read_matrix_product(const ir::loops::Stmt& leaf);

/// Whether the nest's points are such programs: serial loops over numbers of steps, branches that are the same for all
/// that a point has, and no sum of products but those of matrices, of which there is one.
bool is_matrix_program(const Nest& nest);

/// Whether `where` of a product is known of a box of places and steps from the box's corners: it joins comparisons of
/// numbers that are linear in both, each of which holds on a convex set.
bool is_known_at_corners(const MatrixProduct& product);

}  // namespace strata::compiler
