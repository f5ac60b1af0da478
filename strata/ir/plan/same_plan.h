// Whether two plans are the same: they run the same and say the same. Texts may say less than a plan holds (a name that
// is no word, `//` in a name path), so who keeps a plan as text and wants this very plan back asks here.
#pragma once

#include "strata/ir/plan/plan.h"

namespace strata::ir {

/// Of the commands, buffers, names, positions and constants (bit for bit), regions and prologue too; and of the nodes
/// of the programs, dead ones as well. Files of positions count without their folders, as messages name them.
bool same_plan(const Plan& a, const Plan& b);

}  // namespace strata::ir
