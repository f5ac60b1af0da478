// What the rules of the shape, index, contraction, reduction and window families share: axis lists in attributes,
// row-major walks over host arrays for reference rules, index arithmetic for lower rules, and the cost of moving data.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/ir/graph/op.h"
#include "strata/ir/host_array.h"
#include "strata/ir/loops/kernel.h"
#include "strata/ops/operands/axes.h"

namespace strata::ops {

using ir::AttrKind;
using ir::AttrSpec;
using ir::loops::Expr;
using ir::loops::ExprOp;

/// The attribute `axis`, which must be one of the type's (E0115).
int64_t require_axis(const ir::Infer& infer, Type type);
/// Checks an attribute's axis list: each in [0, rank), none twice.
void require_axes(const ir::Infer& infer, std::string_view attr, int rank);

// ---- reference rules

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

/// Whether an extent is the number 0. A symbolic extent is 1 or more when a kernel runs (ops/facets/lowering.h).
inline bool has_no_elements(Type type) {
  for (Dim d : type.shape())
    if (d == Dim(0)) return true;
  return false;
}

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
  /// An index below `extent`, whatever `a` is. The extent is 1 or more: a rule that clamps reads nothing from an
  /// operand that has_no_elements().
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
