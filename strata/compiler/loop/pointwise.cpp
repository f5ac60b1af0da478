#include "strata/compiler/loop/pointwise.h"

#include <algorithm>
#include <bit>

#include "strata/compiler/loop/access.h"
#include "strata/compiler/loop/lane_loops.h"
#include "strata/compiler/loop/tasks.h"
#include "strata/compiler/loop/vector_loop.h"
#include "strata/ir/loops/joined_loops.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

/// Bytes moved, or twice the operations done, by one task: some 10 us of work beside the 1 us that a task costs.
constexpr int64_t kTaskWork = 64 * 1024;
/// A transposing nest reads this many lines at a time, so that they stay in the first cache for their other elements.
constexpr int64_t kTransposeBlock = 32;

bool has_loop(std::span<const StmtPtr> body) {
  return std::any_of(body.begin(), body.end(), [](const StmtPtr& s) { return s->kind == StmtKind::For; });
}

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

std::vector<int> stage_widths(const Nest& nest, const NestLoop& loop, int lanes, int operations) {
  std::vector<int> widths;
  const auto fits = [&](int width) { return !loop.extent.is_constant() || width <= loop.extent.constant(); };
  // Chains run several vectors side by side: each is a chain of its own, and one alone waits for its own latency.
  const bool is_chain = has_loop(nest.body);
  for (int width : {4 * lanes, 2 * lanes})
    if (is_chain && operations <= 8 && fits(width) && widths.empty()) widths.push_back(width);
  if (fits(lanes)) widths.push_back(lanes);
  // A short row is mostly tail.
  const bool is_short = loop.extent.is_constant() && loop.extent.constant() < 16 * lanes;
  if (is_short || is_chain)
    for (int width = lanes / 2; width >= 4; width /= 2)
      if (fits(width)) widths.push_back(width);
  widths.push_back(1);
  return widths;
}

bool has_lane_loops(const Nest& nest) {
  bool has_lanes = false;
  for_each_stmt(nest.body, [&](const Stmt& s) { has_lanes |= s.kind == StmtKind::Alloc; });
  return has_lanes;
}

/// Steps of the longest path through inner loops; a step of 32 lanes counts 32 times.
int64_t steps_within(std::span<const StmtPtr> body, const ir::Facts& facts) {
  constexpr int64_t unknown = 256;
  int64_t longest = 1;
  for (const StmtPtr& s : body) {
    const bool is_chain = s->kind == StmtKind::For && s->loop_kind != LoopKind::Vector;
    const auto extent = is_chain ? loop_extent(*s, facts) : std::nullopt;
    const int64_t own = is_chain ? (extent && extent->is_constant() ? extent->constant() : unknown) : 1;
    longest = std::max(longest, own * steps_within(s->body, facts));
  }
  return longest;
}

RowSchedule choose_rows(const Nest& nest, const ir::Facts& facts, int lanes) {
  const bool has_lanes = has_lane_loops(nest);
  const int64_t inner = steps_within(nest.body, facts) * (has_lanes ? 32 : 1);
  return {.lanes = has_lanes ? lanes : 0, .points = std::max<int64_t>(1, kTaskWork / 16 / inner)};
}

/// Moves the vector loop innermost, and next to it the loop along which its strided loads are contiguous: their lines
/// are used again at once. Returns whether that calls for blocks.
bool order_loops(Nest& nest, LinearIndices& indices, LoopContext& c, int vector, bool has_strided_loads) {
  const NestLoop along = nest.loops[static_cast<size_t>(vector)];
  nest.loops.erase(nest.loops.begin() + vector);
  bool is_blocked = false;
  for (size_t i = 0; has_strided_loads && i < nest.loops.size() && !is_blocked; ++i) {
    if (work_along(nest, indices, c, nest.loops[i]).contiguous_loads == 0) continue;
    const auto at = nest.loops.begin() + static_cast<int64_t>(i);
    std::rotate(at, at + 1, nest.loops.end());
    is_blocked = !(along.extent.is_constant() && along.extent.constant() <= 2 * kTransposeBlock);
  }
  nest.loops.push_back(along);
  return is_blocked;
}

/// Points of the nest that are work enough for one task.
int64_t points_of_task(const Nest& nest, const ir::Facts& facts, const BodyWork& work, int lanes) {
  int64_t cost = std::max(work.bytes, work.operations / 2);
  for_each_stmt(nest.body, [&](const Stmt& s) {
    if (const auto extent = s.kind == StmtKind::For ? loop_extent(s, facts) : std::nullopt)
      cost *= extent->is_constant() ? std::clamp<int64_t>(extent->constant(), 1, 4096) : 64;
  });
  const int64_t points = kTaskWork / std::max<int64_t>(1, cost);
  return std::max<int64_t>(4 * lanes, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(points) | 1)));
}

/// Tasks of lines by elements, of a nest that reads across rows.
void choose_blocks(ElementSchedule& made, const Nest& nest) {
  const Dim lines = nest.loops[nest.loops.size() - 2].extent;
  constexpr int64_t most = 4 * kTransposeBlock;
  made.lines = lines.is_constant() ? std::clamp<int64_t>(lines.constant(), 1, most) : most;
  made.elements = std::max<int64_t>(kTransposeBlock, 4096 / made.lines / kTransposeBlock * kTransposeBlock);
}

}  // namespace

Schedule choose_pointwise(const Nest& nest, LoopContext& c, const ir::Facts& facts, runtime::IsaLevel level,
                          Variation& variation) {
  int lanes = body_lanes(nest.body, level);
  if (lanes >= 8 && variation.flip(false)) lanes /= 2;
  const int vector = best_vector_loop(nest, c, facts, lanes);
  if (vector < 0 || has_lane_loops(nest)) return choose_rows(nest, facts, lanes);
  LinearIndices indices = indices_of(nest, c, facts);
  const NestLoop along = nest.loops[static_cast<size_t>(vector)];
  const BodyWork work = work_along(nest, indices, c, along);
  ElementSchedule made{.axis = vector, .widths = stage_widths(nest, along, lanes, work.operations)};
  Nest ordered = nest;
  if (order_loops(ordered, indices, c, vector, work.other_loads > 0)) {
    choose_blocks(made, ordered);
  } else {
    const int64_t points = points_of_task(nest, facts, work, lanes);
    made.points = variation.pick(points, lanes, 4 * points);
  }
  return made;
}

Stmts write_rows(Nest nest, const RowSchedule& schedule, LoopContext& c, const ir::Facts& facts) {
  if (has_lane_loops(nest) != (schedule.lanes != 0))
    refuse_schedule(schedule.lanes ? "the rows of this nest have no lanes" : "`vectorise lanes` is missing");
  nest.body = expand_joining(c, nest.body);
  if (schedule.lanes != 0) nest.body = unroll_lane_loops(c, facts, nest.body, schedule.lanes);
  if (nest.loops.empty()) return nest.body;
  std::vector<Dim> extents;
  for (const NestLoop& loop : nest.loops) extents.push_back(loop.extent);
  return {cut_into_tasks(c, extents, schedule.points, 1,
                         [&](std::span<const TaskRange> r) { return loops_over(c, nest.loops, r, nest.body); })};
}

Stmts write_elements(Nest nest, const ElementSchedule& schedule, LoopContext& c, const ir::Facts& facts) {
  if (has_lane_loops(nest)) refuse_schedule("the rows of this nest have lanes: `vectorise lanes by ...`");
  LinearIndices indices = indices_of(nest, c, facts);
  const NestLoop along = nest.loops[static_cast<size_t>(schedule.axis)];
  order_loops(nest, indices, c, schedule.axis, work_along(nest, indices, c, along).other_loads > 0);
  nest.body = values_first(c, expand_joining(c, nest.body));
  std::vector<Dim> extents;
  for (const NestLoop& loop : nest.loops) extents.push_back(loop.extent);
  const auto task = [&](std::span<const TaskRange> ranges) -> Stmts {
    const std::span<const NestLoop> outer(nest.loops.data(), nest.loops.size() - 1);
    const TaskRange row = ranges.back();
    return loops_over(c, outer, ranges, vector_loop(c, along.var, row.low, row.high, schedule.widths, nest.body));
  };
  if (schedule.points != 0) return {cut_into_tasks(c, extents, schedule.points, schedule.widths.front(), task)};
  if (extents.size() < 2) refuse_schedule("`parallel lines` takes a nest of two loops or more");
  std::vector<Expr> chunks(extents.size(), c.i64(1));
  chunks[chunks.size() - 2] = c.i64(schedule.lines);
  chunks.back() = c.i64(schedule.elements);
  return {tasks_of_chunks(c, extents, chunks, task)};
}

}  // namespace strata::compiler
