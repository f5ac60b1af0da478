// What the dots have in common: their attributes, how their axes lie, and the axes of their cotangents.
#pragma once

#include <vector>

#include "strata/ops/contraction/dot.h"
#include "strata/ops/facets/facets.h"

namespace strata::ops {

inline constexpr AttrSpec kDotAttrs[] = {
    {"lhs_contract", AttrKind::Ints, "axes of the left operand that are summed over"},
    {"rhs_contract", AttrKind::Ints, "their partners in the right operand"},
    {"lhs_batch", AttrKind::Ints, "axes of the left operand that both share"},
    {"rhs_batch", AttrKind::Ints, "their partners in the right operand"},
    {"result", AttrKind::Type, "dtype of the result"}};
std::vector<Attr> dot_attrs(std::span<const int64_t> lhs_contract, std::span<const int64_t> rhs_contract,
                            std::span<const int64_t> lhs_batch, std::span<const int64_t> rhs_batch, DType result);
/// Why flushed_bf16 doesn't take a dot: "takes bf16 by bf16 into bf16 or f32, found ..."; empty if it does.
std::string flushed_misfit(Type lhs, Type rhs, DType result);
/// Adds the op that the algorithm names, of axes that are counted from the front: what rules of the dots make.
Value add_dot(Value lhs, Value rhs, const DotAxes& axes, DType result);
/// Axes as users give them, counted from either end.
DotAxes named_axes(const DotAxes& axes, Value lhs, Value rhs);

/// Checks axes, extents and dtypes of operands 0 and 1, and gives the result's type.
Type dot_result(const ir::Infer& i);

/// The axes of one dot, sorted out. Result axes: batch, lhs_free, rhs_free.
struct DotLayout {
  DotAxes axes;
  Ints lhs_free, rhs_free;
  explicit DotLayout(const Node& n);
  int64_t batch() const { return std::ssize(axes.lhs_batch); }
};

/// The product that gives a side's cotangent: that of the result with the other side, over the other side's free axes.
struct CotangentProduct {
  DotAxes axes;
  Ints home;  ///< axis of the side that each axis of the product is
};
enum class CotangentStands : uint8_t { Left, Right };
CotangentProduct cotangent_product(const DotLayout& d, bool for_lhs, CotangentStands stands);

Ints joined(Ints a, const Ints& b);
std::vector<Dim> extents(Type t, const Ints& axes);
/// Offsets of each index over `axes` of an array, row-major.
Ints offsets_over(const HostArray& x, const Ints& axes);

}  // namespace strata::ops
