// A nest whose points are programs of matrices: each has scratch, makes products of matrices that are there or in
// memory, and of their elements what else it needs (lower/lane_loop.h, without lanes). What runs side by side are the
// columns of one matrix, not points of the nest.
#pragma once

#include <optional>

#include "strata/compiler/loop/nest/masked_chain.h"
#include "strata/compiler/loop/nest/nest.h"

namespace strata::compiler {

/// `for row, for column { acc = start; for k { acc = fma(left, right, acc) }; stores }`, where the left side is the
/// same for all columns and the right one for all rows. Steps of the chain may be hidden, by row or by column.
struct MatrixProduct {
  const ir::loops::Stmt *row = nullptr, *column = nullptr;  ///< loops from 0 to a number
  int64_t rows = 0, columns = 0;
  MaskedChain chain;  ///< of one loop, from 0 to a number
};

/// Empty if the leaf is something else.
std::optional<MatrixProduct> read_matrix_product(const ir::loops::Stmt& leaf);

/// The products of a nest whose points are such programs: serial loops over numbers of steps, branches that are the
/// same for all that a point has, and no sum of products but those of matrices. None where it is no such nest.
std::vector<MatrixProduct> matrix_products(const Nest& nest);
inline bool is_matrix_program(const Nest& nest) { return !matrix_products(nest).empty(); }

/// Whether one of them hides steps.
bool has_masks(std::span<const MatrixProduct> products);

}  // namespace strata::compiler
