#include "strata/ops/facets/layout.h"
#include "strata/base/error/codes/ir_codes.h"

#include <fmt/format.h>

#include <cstring>

namespace strata::ops {

int64_t require_axis(const ir::Infer& infer, Type type) {
  const int64_t axis = infer.attrs.integer("axis");
  if (axis < 0 || axis >= type.rank())
    infer.fail(base::code::kAxis, fmt::format("axis {} is out of range for {}", axis, type.str()));
  return axis;
}

void require_axes(const ir::Infer& infer, std::string_view attr, int rank) {
  const auto axes = infer.attrs.ints(attr);
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] < 0 || axes[i] >= rank)
      infer.fail(base::code::kAxis, fmt::format("axis {} of '{}' is out of range for rank {}", axes[i], attr, rank));
    if (has_axis(axes.subspan(0, i), axes[i]))
      infer.fail(base::code::kAxis, fmt::format("axis {} is twice in '{}'", axes[i], attr));
  }
}

Ints row_strides(std::span<const int64_t> shape) {
  Ints strides(shape.size(), 1);
  for (int i = std::ssize(shape) - 2; i >= 0; --i) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

int64_t offset_of(std::span<const int64_t> index, std::span<const int64_t> strides) {
  int64_t offset = 0;
  for (size_t i = 0; i < index.size(); ++i) offset += index[i] * strides[i];
  return offset;
}

void copy_element(HostArray& to, int64_t i, const HostArray& from, int64_t j) {
  const int64_t size = ir::dtype_bytes(to.dtype());
  std::memcpy(to.data() + i * size, from.data() + j * size, size);
}

Ints run_time(const ir::Reference& r, std::span<const Dim> dims) {
  Ints values;
  for (Dim d : dims) values.push_back(r.dim(d));
  return values;
}

ir::Cost move_cost(const Node& node) {
  Dim bytes = 0;
  for (const Value& v : node.operands()) bytes = bytes + v.type().bytes();
  for (Type t : node.types()) bytes = bytes + t.bytes();
  return {Dim(0), bytes};
}

}  // namespace strata::ops
