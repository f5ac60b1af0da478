#include "strata/compiler/loop/choose/elements.h"

#include <algorithm>
#include <bit>

#include "strata/compiler/loop/nest/access.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

/// Bytes moved, or twice the operations done, by one task: some 10 us of work beside the 1 us that a task costs.
constexpr int64_t kTaskWork = 64 * 1024;

bool has_loop(std::span<const StmtPtr> body) {
  return std::any_of(body.begin(), body.end(), [](const StmtPtr& s) { return s->kind == StmtKind::For; });
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

Schedule choose_elements(const Nest& nest, LoopContext& c, const ir::Facts& facts, runtime::IsaLevel level,
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

}  // namespace strata::compiler
