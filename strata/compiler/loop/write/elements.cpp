#include "strata/compiler/loop/write/elements.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "strata/compiler/loop/nest/access.h"
#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/lanes.h"
#include "strata/compiler/loop/write/next_row.h"
#include "strata/compiler/loop/write/segments.h"
#include "strata/compiler/loop/write/tasks.h"
#include "strata/compiler/loop/write/vectorise.h"
#include "strata/ir/loops/joined_loops.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

/// All values first, then all stores: a value shared by several stores is computed once, since no store stands between
/// its uses. Loads only move up past stores, which in-place kernels allow (lower/in_place.h): no element is read after
/// the store that overwrites it.
Stmts values_first(LoopContext& c, const Stmts& body) {
  const bool all_stores =
      std::all_of(body.begin(), body.end(), [](const StmtPtr& s) { return s->kind == StmtKind::Store && !s->mask; });
  if (!all_stores || body.size() < 2) return body;
  Stmts values, stores;
  for (const StmtPtr& stmt : body) {
    const Local* value = c.local("v" + std::to_string(values.size()), stmt->value->type, false);
    values.push_back(make_declare(value, stmt->value));
    stores.push_back(make_store(stmt->buffer, stmt->indices, c.read(value)));
  }
  values.insert(values.end(), stores.begin(), stores.end());
  return values;
}

Stmts loops_over(LoopContext& c, std::span<const NestLoop> loops, std::span<const TaskRange> ranges, Stmts body) {
  for (size_t i = loops.size(); i-- > 0;) {
    const LoopVar* own = c.loop_var(loops[i].var->name);
    Substitution with;
    with.loops[loops[i].var] = c.loop(own);
    body = {make_for(own, ranges[i].low, ranges[i].high, LoopKind::Serial, substitute(c, body, with))};
  }
  return body;
}

/// The independent loops of a body by vectors; all around them stays as it is.
Stmts inner_vectors(LoopContext& c, const Stmts& body, std::span<const int> widths, bool has_lanes) {
  return map_stmts(body, [&](const StmtPtr& stmt) -> std::optional<Stmts> {
    if (stmt->kind != StmtKind::For || stmt->loop_kind != LoopKind::Vector || stmt->step != 1) return std::nullopt;
    if (has_lanes && is_lane_loop(*stmt)) return std::nullopt;
    return innermost_loop(c, stmt->loop, stmt->begin, stmt->end, widths, stmt->body);
  });
}

}  // namespace

Stmts stages_of_row(const Stmts& row, int lanes, std::span<const int> inner, LoopContext& c, const ir::Facts& facts) {
  Stmts body = inner.empty() ? row : inner_vectors(c, row, inner, lanes != 0);
  body = expand_joining(c, body);
  return lanes != 0 ? unroll_lane_loops(c, facts, body, lanes) : body;
}

Stmts write_rows(Nest nest, const RowSchedule& schedule, LoopContext& c, const ir::Facts& facts) {
  if (has_lane_loops(nest) != (schedule.lanes != 0))
    refuse_schedule(schedule.lanes ? "the rows of this nest have no lanes" : "`vectorise lanes` is missing");
  if (!schedule.inner.empty() && independent_loops(nest).empty())
    refuse_schedule("no loop inside of this nest is independent: `vectorise inner` has nothing to do");
  nest.body = stages_of_row(nest.body, schedule.lanes, schedule.inner, c, facts);
  if (nest.loops.empty()) return nest.body;
  nest.body = with_next_row_on_its_way(c, facts, nest.loops.back().var, nest.body);
  std::vector<Dim> extents;
  for (const NestLoop& loop : nest.loops) extents.push_back(loop.extent);
  return {cut_into_tasks(c, extents, schedule.points, 1,
                         [&](std::span<const TaskRange> r) { return loops_over(c, nest.loops, r, nest.body); })};
}

Stmts write_elements(Nest nest, const ElementSchedule& schedule, LoopContext& c, const ir::Facts& facts) {
  if (has_lane_loops(nest)) refuse_schedule("the rows of this nest have lanes: `vectorise lanes by ...`");
  LinearIndices indices = indices_of(nest, c, facts);
  const NestLoop along = nest.loops[schedule.axis];
  if (const std::string obstacle = obstacle_of(nest);
      !obstacle.empty() && !vector_body(c, nest.body, along.var, c.loop(along.var), 2))
    refuse_schedule(fmt::format("the body has no vector form along {}: {}", along.var->name, obstacle));
  order_loops(nest, indices, c, schedule.axis, work_along(nest, indices, c, along).other_loads > 0);
  nest.body = values_first(c, expand_joining(c, nest.body));
  std::vector<Dim> extents;
  for (const NestLoop& loop : nest.loops) extents.push_back(loop.extent);
  const auto task = [&](std::span<const TaskRange> ranges) -> Stmts {
    const std::span<const NestLoop> outer(nest.loops.data(), nest.loops.size() - 1);
    const TaskRange row = ranges.back();
    return loops_over(c, outer, ranges, loop_in_segments(c, facts, nest, row, schedule.widths));
  };
  if (schedule.points != 0) return {cut_into_tasks(c, extents, schedule.points, schedule.widths.front(), task)};
  if (extents.size() < 2) refuse_schedule("`parallel lines` takes a nest of two loops or more");
  std::vector<Expr> chunks(extents.size(), c.i64(1));
  chunks[chunks.size() - 2] = c.i64(schedule.lines);
  chunks.back() = c.i64(schedule.elements);
  return {tasks_of_chunks(c, extents, chunks, task)};
}

}  // namespace strata::compiler
