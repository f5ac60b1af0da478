#include "strata/compiler/loop/schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/compiler/loop/choose/choose_schedule.h"
#include "strata/compiler/loop/nest/access.h"
#include "strata/compiler/loop/nest/nest.h"
#include "strata/compiler/loop/nest/parts.h"
#include "strata/compiler/loop/poly/polyhedral_schedule.h"
#include "strata/compiler/loop/write/elements.h"
#include "strata/compiler/loop/write/matrix_programs.h"
#include "strata/compiler/loop/write/product/write_product.h"
#include "strata/compiler/loop/write/strips.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ir/loops/structural_hash.h"
#include "strata/ir/loops/verify.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

bool is_scheduled(const Kernel& kernel) {
  bool found = false;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    found |= stmt.kind == StmtKind::For && stmt.loop_kind == LoopKind::Serial && stmt.step != 1;
  });
  return found;
}

bool has_checks(const Kernel& kernel) {
  bool found = false;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) { found |= stmt.kind == StmtKind::Check; });
  return found;
}

/// Whether every result is an array without elements: the schedules take the extents of a nest to be 1 or more.
bool writes_nothing(const Kernel& kernel) {
  return std::all_of(kernel.params.begin(), kernel.params.end(), [](const Buffer* b) {
    return b->kind == BufferKind::Input || std::find(b->shape.begin(), b->shape.end(), ir::Dim(0)) != b->shape.end();
  });
}

struct Writing {
  const Nest& nest;
  LoopContext& context;
  const ir::Facts& facts;
  std::vector<std::string>& notes;

  Stmts operator()(const ElementSchedule& s) const { return write_elements(nest, s, context, facts); }
  Stmts operator()(const RowSchedule& s) const { return write_rows(nest, s, context, facts); }
  Stmts operator()(const ContractionSchedule& s) const {
    return write_contraction(*read_contraction(nest, facts), s, context, facts, notes);
  }
  Stmts operator()(const ColumnWindowSchedule& s) const {
    return write_column_windows(*read_contraction(nest, facts), s, context, facts);
  }
  Stmts operator()(const RowWindowSchedule& s) const {
    return write_row_windows(*read_contraction(nest, facts), s, context, facts);
  }
  Stmts operator()(const BlockSchedule& s) const {
    return write_blocks(*read_block_product(nest, facts), s, context, facts, notes);
  }
  Stmts operator()(const BatchLaneSchedule& s) const {
    return write_batch_lanes(*read_contraction(nest, facts), s, context, facts);
  }
  Stmts operator()(const StripSchedule& s) const { return write_strips(nest, s, context, facts); }
  Stmts operator()(const MatrixSchedule& s) const { return write_matrix_program(nest, s, context, facts); }
};

/// Loops that are marked Vector still, of an extent that isn't constant, as the loops that they are: nobody below makes
/// vectors of them.
Stmts unmarked(LoopContext& c, const Stmts& body) {
  return map_stmts(body, [&](const StmtPtr& stmt) -> std::optional<Stmts> {
    if (stmt->kind != StmtKind::For || stmt->loop_kind != LoopKind::Vector || constant_trip_count(c, *stmt))
      return std::nullopt;
    Stmt next = *stmt;
    next.loop_kind = LoopKind::Serial;
    return Stmts{std::make_shared<const Stmt>(std::move(next))};
  });
}

std::string on_one_line(std::string rewrites) {
  while (!rewrites.empty() && rewrites.back() == '\n') rewrites.pop_back();
  std::string line;
  for (const char c : rewrites) line += c == '\n' ? std::string("; ") : std::string(1, c);
  return line;
}

/// One kernel on its way: either it gets loops, or a reason why not.
class Scheduling {
 public:
  Scheduling(const Kernel& naive, const machine::VectorUnit& vectors, const ScheduleOptions& options)
      : naive_(naive), vectors_(vectors), options_(options) {}

  Kernel run() {
    if (!options_.rewrites.empty()) {
      try {
        Kernel made = made_by(options_.rewrites);
        report.source = options_.where.empty() ? "given" : options_.where;
        return made;
      } catch (base::Error& error) {
        if (!options_.is_advice || options_.is_strict) throw with_place(error);
        report = {};
        report.misfit = fmt::format("the schedule at {} does not fit: {}", options_.where, error.message());
      }
    }
    report.source = "heuristic";
    try {
      return made_by("");
    } catch (const base::Error& error) {
      if (options_.is_strict && error.kind() == base::ErrorKind::Internal) throw;
      report.lines.clear();
      leave(error.what());
      return finished(naive_);
    }
  }

  ScheduleReport report;

 private:
  base::Error with_place(base::Error error) const {
    const std::string place = options_.where.empty() ? "" : " at " + options_.where;
    error.note(fmt::format("the schedule{}: {}", place, on_one_line(options_.rewrites)));
    error.note(fmt::format("its nest: {}, kernel {}", nest_key(naive_).hex(), naive_.name));
    return error;
  }

  void leave(const std::string& reason) {
    report.lines.push_back("# left as written: " + reason);
    report.refusal = reason;
  }

  /// Verified. Of given rewrites, or of those that the heuristic chooses.
  Kernel made_by(const std::string& rewrites) {
    if (naive_.body.empty() || (writes_nothing(naive_) && !has_checks(naive_))) {
      if (!parse_rewrites(rewrites).empty()) refuse_schedule("the kernel takes no schedule: no element is written");
      Kernel idle = naive_;
      idle.body = {};
      report.lines.emplace_back("# no element is written: nothing is to be done");
      return finished(std::move(idle));
    }
    Kernel made = scheduled(rewrites);
    if (!report.refusal.empty() && !rewrites.empty())
      refuse_schedule("the kernel takes no schedule: " + report.refusal);
    return finished(std::move(made));
  }

  static Kernel finished(Kernel kernel) {
    kernel.body = unmarked(*kernel.context, expand_joining(*kernel.context, kernel.body));
    verify(kernel, Stage::Scheduled);
    return kernel;
  }

  Kernel scheduled(const std::string& rewrites) {
    if (const std::vector<Rewrite> given = parse_rewrites(rewrites); is_polyhedral(given)) {
      PolyhedralKernel made = schedule_polyhedrally(naive_, given, vectors_);
      report.lines.push_back(made.schedule.str());
      for (const std::string& remark : made.remarks) report.lines.push_back("# " + remark);
      return std::move(made.kernel);
    }
    if (is_scheduled(naive_)) return leave("it is scheduled already"), naive_;
    if (writes_nothing(naive_)) return leave("it checks, and writes nothing"), naive_;
    Kernel flat = flatten_buffers(naive_);
    auto nest = read_nest(flat);
    if (!nest) return leave("a bound is not made of dimensions"), naive_;
    LoopContext& c = *flat.context;
    for (const std::string& line : simplify_nest(*nest, c, flat.facts)) report.lines.push_back("# " + line);
    for (const std::string& line : write_out_parts(*nest, c, flat.facts)) report.lines.push_back("# " + line);
    const std::optional<Schedule> schedule =
        rewrites.empty() ? choose_schedule(*nest, c, flat.facts, vectors_, Variation(options_.variation))
                         : schedule_of(parse_rewrites(rewrites), *nest, c, flat.facts);
    if (!schedule) return leave(obstacle_of(*nest)), naive_;
    if (nest->behind && !std::holds_alternative<ContractionSchedule>(*schedule))
      refuse_schedule("rows are reduced behind this product, which only packed products have: `tile rows by ...`");
    for (const Rewrite& rewrite : rewrites_of(*schedule, *nest)) report.lines.push_back(rewrite.str());
    std::vector<std::string> remarks;
    flat.body = std::visit(Writing{*nest, c, flat.facts, remarks}, *schedule);
    for (const std::string& remark : remarks) report.lines.push_back("# " + remark);
    return flat;
  }

  const Kernel& naive_;
  machine::VectorUnit vectors_;
  const ScheduleOptions& options_;
};

}  // namespace

base::Hash128 nest_key(const Kernel& naive) { return structural_hash(naive); }

Kernel schedule(const Kernel& naive, const machine::VectorUnit& vectors, ScheduleReport* report,
                const ScheduleOptions& options) {
  Scheduling scheduling(naive, vectors, options);
  Kernel made = scheduling.run();
  if (const std::string& misfit = scheduling.report.misfit; !misfit.empty())
    scheduling.report.lines.insert(scheduling.report.lines.begin(), "# " + misfit);
  if (report) *report = std::move(scheduling.report);
  return made;
}

}  // namespace strata::compiler
