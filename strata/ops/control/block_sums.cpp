#include "strata/ops/control/block_sums.h"

#include "strata/ir/loops/joined_loops.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/operands/operators.h"

namespace strata::ops {

void BlockSums::add_step(std::span<const Value> terms) {
  steps = steps + 1;
  const Value is_full = eq<Value>(steps & (ir::loops::kJoinBlock - 1), 0);
  for (size_t i = 0; i < sums.size(); ++i) {
    const Value sum = sums[i] + cast(terms[i], sums[i].dtype());
    totals[i] = select(is_full, totals[i] + sum, totals[i]);
    sums[i] = select(is_full, zeros_like(sum), sum);
  }
}

}  // namespace strata::ops
