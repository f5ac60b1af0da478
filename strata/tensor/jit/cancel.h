// CancelToken and CancelScope: calls of jitted functions, and evaluations, that another thread can end.
#pragma once

#include "strata/runtime/execute/cancel.h"

namespace strata {

using runtime::CancelScope;
using runtime::CancelToken;

}  // namespace strata
