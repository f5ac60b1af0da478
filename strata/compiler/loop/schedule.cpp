#include "strata/compiler/loop/schedule.h"

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/compiler/loop/choose/elements.h"
#include "strata/compiler/loop/choose/planes.h"
#include "strata/compiler/loop/choose/product.h"
#include "strata/compiler/loop/nest/nest.h"
#include "strata/compiler/loop/write/elements.h"
#include "strata/compiler/loop/write/product/write_product.h"
#include "strata/ir/loops/joined_loops.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

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

/// Whether every result is an array without elements: the schedules take the extents of a nest to be 1 or more.
bool writes_nothing(const Kernel& kernel) {
  return std::all_of(kernel.params.begin(), kernel.params.end(), [](const Buffer* b) {
    return b->kind == BufferKind::Input || std::find(b->shape.begin(), b->shape.end(), ir::Dim(0)) != b->shape.end();
  });
}

Schedule choose_schedule(const Nest& nest, LoopContext& c, const ir::Facts& facts, runtime::IsaLevel level,
                         Variation variation) {
  const auto contraction = read_contraction(nest, facts);
  if (!contraction) return choose_elements(nest, c, facts, level, variation);
  if (variation.flip(true))
    if (auto windowed = choose_planes(*contraction, c, facts, level, variation)) return std::move(*windowed);
  return choose_product(*contraction, c, facts, level, variation);
}

struct Writing {
  const Nest& nest;
  LoopContext& c;
  const ir::Facts& facts;
  std::vector<std::string>& notes;

  Stmts operator()(const ElementSchedule& s) const { return write_elements(nest, s, c, facts); }
  Stmts operator()(const RowSchedule& s) const { return write_rows(nest, s, c, facts); }
  Stmts operator()(const ContractionSchedule& s) const {
    return write_contraction(*read_contraction(nest, facts), s, c, facts, notes);
  }
  Stmts operator()(const ColumnWindowSchedule& s) const {
    return write_column_windows(*read_contraction(nest, facts), s, c, facts);
  }
  Stmts operator()(const RowWindowSchedule& s) const {
    return write_row_windows(*read_contraction(nest, facts), s, c, facts);
  }
};

Stmts scheduled_body(Nest nest, LoopContext& c, const ir::Facts& facts, runtime::IsaLevel level,
                     const ScheduleOptions& options, std::vector<std::string>& lines) {
  for (const std::string& line : simplify_nest(nest, c, facts)) lines.push_back("# " + line);
  const Schedule schedule = options.rewrites.empty()
                                ? choose_schedule(nest, c, facts, level, Variation(options.variation))
                                : schedule_of(parse_rewrites(options.rewrites), nest, c, facts);
  for (const Rewrite& rewrite : rewrites_of(schedule, nest)) lines.push_back(rewrite.str());
  std::vector<std::string> remarks;
  Stmts made = std::visit(Writing{nest, c, facts, remarks}, schedule);
  for (const std::string& remark : remarks) lines.push_back("# " + remark);
  return made;
}

}  // namespace

Kernel schedule(const Kernel& naive, runtime::IsaLevel level, ScheduleReport* report, const ScheduleOptions& options) {
  ScheduleReport made;
  Kernel result = naive;
  const auto leave = [&](const std::string& reason) {
    made.lines.push_back("# left as written: " + reason);
    made.refusal = reason;
  };
  try {
    std::string reason = refusal(naive);
    std::optional<Nest> nest;
    Kernel flat;
    const bool is_idle = reason.empty() && (naive.body.empty() || writes_nothing(naive));
    if (reason.empty() && !is_idle) {
      flat = flatten_buffers(naive);
      nest = read_nest(flat);
      if (!nest) reason = "a bound is not made of dimensions";
    }
    if (nest) {
      flat.body = scheduled_body(std::move(*nest), *flat.context, flat.facts, level, options, made.lines);
      result = std::move(flat);
    } else if (is_idle) {
      result.body = {};
      made.lines.emplace_back("# no element is written: nothing is to be done");
    } else if (options.rewrites.empty()) {
      leave(reason);
    } else {
      refuse_schedule("the kernel takes no schedule: " + reason);
    }
  } catch (const base::Error& error) {
    if (!options.rewrites.empty() || (options.is_strict && error.kind() == base::ErrorKind::Internal)) throw;
    leave(error.what());
    result = naive;
  }
  result.body = expand_joining(*result.context, result.body);
  if (report) *report = std::move(made);
  return result;
}

}  // namespace strata::compiler
