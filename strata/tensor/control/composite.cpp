#include "strata/tensor/control/composite.h"

#include "strata/ops/control/control.h"

namespace strata::composite_detail {

std::vector<Tensor> composite_of(std::string_view name, std::span<const ir::Attr> attrs, std::span<const Tensor> inputs,
                                 const trace_detail::TensorFn& body, Source at) {
  const trace_detail::Traced traced[] = {
      trace_detail::trace(std::string(name).c_str(), trace_detail::types_of(inputs), body)};
  std::vector<Tensor> operands;
  const std::vector<ir::GraphRef> regions = trace_detail::share_captures(traced, operands);
  operands.insert(operands.begin(), inputs.begin(), inputs.end());
  return trace_detail::append(at, operands, [&](ir::Graph&, std::span<const ir::Value> values) {
    return ops::composite(name, attrs, {values.begin(), values.end()}, regions[0]);
  });
}

}  // namespace strata::composite_detail
