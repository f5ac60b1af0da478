// Which commands of a plan need which others: what a machine may run side by side or in another order.
#pragma once

#include <vector>

#include "strata/ir/plan/plan.h"

namespace strata::ir {

/// By command, the earlier ones that have to be complete before it, ascending: the last that wrote memory which it
/// reads or writes, those that have read since what it writes, and those that count a dimension which it names. What
/// these need themselves is left out. Commands of the host stay in order, since they print and check. Two buffers of
/// the arena that share bytes at different times don't count: who changes the order lays the arena out for it.
std::vector<std::vector<int>> dependences(const Plan& plan);

}  // namespace strata::ir
