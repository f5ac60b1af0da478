// What the type rules left open about symbolic dimensions, for the entry of a program.
//
// A rule that knows an extent refuses one that is out of range; of a symbolic one it can say nothing, and the program
// is recorded. What it would have refused is a condition of the form d >= 0, which the rule notes here. Together with
// the extents of all values, which kernels take to be 1 or more, the conditions say at a glance whether a binding of
// the dimensions needs to be looked at more closely: then with_extents.h writes the numbers into the program and asks
// all rules again (docs/decisions/0012).
//
//   x: f32[B, 4], slice 2:B of axis 0, a block of 3 from an axis of B - 2      B - 2 >= 1, B - 5 >= 0
#pragma once

#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::ir {

/// Whether d is known to be below 0. A type rule asks so before it refuses an operand; where symbols leave it open, the
/// question is noted for the ConditionScope around it.
bool is_below_zero(Dim d);
/// Whether d is known not to be a multiple of `by`, 1 or more; noted in the same way.
bool is_not_multiple(Dim d, int64_t by);

/// Takes down what rules of this thread note while it lives.
class ConditionScope {
 public:
  ConditionScope();
  ~ConditionScope();
  ConditionScope(const ConditionScope&) = delete;
  /// Each is to be 0 or more.
  const std::vector<Dim>& noted() const { return noted_; }

 private:
  friend bool is_below_zero(Dim d);
  std::vector<Dim> noted_;
  ConditionScope* before_;
};

/// `value` is `lowest` or more: a binding for which it isn't takes the slow way in. One about a count is looked at when
/// the program has counted.
struct EntryCondition {
  Dim value;
  int64_t lowest = 0;
  bool operator==(const EntryCondition&) const = default;
};

/// The conditions of a program: what the rules of `recorded` note, and that no extent of it or of `compiled`, what
/// passes made of it, is below 1. Those that follow from the others or from the program's facts are left out, and those
/// of symbols that no parameter binds.
std::vector<EntryCondition> entry_conditions(const Graph& recorded, const Graph& compiled);

}  // namespace strata::ir
