#include "strata/ops/operands/axes.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"

namespace strata::ops {

int64_t axis_of(int64_t axis, int rank, std::string_view op) {
  if (axis < -rank || axis >= rank)
    throw base::Error(base::code::kAxis, fmt::format("{}: axis {} is out of range for rank {}", op, axis, rank));
  return axis < 0 ? axis + rank : axis;
}

Ints axes_of(std::span<const int64_t> axes, int rank, std::string_view op, bool all_if_empty) {
  if (axes.empty() && all_if_empty) return iota_ints(0, rank);
  Ints result;
  for (int64_t a : axes) result.push_back(axis_of(a, rank, op));
  std::sort(result.begin(), result.end());
  if (auto twice = std::adjacent_find(result.begin(), result.end()); twice != result.end())
    throw base::Error(base::code::kAxis, fmt::format("{}: axis {} is named twice", op, *twice));
  return result;
}

bool has_axis(std::span<const int64_t> axes, int64_t axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

Ints other_axes(std::span<const int64_t> axes, int rank) {
  Ints rest;
  for (int64_t a = 0; a < rank; ++a)
    if (!has_axis(axes, a)) rest.push_back(a);
  return rest;
}

Ints iota_ints(int64_t first, int64_t count) {
  Ints all(count);
  for (int64_t i = 0; i < count; ++i) all[i] = first + i;
  return all;
}

Ints shifted(std::span<const int64_t> axes, int64_t by) {
  Ints result(axes.begin(), axes.end());
  for (int64_t& a : result) a += by;
  return result;
}

Ints inverse_permutation(std::span<const int64_t> perm) {
  Ints inverse(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) inverse[perm[i]] = i;
  return inverse;
}

Shape shape_of(Type type) { return {type.shape().begin(), type.shape().end()}; }

}  // namespace strata::ops
