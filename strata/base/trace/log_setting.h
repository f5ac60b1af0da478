// Whether STRATA_LOG says something: for programs that would rather end than log otherwise than they were asked to.
#pragma once

namespace strata::base {

/// E0116 when STRATA_LOG names no level. Whoever doesn't ask gets a warning with the first line that is logged.
void require_log_setting();

}  // namespace strata::base
