// What the shape, index, contraction, reduction and window families share: axis lists in attributes, row-major walks
// over host arrays for reference rules, index arithmetic for lower rules, and the cost of moving data.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "strata/ir/host_array.h"
#include "strata/ir/loops/kernel.h"
#include "strata/ir/op.h"
#include "strata/ops/handle.h"

namespace strata::ops {

using Ints = std::vector<int64_t>;
using ir::AttrKind;
using ir::AttrSpec;
using ir::loops::Expr;
using ir::loops::ExprOp;

/// `axis` in [0, rank); negative counts from the end. A User error (E0115) that names `op` otherwise.
int64_t axis_of(int64_t axis, int rank, std::string_view op);
/// Axes as above, sorted, without repetition (E0115). An empty list with `all_if_empty` means every axis.
Ints axes_of(std::span<const int64_t> axes, int rank, std::string_view op, bool all_if_empty = false);
/// Checks an attribute's axis list: each in [0, rank), none twice.
void require_axes(const ir::Infer& infer, std::string_view attr, int rank);
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

// ---- reference rules
// -------------------------------------------------------------------------------------------------

Ints row_strides(std::span<const int64_t> shape);
int64_t offset_of(std::span<const int64_t> index, std::span<const int64_t> strides);
/// Calls f(index) for each index of `shape` in row-major order; not at all when an extent is 0, once when the rank is
/// 0.
template <class F>
void for_each_index(std::span<const int64_t> shape, F&& f) {
  for (int64_t d : shape)
    if (d <= 0) return;
  Ints index(shape.size(), 0);
  while (true) {
    f(std::as_const(index));
    int axis = static_cast<int>(shape.size()) - 1;
    while (axis >= 0 && ++index[axis] == shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}
/// Copies one element, bit for bit; the arrays have one dtype.
void copy_element(HostArray& to, int64_t i, const HostArray& from, int64_t j);
/// The value of each dimension in this execution.
Ints run_time(const ir::Reference& r, std::span<const Dim> dims);

/// One element as the interpreter computes with it: integers and bool exactly (u64 as its bits), floats in f64.
inline bool computes_in_int(DType t) { return !ir::is_float(t); }

// ---- lower rules
// -----------------------------------------------------------------------------------------------------

/// i64 arithmetic on index expressions.
struct IndexMath {
  ir::loops::LoopContext& c;
  Expr at(Dim d) const { return c.dim(d); }
  Expr add(Expr a, Expr b) const { return c.binary(ExprOp::Add, a, b); }
  Expr sub(Expr a, Expr b) const { return c.binary(ExprOp::Sub, a, b); }
  Expr mul(Expr a, Expr b) const { return c.binary(ExprOp::Mul, a, b); }
  Expr div(Expr a, Expr b) const { return c.binary(ExprOp::FloorDiv, a, b); }
  Expr mod(Expr a, Expr b) const { return c.binary(ExprOp::FloorMod, a, b); }
  Expr min(Expr a, Expr b) const { return c.binary(ExprOp::Min, a, b); }
  Expr max(Expr a, Expr b) const { return c.binary(ExprOp::Max, a, b); }
  Expr lt(Expr a, Expr b) const { return c.binary(ExprOp::Lt, a, b); }
  Expr le(Expr a, Expr b) const { return c.binary(ExprOp::Le, a, b); }
  Expr eq(Expr a, Expr b) const { return c.binary(ExprOp::Eq, a, b); }
  Expr both(Expr a, Expr b) const { return c.binary(ExprOp::And, a, b); }
  Expr num(int64_t v) const { return c.i64(v); }
  /// An index below `extent`, whatever `a` is. 0 when the extent is 0.
  Expr clamp(Expr a, Expr extent) const { return max(num(0), min(a, sub(extent, num(1)))); }
};

/// A value read at an index that counts only where `valid` holds: the address is made safe by `valid ? index : 0`.
struct GuardedIndex {
  std::vector<Expr> index;
  Expr valid = nullptr;  ///< null: always
};

/// The dtype in which sums and dots of `t` run: f32 for half floats.
inline DType accumulation_dtype(DType t) { return ir::is_half_float(t) ? DType::f32 : t; }

/// Each operand read once, each result written once, nothing computed.
ir::Cost move_cost(const Node& node);
/// As above, with `flops` per element of the result.
template <int flops>
ir::Cost cost_per_element(const Node& node) {
  return {Dim(flops) * node.type().elements(), move_cost(node).bytes};
}

}  // namespace strata::ops
