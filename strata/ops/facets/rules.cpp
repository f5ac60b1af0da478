#include "strata/ops/facets/rules.h"

#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/broadcast.h"

namespace strata::ir {

Value Jvp::tangent(int i) const { return has(i) ? tangents_[i] : ops::zeros_like(operand(i)); }

void Jvp::sum_over(const std::function<Value(int i, Value tangent)>& part) {
  Value sum;
  for (int i = 0; i < std::ssize(tangents_); ++i) {
    if (!has(i)) continue;
    const Value term = part(i, tangents_[i]);
    if (term) sum = sum ? graph.add1(ops::kAdd, {sum, term}) : term;
  }
  if (sum) set(sum);
}

Value Vmap::batched(int i) const {
  if (is_batched(i)) return operand(i);
  const Value x = operand(i);
  Shape dims{size};
  dims.insert(dims.end(), x.shape().begin(), x.shape().end());
  std::vector<int64_t> axes;
  for (int a = 0; a < x.rank(); ++a) axes.push_back(a + 1);
  return ops::broadcast(x, dims, axes);
}

}  // namespace strata::ir
