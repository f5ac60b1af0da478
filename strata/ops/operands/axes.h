// Lists of axes and shapes, as the user functions of the shape, index, contraction and reduction families take them.
// What their rules share besides is in layout.h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "strata/ops/operands/handle.h"

namespace strata::ops {

using Ints = std::vector<int64_t>;

/// `axis` in [0, rank); negative counts from the end. A User error (E0115) that names `op` otherwise.
int64_t axis_of(int64_t axis, int rank, std::string_view op);
/// Axes as above, sorted, without repetition (E0115). An empty list with `all_if_empty` means every axis.
Ints axes_of(std::span<const int64_t> axes, int rank, std::string_view op, bool all_if_empty = false);
bool has_axis(std::span<const int64_t> axes, int64_t axis);
/// The axes of 0..rank that are not in `axes`, ascending.
Ints other_axes(std::span<const int64_t> axes, int rank);
Ints iota_ints(int64_t first, int64_t count);
/// Every entry plus `by`: the axes of a node whose operand got a batch axis in front.
Ints shifted(std::span<const int64_t> axes, int64_t by = 1);
/// The permutation that undoes `perm`.
Ints inverse_permutation(std::span<const int64_t> perm);
Shape shape_of(Type type);
inline Shape shape_of(Value v) { return shape_of(v.type()); }
/// `first` in front of `rest`.
template <class T>
std::vector<T> prepend(T first, std::span<const T> rest) {
  std::vector<T> all{first};
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}
inline std::span<const Dim> dims_span(const Shape& s) { return s; }
inline std::span<const int64_t> ints_span(const Ints& v) { return v; }

}  // namespace strata::ops
