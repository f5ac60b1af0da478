// The naive loop nests of the lowering forms, in the order that is their meaning (design.md, section 4.1). Schedules
// (compiler/loop) rewrite them without changing a bit.
//
//   element     loops over the result's axes, one store
//   reduction   last axis reduced: lanes[32], filled round robin over the flattened reduced index (the tail padded with
//               the identity), then a tree: lanes[l] = combine(lanes[l], lanes[l + s]) for s = 16, 8, 4, 2, 1; in
//               blocks of 1,024 terms: 32 chains of at most 32. Else: one ascending chain per element and block.
//               Of one term that counts (lower/one_term.h) no loop is left.
//   contraction one ascending chain of FMAs per element and block, over the flattened depth; of blocks under scales, an
//               exact sum of integers is what a step multiplies with the scales
//
// Blocks of sums and products are joined: a nest that can have several begins with a joining loop
// (ir/loops/joined_loops.h).
//
// Marks are those of ops::independent_nest, which makes the loops over the result; elements have no other loops.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "strata/ir/loops/kernel.h"
#include "strata/ops/facets/lowering.h"

namespace strata::compiler {

/// What to do with folded values at a result index: the stores of the heroes and of their epilogue.
using StoreBody = std::function<std::vector<ir::loops::StmtPtr>(std::span<const ir::loops::Expr> index,
                                                                std::span<const ir::loops::Expr> values)>;

/// The fold at one result index; `value` becomes what it gives.
std::vector<ir::loops::StmtPtr> fold_at(ir::loops::LoopContext& context, const ir::ReductionForm& form,
                                        std::span<const ir::loops::Expr> kept, ir::loops::Expr& value);

/// One fold, or several with the same extents of which none reduces the last axis: their chains run side by side, and
/// what their terms share is computed once.
std::vector<ir::loops::StmtPtr> reduction_nest(ir::loops::LoopContext& context,
                                               std::span<const ir::ReductionForm* const> forms, const StoreBody& store);
/// Where a product's result has each part of its form: `places[i]` is the axis of the result that goes by position i of
/// (batch..., row..., column...). Nothing where the result is no order of them.
std::optional<std::vector<size_t>> result_places(const ir::ContractionForm& product, ir::loops::LoopContext& context);
/// The sum at one index (batch, row, column), and what is stored of it.
std::vector<ir::loops::StmtPtr> contraction_at(ir::loops::LoopContext& context, const ir::ContractionForm& form,
                                               ir::DType accumulator, std::span<const ir::loops::Expr> index,
                                               const StoreBody& store);
std::vector<ir::loops::StmtPtr> contraction_nest(ir::loops::LoopContext& context, const ir::ContractionForm& form,
                                                 ir::DType accumulator, const StoreBody& store);

}  // namespace strata::compiler
