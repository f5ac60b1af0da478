#include "strata/tensor/transforms/vmap.h"

#include <memory>

#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/shape/shape.h"
#include "strata/transform/vmap.h"

namespace strata::vmap_detail {
namespace {

ir::Type without_axis(ir::Type type, int axis) {
  Shape shape(type.shape().begin(), type.shape().end());
  shape.erase(shape.begin() + (axis < 0 ? type.rank() + axis : axis));
  return type.with_shape(shape);
}

Dim batch_extent(std::span<const Tensor> arguments, std::span<const BatchAxis> axes) {
  std::optional<Dim> size;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!axes[i]) continue;
    const ir::Type type = arguments[i].type();
    if (*axes[i] >= type.rank() || *axes[i] < -type.rank())
      throw base::Error(base::code::kUnknownBatch, "vmap: tensor " + std::to_string(i) +
                                                       " of the arguments has no axis " + std::to_string(*axes[i]) +
                                                       ": " + type.str());
    const Dim found = type.dim(*axes[i]);
    if (size && !ir::proved_equal(*size, found))
      throw base::Error(base::code::kUnknownBatch, "vmap: batched arguments differ in the extent of the batch: " +
                                                       size->str() + " and " + found.str() + " in " + type.str());
    size = found;
  }
  if (!size)
    throw base::Error(base::code::kUnknownBatch, "vmap: no argument is batched")
        .hint("give at least one argument a batch axis");
  return *size;
}

}  // namespace

std::vector<Tensor> over_batch(std::span<const Tensor> arguments, std::span<const BatchAxis> axes,
                               const trace_detail::TensorFn& body, Source at) {
  const Dim size = noting_line(user_line(at), [&] { return batch_extent(arguments, axes); });
  std::vector<ir::Type> types;
  for (size_t i = 0; i < arguments.size(); ++i)
    types.push_back(axes[i] ? without_axis(arguments[i].type(), *axes[i]) : arguments[i].type());
  const trace_detail::Traced traced = trace_detail::trace("vmap", types, body);

  std::vector<Tensor> operands(arguments.begin(), arguments.end());
  operands.insert(operands.end(), traced.captures.begin(), traced.captures.end());
  const auto is_batched = std::make_unique<bool[]>(operands.size());
  for (size_t i = 0; i < arguments.size(); ++i) is_batched[i] = axes[i].has_value();
  return trace_detail::append(at, operands, [&](ir::Graph& graph, std::span<const ir::Value> values) {
    std::vector<ir::Value> moved(values.begin(), values.end());
    for (size_t i = 0; i < axes.size(); ++i)
      if (axes[i].value_or(0) != 0) moved[i] = ops::move_axis(moved[i], *axes[i], 0);
    transform::Batched results =
        transform::append_vmap(*traced.graph, graph, moved, {is_batched.get(), moved.size()}, size);
    for (size_t i = 0; i < results.values.size(); ++i)
      if (!results.is_batched[i]) results.values[i] = transform::with_batch(results.values[i], size);
    return std::move(results.values);
  });
}

}  // namespace strata::vmap_detail
