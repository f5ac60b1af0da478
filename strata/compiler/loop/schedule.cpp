#include "strata/compiler/loop/schedule.h"

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/compiler/loop/nest.h"
#include "strata/compiler/loop/pointwise.h"
#include "strata/compiler/loop/tiled_contraction.h"
#include "strata/compiler/loop/windowed_contraction.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

/// What the schedules below understand: no control flow that depends on data, no checks.
std::string refusal(const Kernel& kernel) {
  std::string reason;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    if (stmt.kind == StmtKind::While || stmt.kind == StmtKind::If) reason = "it branches on data";
    if (stmt.kind == StmtKind::Check) reason = "it checks positions in order";
    if (stmt.kind == StmtKind::For && stmt.loop_kind == LoopKind::Serial && stmt.step != 1)
      reason = "it is scheduled already";
  });
  return reason;
}

}  // namespace

namespace {

std::vector<StmtPtr> scheduled_body(Nest nest, LoopContext& c, const ir::Facts& facts, runtime::IsaLevel level,
                                    const ScheduleOptions& options, std::vector<std::string>& lines) {
  Variation variation(options.variation);
  lines = simplify_nest(nest, c, facts);
  auto contraction = read_contraction(nest, facts);
  if (!contraction) return schedule_pointwise(std::move(nest), c, facts, level, variation, lines);
  if (!options.tiling && variation.flip(true))
    if (auto windowed = schedule_windows(*contraction, c, facts, level, variation, lines)) return std::move(*windowed);
  if (should_transpose(*contraction, c, facts, runtime::vector_lanes(contraction->accumulator->type.dtype, level))) {
    contraction->transpose();
    lines.push_back("rows and columns change places: vectors run along what packs better");
  }
  const Tiling tiling = options.tiling ? *options.tiling : choose_tiling(*contraction, level, variation);
  return schedule_contraction(*contraction, c, facts, tiling, lines);
}

}  // namespace

Kernel schedule(const Kernel& naive, runtime::IsaLevel level, std::vector<std::string>* notes,
                const ScheduleOptions& options) {
  std::vector<std::string> lines;
  Kernel result = naive;
  try {
    std::string reason = refusal(naive);
    std::optional<Nest> nest;
    Kernel flat;
    if (reason.empty()) {
      flat = flatten_buffers(naive);
      nest = read_nest(flat);
      if (!nest) reason = "a bound is not made of dimensions";
    }
    if (nest) {
      flat.body = scheduled_body(std::move(*nest), *flat.context, flat.facts, level, options, lines);
      result = std::move(flat);
    } else {
      lines.push_back("left as written: " + reason);
    }
  } catch (const base::Error& error) {
    if (options.is_strict && error.kind() == base::ErrorKind::Internal) throw;
    lines.push_back(std::string("left as written: ") + error.what());
    result = naive;
  }
  if (notes) *notes = std::move(lines);
  return result;
}

}  // namespace strata::compiler
