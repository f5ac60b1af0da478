#include "strata/compiler/loop/write/segments.h"

#include <algorithm>

#include "strata/compiler/loop/nest/padding.h"
#include "strata/compiler/loop/write/innermost.h"
#include "strata/ir/loops/scalar_semantics.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

/// Pieces of one loop: more would be code that hardly runs.
constexpr size_t kMostSegments = 8;

/// The body with short loops that only fold into locals written out, as those over a pooling window: a condition on
/// the nest's last loop and such a loop becomes several on the last loop alone.
Stmts with_windows_written_out(LoopContext& c, const Stmts& body) {
  constexpr int64_t kLongest = 4, kMostStatements = 16;
  return map_stmts(body, [&](const StmtPtr& stmt) -> std::optional<Stmts> {
    if (stmt->kind != StmtKind::For || stmt->step != 1) return std::nullopt;
    const auto low = constant_value(stmt->begin), high = constant_value(stmt->end);
    if (!low || !high || *high - *low > kLongest) return std::nullopt;
    const auto folds = [](const StmtPtr& s) { return s->kind == StmtKind::Assign; };
    if (!std::ranges::all_of(stmt->body, folds) || (*high - *low) * std::ssize(stmt->body) > kMostStatements)
      return std::nullopt;
    Stmts all;
    for (int64_t at = *low; at < *high; ++at) {
      Substitution with;
      with.loops[stmt->loop] = c.i64(at);
      const Stmts step = substitute(c, stmt->body, with);
      all.insert(all.end(), step.begin(), step.end());
    }
    return all;
  });
}

/// Where the loop begins, where conditions of its variable alone change, and where it ends. Empty if it is one piece.
std::vector<int64_t> bounds_of_segments(LoopContext& c, const ir::Facts& facts, const Nest& nest) {
  const NestLoop& loop = nest.loops.back();
  if (!loop.extent.is_constant()) return {};
  const int64_t extent = loop.extent.constant();
  PaddingConditions conditions(c, facts, loop.var);
  conditions.collect(nest.body);
  std::vector<int64_t> bounds{0, extent};
  for (const LinearIndex& form : conditions.forms()) {
    if (form.terms.size() != 1 || form.terms[0].first != c.loop(loop.var) || !form.constant.is_constant() ||
        !form.terms[0].second.is_constant())
      continue;
    // The form is 0 or more from there on, or up to there.
    const int64_t slope = form.terms[0].second.constant(), at_zero = form.constant.constant();
    const int64_t change = slope > 0 ? -floor_div_scalar(at_zero, slope) : floor_div_scalar(at_zero, -slope) + 1;
    if (change > 0 && change < extent) bounds.push_back(change);
  }
  std::ranges::sort(bounds);
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  return bounds.size() > 2 && bounds.size() <= kMostSegments + 1 ? bounds : std::vector<int64_t>();
}

/// The body where the last loop runs from low to high.
Stmts body_within(LoopContext& c, const ir::Facts& facts, const Nest& nest, int64_t low, int64_t high) {
  LinearIndices indices(c, facts);
  for (size_t i = 0; i + 1 < nest.loops.size(); ++i)
    indices.enter_loop(nest.loops[i].var, c.i64(0), c.dim(nest.loops[i].extent));
  indices.enter_loop(nest.loops.back().var, c.i64(low), c.i64(high));
  return map_exprs(nest.body, [&](Expr e) { return indices.simplify(e); });
}

}  // namespace

Stmts loop_in_segments(LoopContext& c, const ir::Facts& facts, const Nest& nest, TaskRange row,
                       std::span<const int> widths) {
  const LoopVar* var = nest.loops.back().var;
  const Nest written_out{nest.loops, with_windows_written_out(c, nest.body)};
  const std::vector<int64_t> bounds = bounds_of_segments(c, facts, written_out);
  if (bounds.empty()) return innermost_loop(c, var, row.low, row.high, widths, nest.body, row.multiple);
  Stmts stmts;
  const auto bind = [&](const char* name, Expr value) {
    const Local* local = c.local(name, value->type, false);
    stmts.push_back(make_declare(local, value));
    return c.read(local);
  };
  for (size_t i = 0; i + 1 < bounds.size(); ++i) {
    const Expr low = bind("piece_low", c.binary(ExprOp::Max, row.low, c.i64(bounds[i])));
    const Expr high =
        bind("piece_high", c.binary(ExprOp::Max, low, c.binary(ExprOp::Min, row.high, c.i64(bounds[i + 1]))));
    const Stmts piece =
        innermost_loop(c, var, low, high, widths, body_within(c, facts, written_out, bounds[i], bounds[i + 1]));
    stmts.insert(stmts.end(), piece.begin(), piece.end());
  }
  return stmts;
}

}  // namespace strata::compiler
