#include "strata/compiler/loop/nest/operands.h"

#include <algorithm>

#include "strata/compiler/loop/nest/access.h"
#include "strata/compiler/loop/nest/padding.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

/// The innermost loop of a group that isn't of one step alone, as those of a window of 1 x 1 are: an index does not
/// move along such a loop, whatever its coefficient.
Expr moving_loop(LoopContext& c, const LoopGroup& group) {
  const auto& loops = group.loops;
  const auto moves = [](const NestLoop& loop) { return !(loop.extent == Dim(1)); };
  const auto found = std::find_if(loops.rbegin(), loops.rend(), moves);
  return c.loop((found == loops.rend() ? loops.back() : *found).var);
}

}  // namespace

int contiguity(LoopContext& c, const ir::Facts& facts, Expr e, const LoopGroup& group, const LoopGroup& across) {
  if (group.is_empty()) return 0;
  const auto moves_across = [&](Expr load) {
    return across.is_empty() ||
           std::ranges::any_of(across.loops, [&](const NestLoop& loop) { return depends_on(load, loop.var); });
  };
  LinearIndices indices(c, facts);
  int score = 0;
  for (Expr load : collect_loads(inside_of_padding(c, facts, e))) {
    if (!moves_across(load)) continue;
    const Stride stride = stride_in(indices, load->args[0], moving_loop(c, group));
    score += stride == Stride::Contiguous ? 1 : stride == Stride::Other ? -1 : 0;
  }
  return score;
}

std::optional<int64_t> distance_of_ready_rows(const Contraction& k, LoopContext& c, const ir::Facts& facts) {
  if (k.rows_operand->op != ExprOp::Load || k.rows.is_empty() || k.depth.is_empty()) return std::nullopt;
  if (!GroupIndex(c, facts, k.rows, uses_of_group(k, k.rows_operand)).is_linear() ||
      !GroupIndex(c, facts, k.depth, {&k.rows_operand, 1}).is_linear())
    return std::nullopt;
  LinearIndices indices(c, facts);
  const LinearIndex at = indices.of(k.rows_operand->args[0]);
  const Dim rows = at.coefficient(moving_loop(c, k.rows)), depth = at.coefficient(moving_loop(c, k.depth));
  const bool are_ready = depth == Dim(1) && rows.is_constant() && rows.constant() > 0;
  return are_ready ? std::optional(rows.constant()) : std::nullopt;
}

}  // namespace strata::compiler
