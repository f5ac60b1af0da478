// Regions that only some lanes of a batch run: what batching makes of a cond or a while whose condition differs between
// the lanes.
//
//   lane       0      1      2      3
//   takes      no     yes    no     yes
//   operands   x1     x1     x1     x3        what the region is given
//   results    -      y1     -      y3        a select takes the others from elsewhere
//
// All lanes are computed at once, but nothing may be seen of one that does not take part. At its own operands a check
// or an index could fail, a loop run for ever, and a derivative be infinite, which makes NaN of a cotangent of 0. So it
// computes with the operands of the first lane that takes part, which are constants for derivatives. Prints and checks
// are told which lanes count.
#pragma once

#include "strata/ops/control/regions.h"
#include "strata/ops/facets/rules.h"

namespace strata::ops {

class Lanes {
 public:
  /// `takes_part`: bool [size].
  explicit Lanes(Value takes_part);

  Value takes_part() const { return takes_part_; }
  /// Whether there is a lane that takes part, a bool scalar.
  Value some() const { return some_; }
  /// An operand that is batched, as the lanes compute with it.
  Value given(Value x) const;
  /// An operand that is the same for all lanes, for a region that runs though no lane takes part: its cotangent is 0
  /// then, whatever the region makes of it.
  Value given_shared(Value x) const;

 private:
  Value takes_part_, some_, first_;
};

/// The region with one more parameter, a bool scalar at `position` among the others: whether this lane takes part.
/// Prints and checks in it, and in the regions within, count only then.
GraphRef with_lane(const Graph& region, size_t position);

/// The results of a region that the marked lanes run; those of the other lanes mean nothing. `first_operand`: of the
/// node of `v`, where the region's begin.
std::vector<Value> run_in_lanes(ir::Vmap& v, const Graph& region, int first_operand, const Lanes& lanes);

/// By result: whether it depends on a marked parameter.
std::vector<bool> dependent_results(const Graph& region, std::span<const bool> is_marked);
bool has_effects(const Graph& region);

}  // namespace strata::ops
