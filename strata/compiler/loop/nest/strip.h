// A nest whose points are programs of their own: each has scratch, goes through steps, makes sums and products of what
// it keeps (lower/lane_loop.h). Neighbours of the innermost loop are its lanes: a strip of them can go through the
// program side by side, statement by statement.
#pragma once

#include <optional>

#include "strata/compiler/loop/nest/nest.h"

namespace strata::compiler {

/// A product within such a program: `for x... { acc = start; for k... { acc = fma(row, column, acc) }; stores }`, where
/// the row side is the same for all lanes. Either side may be hidden from a lane: `select(where, row, 0)`.
struct LaneProduct {
  std::vector<const ir::loops::Stmt*> rows;   ///< loops over its elements, outermost first, at least one
  std::vector<const ir::loops::Stmt*> depth;  ///< loops of the chain
  const ir::loops::Local* accumulator = nullptr;
  ir::loops::Expr start = nullptr, row = nullptr, column = nullptr;
  ir::loops::Expr where = nullptr;  ///< bool, by lane and step of the chain: where a step counts; null: everywhere
  std::vector<ir::loops::StmtPtr> stores;
  int64_t extent = 0;  ///< of the innermost of `rows`
};

struct Strip {
  std::optional<NestLoop> lane;  ///< the nest's last loop; empty: each point stands alone
  std::vector<const ir::loops::Stmt*> leaves;
  std::vector<LaneProduct> products;
  int64_t kept_bytes = 0;  ///< scratch of a lane
};

/// Empty where the nest is no such program, or has no sum of products.
std::optional<Strip> read_strip(const Nest& nest);

/// Whether a statement computes without scratch of its own and without branches: a strip runs it lane by lane.
bool is_leaf(const ir::loops::Stmt& stmt);

/// The leaf as a product; empty if it is something else. `lane`: null where there is none.
std::optional<LaneProduct> read_lane_product(const ir::loops::Stmt& leaf, const ir::loops::LoopVar* lane);

/// Whether `where` of a product is known of a box of lanes and steps from the box's corners: it joins comparisons of
/// numbers that are linear in both, each of which holds on a convex set.
bool is_known_at_corners(const LaneProduct& product, const ir::loops::LoopVar* lane);

/// Whether a condition joins comparisons of numbers that are linear in the loops: it is known of a box of their steps
/// from the box's corners, since each comparison holds on a half plane.
bool holds_on_half_planes(ir::loops::Expr condition, std::span<const ir::loops::LoopVar* const> loops);

/// Whether statements read or write parameters at a place that depends on the lane.
bool touches_lanes_of_parameters(std::span<const ir::loops::StmtPtr> stmts, const ir::loops::LoopVar* lane);

}  // namespace strata::compiler
