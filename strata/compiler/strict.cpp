#include "strata/compiler/strict.h"

#include <fmt/format.h>

#include <vector>

#include "strata/base/error/error.h"
#include "strata/compiler/loop/schedule.h"

namespace strata::compiler {

void require_schedule(const ir::loops::Kernel& naive, runtime::IsaLevel level, const std::string& where) {
  std::vector<std::string> notes;
  schedule(naive, level, &notes, {.is_strict = true});
  for (const std::string& note : notes) {
    if (!note.starts_with("left as written: ")) continue;
    base::Error error("E0315", fmt::format("strict: kernel {} is {}", naive.name, note));
    if (!where.empty()) error.note("recorded at " + where);
    throw error.hint("strata explain shows its loops; without strict it runs in scalar code on one thread");
  }
}

}  // namespace strata::compiler
