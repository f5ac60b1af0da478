// A nest whose points are programs of their own: each has scratch, goes through steps, makes sums and products of what
// it keeps (lower/lane_loop.h). Neighbours of the innermost loop are its lanes: a strip of them can go through the
// program side by side, statement by statement.
#pragma once

#include <optional>

#include "strata/compiler/loop/nest/masked_chain.h"
#include "strata/compiler/loop/nest/nest.h"

namespace strata::compiler {

/// A product within such a program: `for x... { acc = start; for k... { acc = fma(left, right, acc) }; stores }`, where
/// the left side is the same for all lanes. Steps of the chain may be hidden from a lane.
struct LaneProduct {
  std::vector<const ir::loops::Stmt*> rows;  ///< loops over its elements, outermost first, at least one
  MaskedChain chain;
  int64_t extent = 0;  ///< of the innermost of `rows`
};

struct Strip {
  std::optional<NestLoop> lane;  ///< the nest's last loop; empty: each point stands alone
  std::vector<const ir::loops::Stmt*> leaves;
  std::vector<LaneProduct> products;
  int64_t kept_bytes = 0;  ///< scratch of a lane

  /// Whether a product hides steps.
  bool has_masks() const;
};

/// Empty where the nest is no such program, or has no sum of products.
std::optional<Strip> read_strip(const Nest& nest);

/// Whether a statement computes without scratch of its own and without branches: a strip runs it lane by lane.
bool is_leaf(const ir::loops::Stmt& stmt);

/// The leaf as a product; empty if it is something else. `lane`: null where there is none.
std::optional<LaneProduct> read_lane_product(const ir::loops::Stmt& leaf, const ir::loops::LoopVar* lane);

/// Whether statements read or write parameters at a place that depends on the lane.
bool touches_lanes_of_parameters(std::span<const ir::loops::StmtPtr> stmts, const ir::loops::LoopVar* lane);

}  // namespace strata::compiler
