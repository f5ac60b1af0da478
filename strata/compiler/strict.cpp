#include "strata/compiler/strict.h"

#include <fmt/format.h>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/lower/form.h"
#include "strata/ops/control/fusion.h"

namespace strata::compiler {
namespace {

bool is_one_task(const ir::loops::Kernel& naive) {
  return naive.body.empty() || naive.body[0]->loop_kind != ir::loops::LoopKind::Parallel;
}

}  // namespace

bool should_have_schedule(const ir::Node& node, const ir::loops::Kernel& naive) {
  const bool writes_own_loops = update_in(node).node || (node.op != &ops::kFusion && form_of(node) == Form::Loops);
  return !writes_own_loops && !is_one_task(naive);
}

void require_schedule(const ir::loops::Kernel& naive, const Target& target, const ScheduleOptions& options,
                      const std::string& where) {
  ScheduleReport report;
  ScheduleOptions strict = options;
  strict.is_strict = true;
  target.schedule(naive, &report, strict);
  if (report.refusal.empty() || is_one_task(naive)) return;
  base::Error error(base::code::kLeftAsWritten,
                    fmt::format("strict: kernel {} is left as written: {}", naive.name, report.refusal));
  if (!where.empty()) error.note("recorded at " + where);
  throw error.hint("strata explain shows its loops; without strict it runs in scalar code on one thread");
}

}  // namespace strata::compiler
