// How the axes of gather and scatter lie: shared by both ops and by all their rules.
#pragma once

#include "strata/ops/facets/layout.h"
#include "strata/ops/index/index.h"

namespace strata::ops {

/// The window of one node, from its types and attributes. Positions: `lead` = [b..., i...] axes of the indices without
/// the last; `others` = axes of x that a position doesn't name.
struct GatherLayout {
  int64_t batch = 0;
  Ints axes, others;
  int lead = 0;

  GatherLayout(const ir::Attrs& attrs, Type x, Type indices);
  /// Axis of x -> which entry of the result's index gives it (batch and other axes), or -1 (named by the position).
  Ints result_axis_of_x() const;
  Shape result_shape(Type x, Type indices) const;
};

/// Checks types and attributes shared by gather and scatter (operands 0 and 1).
void check_gather_operands(ir::Infer& i);
OutOfRange mode_of(const Node& node);
std::string_view mode_name(OutOfRange mode);
/// The attribute `most`: positions that name one element; 0: any number.
int64_t most_of(const Node& node);

/// A position that is out of range: which, on which axis, and what that axis' extent is.
struct RefusedIndex {
  int64_t at, axis, extent;
};
/// Throws E0118 in the words of `asker`: an op, or a function that reads rows ("embedding"), which are told the place
/// of the row among the indices.
[[noreturn]] void refuse_index(const Node& node, std::string_view asker, const HostArray& indices, int64_t row,
                               RefusedIndex refused);
/// Who asks for the positions of a gather: the function that its mode names, or the op itself.
std::string_view asker_of_gather(const Node& gather);

/// Reference: the row-major offset into x for a result index, or -1 when the position is out of range and is dropped.
int64_t position_of(const ir::Reference& r, const GatherLayout& g, const Ints& result_index);
/// Lowering: the index into x, with `valid` where the mode needs it.
GuardedIndex position_expr(ir::loops::LoopContext& c, const GatherLayout& g, Type x, OutOfRange mode,
                           std::span<const Expr> result_index,
                           const std::function<Expr(std::span<const Expr>)>& read_position);

}  // namespace strata::ops
