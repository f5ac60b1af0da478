// matmul and einsum: names for dots with their axes brought into place. A diagonal is a gather; nothing else is needed.
#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/contraction/contraction_order.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/contraction/einsum_formula.h"
#include "strata/ops/contraction/matmul.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

/// Leading axes of both sides broadcast against each other; the last two stay.
void broadcast_leading(Value& lhs, Value& rhs) {
  const int rank = std::max(lhs.rank(), rhs.rank());
  lhs = with_rank(lhs, rank);
  rhs = with_rank(rhs, rank);
  Shape to_lhs = shape_of(lhs), to_rhs = shape_of(rhs);
  for (int a = 0; a < rank - 2; ++a) {
    if (to_lhs[a] == Dim(1)) to_lhs[a] = to_rhs[a];
    if (to_rhs[a] == Dim(1)) to_rhs[a] = to_lhs[a];
    if (!ir::proved_equal(to_lhs[a], to_rhs[a]))
      throw base::Error(base::code::kUnequalDims,
                        fmt::format("matmul: leading axes differ: lhs {}, rhs {}", lhs.type().str(), rhs.type().str()));
  }
  lhs = broadcast_to(lhs, dims_span(to_lhs));
  rhs = broadcast_to(rhs, dims_span(to_rhs));
}

/// An operand with the names of its axes.
struct Named {
  Value value;
  AxisNames names;
  int64_t at(int name) const { return std::ranges::find(names, name) - names.begin(); }
};

Dim extent_of(const Named& x, size_t axis) { return x.value.type().dim(axis); }

/// Axes of one name become one: the elements at which their indices are equal.
Named diagonal(Named x) {
  for (size_t i = 0; i < x.names.size(); ++i) {
    Ints axes;
    for (size_t a = i; a < x.names.size(); ++a)
      if (x.names[a] == x.names[i]) axes.push_back(a);
    if (axes.size() == 1) continue;
    const int name = x.names[i];
    const Dim extent = extent_of(x, i);
    for (int64_t a : axes)
      if (!ir::proved_equal(extent_of(x, a), extent))
        throw base::Error(base::code::kUnequalDims,
                          fmt::format("einsum: {} is {} on axis {} and {} on axis {} of {}", axis_name_text(name),
                                      extent.str(), i, extent_of(x, a).str(), a, x.value.type().str()));
    const Dim count(std::ssize(axes));
    const Value positions = iota(x.value.graph(), Type::of(DType::i64, {extent, count}), 0);
    x.value = gather(x.value, positions, axes, 0, OutOfRange::Fill);
    std::erase(x.names, name);
    x.names.insert(x.names.begin(), name);  // where gather puts the positions' axis
    i = 0;
  }
  return x;
}

/// Axes of `...` that are 1 here and not in another operand broadcast: they have nothing to say.
void drop_broadcast_axes(std::vector<Named>& operands) {
  for (Named& x : operands)
    for (size_t a = x.names.size(); a-- > 0;) {
      const int name = x.names[a];
      if (name < kEllipsisAxis || !(extent_of(x, a) == Dim(1))) continue;
      const bool is_elsewhere = std::ranges::any_of(
          operands, [&](const Named& other) { return &other != &x && has_name(other.names, name); });
      if (!is_elsewhere) continue;
      x.value = squeeze(x.value, a);
      x.names.erase(x.names.begin() + a);
    }
}

/// Extents of one name are equal: said here by the name, where a dot would say it by its axes.
void require_equal_extents(const std::vector<Named>& operands) {
  for (size_t i = 0; i < operands.size(); ++i)
    for (size_t a = 0; a < operands[i].names.size(); ++a)
      for (size_t k = i + 1; k < operands.size(); ++k) {
        const int name = operands[i].names[a];
        if (!has_name(operands[k].names, name)) continue;
        const Dim here = extent_of(operands[i], a), there = extent_of(operands[k], operands[k].at(name));
        if (here.is_constant() && there.is_constant() && !(here == there))
          throw base::Error(base::code::kUnequalDims, fmt::format("einsum: {} is {} in operand {} and {} in operand {}",
                                                                  axis_name_text(name), here.str(), i, there.str(), k));
      }
}

/// Sums out the names that neither `needed` nor the result has.
Named without_private(Named x, const AxisNames& needed, const AxisNames& result) {
  Ints gone;
  AxisNames left;
  for (size_t i = 0; i < x.names.size(); ++i) {
    if (has_name(needed, x.names[i]) || has_name(result, x.names[i]))
      left.push_back(x.names[i]);
    else
      gone.push_back(i);
  }
  return {reduce_sum(x.value, gone), left};
}

/// Two operands by one dot. `kept`: names that the result or a later contraction needs.
Named contracted(Named lhs, Named rhs, const AxisNames& kept) {
  lhs = without_private(std::move(lhs), rhs.names, kept);
  rhs = without_private(std::move(rhs), lhs.names, kept);
  DotAxes axes;
  AxisNames batch, lhs_free, rhs_free;
  for (size_t i = 0; i < lhs.names.size(); ++i) {
    const int name = lhs.names[i];
    if (!has_name(rhs.names, name)) {
      lhs_free.push_back(name);
      continue;
    }
    const bool is_kept = has_name(kept, name);
    (is_kept ? axes.lhs_batch : axes.lhs_contract).push_back(i);
    (is_kept ? axes.rhs_batch : axes.rhs_contract).push_back(rhs.at(name));
    if (is_kept) batch.push_back(name);
  }
  for (int name : rhs.names)
    if (!has_name(lhs.names, name)) rhs_free.push_back(name);
  AxisNames names = batch;
  names.insert(names.end(), lhs_free.begin(), lhs_free.end());
  names.insert(names.end(), rhs_free.begin(), rhs_free.end());
  return {dot(lhs.value, rhs.value, axes), names};
}

/// Three operands and more, two at a time.
Named all_contracted(std::vector<Named> list, const EinsumFormula& formula) {
  EinsumFormula left{{}, formula.result};
  std::vector<Value> values;
  for (const Named& x : list) {
    left.operands.push_back(x.names);
    values.push_back(x.value);
  }
  for (const auto& [first, second] : contraction_order(left, values)) {
    const Named lhs = list[first], rhs = list[second];
    list.erase(list.begin() + second);
    list.erase(list.begin() + first);
    AxisNames kept = formula.result;
    for (const Named& x : list) kept.insert(kept.end(), x.names.begin(), x.names.end());
    list.push_back(contracted(lhs, rhs, kept));
  }
  return list[0];
}

}  // namespace

namespace {

Value matmul_of(Value lhs, Value rhs, std::optional<DType> result) {
  if (lhs.rank() < 1 || rhs.rank() < 1)
    throw base::Error(base::code::kUnequalDims,
                      fmt::format("matmul: takes rank 1 or more, found {} and {}", lhs.type().str(), rhs.type().str()));
  const bool is_row = lhs.rank() == 1, is_column = rhs.rank() == 1;
  if (is_row && is_column) return dot(lhs, rhs, {{0}, {0}, {}, {}}, result);
  if (rhs.rank() <= 2) return dot(lhs, rhs, {{-1}, {0}, {}, {}}, result);
  if (is_row) lhs = expand_dims(lhs, 0);
  broadcast_leading(lhs, rhs);
  const Ints batch = iota_ints(0, lhs.rank() - 2);
  const Value y = dot(lhs, rhs, {{-1}, {-2}, batch, batch}, result);
  return is_row ? squeeze(y, -2) : y;
}

}  // namespace

Value matmul(Value lhs, Value rhs) { return matmul_of(lhs, rhs, std::nullopt); }
Value matmul_into(DType result, Value lhs, Value rhs) { return matmul_of(lhs, rhs, result); }

Value einsum(std::string_view text, const std::vector<Value>& operands) {
  if (operands.empty()) throw base::Error(base::code::kAttributeValue, "einsum: takes at least one operand");
  if (operands.size() > 64)
    throw base::Error(base::code::kAttributeValue,
                      fmt::format("einsum: {} operands, expected 64 at most", operands.size()));
  const EinsumFormula formula = parse_einsum(text, operands);
  // A product of two decides by itself which factors go together, and what they give.
  const bool is_product = operands.size() == 2;
  const DType dtype = operands[0].dtype();
  std::vector<Named> list;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!is_product && operands[i].type().encoding() != operands[0].type().encoding())
      throw base::Error(base::code::kOperandTypes, fmt::format("einsum: operand 0 is {}, operand {} is {}",
                                                               operands[0].type().str(), i, operands[i].type().str()));
    // What is between the contractions of half floats is kept in f32, and the result is rounded once.
    const Value x = operands.size() > 2 ? cast(operands[i], accumulation_dtype(dtype)) : operands[i];
    list.push_back(diagonal({x, formula.operands[i]}));
  }
  drop_broadcast_axes(list);
  require_equal_extents(list);
  Named y = list[0];
  if (list.size() == 2) y = contracted(list[0], list[1], formula.result);
  if (list.size() > 2) y = all_contracted(list, formula);
  y = without_private(y, {}, formula.result);
  Ints perm;
  for (int name : formula.result) perm.push_back(y.at(name));
  return is_product ? transpose(y.value, perm) : cast(transpose(y.value, perm), dtype);
}

}  // namespace strata::ops
