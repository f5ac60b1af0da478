#include "strata/compiler/strict.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"

namespace strata::compiler {

void require_schedule(const ir::loops::Kernel& naive, runtime::IsaLevel level, const ScheduleOptions& options,
                      const std::string& where) {
  ScheduleReport report;
  ScheduleOptions strict = options;
  strict.is_strict = true;
  schedule(naive, level, &report, strict);
  const bool is_one_task = naive.body.empty() || naive.body[0]->loop_kind != ir::loops::LoopKind::Parallel;
  if (report.refusal.empty() || is_one_task) return;  // a loop of scalars has no lanes to make vectors of
  base::Error error("E0315", fmt::format("strict: kernel {} is left as written: {}", naive.name, report.refusal));
  if (!where.empty()) error.note("recorded at " + where);
  throw error.hint("strata explain shows its loops; without strict it runs in scalar code on one thread");
}

}  // namespace strata::compiler
