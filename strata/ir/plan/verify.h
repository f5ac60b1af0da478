// The rules of a plan: what it refers to is there; types are those of the nodes; nothing is read before it is written
// or after it was written over; lifetimes cover all uses; roots that are alive together don't overlap in the arena.
#pragma once

#include <optional>
#include <string>

#include "strata/ir/plan/plan.h"

namespace strata::ir {

/// What is wrong, or nothing. Regions are checked too.
std::optional<std::string> find_plan_fault(const Plan& plan);

/// The same, of a plan whose regions were checked when they were made.
std::optional<std::string> find_fault_outside_regions(const Plan& plan);

/// Throws E0133 for a fault.
void verify_plan(const Plan& plan);

}  // namespace strata::ir
