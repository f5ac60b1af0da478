// E04xx: the machine.
#pragma once

#include "strata/base/error/error_code.h"

namespace strata::base::code {

inline constexpr ErrorCode kUnavailableTarget{"E0401"};  ///< an instruction set can't be chosen

}  // namespace strata::base::code
