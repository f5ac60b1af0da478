#include "strata/compiler/loop/choose/elements.h"

#include <algorithm>
#include <bit>

#include "strata/compiler/loop/nest/access.h"
#include "strata/compiler/loop/rewrites.h"
#include "strata/compiler/loop/write/vectorise.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/loops/legality.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

/// Bytes moved, or twice the operations done, by one task: some 10 us of work beside the 1 us that a task costs.
constexpr int64_t kTaskWork = 64 * 1024;
/// Beside the sums of a step of several chains.
constexpr int64_t kOperandRegisters = 4;

bool has_loop(std::span<const StmtPtr> body) {
  return std::any_of(body.begin(), body.end(), [](const StmtPtr& s) { return s->kind == StmtKind::For; });
}

/// What each step of the innermost loops does, of the nest's chains.
struct ChainStep {
  int64_t operations = 0, sums = 0;
};
ChainStep chain_step(std::span<const StmtPtr> body) {
  ChainStep most;
  for_each_stmt(body, [&](const Stmt& loop) {
    if (loop.kind != StmtKind::For || has_loop(loop.body)) return;
    ChainStep here;
    std::unordered_set<Expr> counted;
    for_each_stmt(loop.body, [&](const Stmt& s) {
      here.sums += s.kind == StmtKind::Assign;
      if (!s.value) return;
      for_each_node(s.value, [&](Expr e) {
        const bool is_index = e->type.dtype == ir::DType::i64;
        if (!is_index && op_rule(e->op).domain != Domain::None) counted.insert(e);
      });
    });
    here.operations = std::ssize(counted);
    most = {std::max(most.operations, here.operations), std::max(most.sums, here.sums)};
  });
  return most;
}

std::vector<int> stage_widths(const Nest& nest, const NestLoop& loop, int lanes, int operations, int registers) {
  std::vector<int> widths;
  const auto fits = [&](int width) {
    return width <= kWidestVector && (!loop.extent.is_constant() || width <= loop.extent.constant());
  };
  // Chains run several vectors side by side: each is a chain of its own, and one alone waits for its own latency. Down
  // the columns of an array they read a longer piece of each row, too: the gradients of a layer normalisation's weight
  // and bias in 1.4 instead of 5.0 ms.
  const bool is_chain = has_loop(nest.body);
  const ChainStep step = chain_step(nest.body);
  for (int width : {4 * lanes, 2 * lanes}) {
    const bool has_registers = step.sums * (width / lanes) + kOperandRegisters <= registers;
    if (is_chain && step.operations <= 8 && has_registers && fits(width) && widths.empty()) widths.push_back(width);
  }
  // So do polynomials: a processor looks ahead over a few vectors of so many operations, each of which waits for the
  // one before it (GELU in 1.78 instead of 1.98 ms, and on AVX2 in 3.81 instead of 3.95).
  // With twice the registers, four of the longest: GELU's gradient 2.33 instead of 2.53 ms.
  constexpr int kManyOperations = 16, kMostOperations = 64, kManyRegisters = 32;
  if (!is_chain && operations >= kMostOperations && registers >= kManyRegisters && fits(4 * lanes))
    widths.push_back(4 * lanes);
  else if (!is_chain && operations >= kManyOperations && fits(2 * lanes))
    widths.push_back(2 * lanes);
  if (fits(lanes)) widths.push_back(lanes);
  // A short row is mostly tail, and one of unknown length may be short.
  const bool is_short = !loop.extent.is_constant() || loop.extent.constant() < 16 * lanes;
  if (is_short || is_chain)
    for (int width = lanes / 2; width >= 4; width /= 2)
      if (fits(width)) widths.push_back(width);
  // Of a line of 14 the last two are a pair (AVX2: the maximum over 2 x 2 at 28 x 28 in 0.14 instead of 0.19 ms).
  if (is_short && loop.extent.is_constant() && loop.extent.constant() % 4 >= 2 && lanes > 2) widths.push_back(2);
  widths.push_back(1);
  return widths;
}

/// How often a loop runs, where that is a number.
std::optional<int64_t> constant_steps(const Stmt& loop, const ir::Facts& facts) {
  const auto begin = constant_value(loop.begin), end = constant_value(loop.end);
  if (begin && end && loop.step == 1) return std::max<int64_t>(0, *end - *begin);
  const auto extent = loop_extent(loop, facts);
  return extent && extent->is_constant() ? std::optional(extent->constant()) : std::nullopt;
}

/// Steps of the longest path through inner loops; a step of 32 lanes counts 32 times. Loops marked Vector count where
/// they run by `vector_lanes` at a time.
int64_t steps_within(std::span<const StmtPtr> body, const ir::Facts& facts, int vector_lanes = 0) {
  constexpr int64_t unknown = 256;
  int64_t longest = 1;
  for (const StmtPtr& s : body) {
    const bool is_vector = s->loop_kind == LoopKind::Vector;
    const bool is_chain = s->kind == StmtKind::For && (!is_vector || vector_lanes > 0);
    int64_t own = is_chain ? constant_steps(*s, facts).value_or(unknown) : 1;
    if (is_chain && is_vector) own = ceil_div(own, vector_lanes);
    const int64_t within =
        std::max(steps_within(s->body, facts, vector_lanes), steps_within(s->otherwise, facts, vector_lanes));
    longest = std::clamp<int64_t>(own * within, longest, kTaskWork);
  }
  return longest;
}

/// Of the loops that become vectors alone: what follows from their lanes may be wider (a position).
int lanes_of_lane_loops(const Nest& nest, const machine::VectorUnit& vectors) {
  int fewest = vectors.lanes(1);
  for_each_stmt(nest.body, [&](const Stmt& s) {
    if (s.kind == StmtKind::For && s.loop_kind == LoopKind::Vector)
      fewest = std::min(fewest, body_lanes(s.body, vectors, s.loop));
  });
  return fewest;
}

RowSchedule choose_rows(const Nest& nest, const ir::Facts& facts, int lanes) {
  const bool has_lanes = has_lane_loops(nest);
  const int64_t inner = steps_within(nest.body, facts) * (has_lanes ? kReductionLanes : 1);
  const bool has_rows = has_lanes && !independent_loops(nest).empty();
  return {.lanes = has_lanes ? lanes : 0,
          .inner = has_rows ? halved_widths(lanes) : std::vector<int>(),
          .points = std::max<int64_t>(1, kTaskWork / 16 / inner)};
}

/// Whether a loop moves nothing but what an iteration keeps for itself: the joins of a sum's blocks.
bool touches_one_iteration(const Stmt& loop) {
  size_t own = 0, others = 0;
  const auto count = [&](const Buffer* buffer) { ++(has_lane_axis(*buffer) ? own : others); };
  for_each_stmt(loop.body, [&](const Stmt& s) {
    if (s.kind == StmtKind::Store) count(s.buffer);
    for_each_expr(s, [&](Expr e) {
      for (const Expr load : collect_loads(e)) count(load->buffer);
    });
  });
  return own > 0 && others == 0;
}

/// Points of the nest that are work enough for one task.
int64_t points_of_task(const Nest& nest, const ir::Facts& facts, const BodyWork& work, int lanes, bool has_branches) {
  int64_t cost = std::max(work.bytes, work.operations / 2);
  for_each_stmt(nest.body, [&](const Stmt& s) {
    if (s.kind != StmtKind::For || touches_one_iteration(s)) return;
    if (const auto steps = constant_steps(s, facts))
      cost *= std::clamp<int64_t>(*steps, 1, 4096);
    else if (loop_extent(s, facts) || has_branches)
      cost *= 64;
    cost = std::min(cost, kTaskWork);
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

bool has_vector_form(LoopContext& c, std::span<const StmtPtr> body, const LoopVar* var) {
  return vector_body(c, body, var, c.loop(var), 2).has_value();
}

/// Of a nest whose body is not run for several points at once: vectors along the independent loops inside, if there are
/// any that have that form.
std::optional<Schedule> choose_inside(const Nest& nest, LoopContext& c, const ir::Facts& facts,
                                      const machine::VectorUnit& vectors, Variation& variation) {
  int lanes = 0;
  for (const StmtPtr& loop : independent_loops(nest)) {
    const int here = body_lanes(loop->body, vectors);
    if (has_vector_form(c, loop->body, loop->loop)) lanes = lanes == 0 ? here : std::min(lanes, here);
  }
  if (lanes == 0) return std::nullopt;
  if (lanes >= 8 && variation.flip(false)) lanes /= 2;
  const int64_t points = std::max<int64_t>(1, kTaskWork / 16 / steps_within(nest.body, facts, lanes));
  return RowSchedule{.inner = halved_widths(lanes), .points = variation.pick(points, 1, 2 * points)};
}

}  // namespace

std::optional<Schedule> choose_elements(const Nest& nest, LoopContext& c, const ir::Facts& facts,
                                        const machine::VectorUnit& vectors, Variation& variation) {
  int lanes = has_lane_loops(nest) ? lanes_of_lane_loops(nest, vectors) : body_lanes(nest.body, vectors);
  const bool has_obstacle = !obstacle_of(nest).empty();
  if (lanes >= 8 && variation.flip(false)) lanes /= 2;
  const int vector = best_vector_loop(nest, c, facts, lanes);
  const auto axis = static_cast<size_t>(vector);
  if (has_obstacle && (vector < 0 || !has_vector_form(c, nest.body, nest.loops[axis].var)))
    return choose_inside(nest, c, facts, vectors, variation);
  if (vector < 0 || has_lane_loops(nest)) return choose_rows(nest, facts, lanes);
  LinearIndices indices = indices_of(nest, c, facts);
  const NestLoop along = nest.loops[axis];
  const BodyWork work = work_along(nest, indices, c, along);
  // Masks, and positions beside values, take registers of their own: one vector at a time.
  ElementSchedule made{.axis = vector,
                       .widths = has_obstacle ? halved_widths(lanes)
                                              : stage_widths(nest, along, lanes, work.operations, vectors.registers)};
  Nest ordered = nest;
  if (order_loops(ordered, indices, c, vector, work.other_loads > 0)) {
    choose_blocks(made, ordered);
  } else {
    const int64_t points = points_of_task(nest, facts, work, lanes, has_obstacle);
    made.points = variation.pick(points, lanes, 4 * points);
  }
  return made;
}

}  // namespace strata::compiler
