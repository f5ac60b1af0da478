#include "strata/compiler/strict.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"
#include "strata/compiler/loop/schedule.h"

namespace strata::compiler {

void require_schedule(const ir::loops::Kernel& naive, runtime::IsaLevel level, const std::string& where) {
  ScheduleReport report;
  schedule(naive, level, &report, {.is_strict = true});
  if (report.refusal.empty()) return;
  base::Error error("E0315", fmt::format("strict: kernel {} is left as written: {}", naive.name, report.refusal));
  if (!where.empty()) error.note("recorded at " + where);
  throw error.hint("strata explain shows its loops; without strict it runs in scalar code on one thread");
}

}  // namespace strata::compiler
