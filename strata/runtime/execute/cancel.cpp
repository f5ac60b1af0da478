#include "strata/runtime/execute/cancel.h"

#include <string>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"

namespace strata::runtime {

void require_not_cancelled(const char* program) {
  if (!CancelScope::is_cancelled()) return;
  throw base::Error(base::code::kCancelled, std::string(program) + ": the run was cancelled")
      .note("nothing that it was given has changed");
}

}  // namespace strata::runtime
