// E09xx: what should not happen.
#pragma once

#include "strata/base/error/error_code.h"

namespace strata::base::code {

inline constexpr ErrorCode kBug{"E0900"};  ///< a bug in Strata

}  // namespace strata::base::code
