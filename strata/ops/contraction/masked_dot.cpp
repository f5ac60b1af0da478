// dot_where and dot_read_where.
#include "strata/ops/contraction/masked_dot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/unproved.h"
#include "strata/ops/contraction/dot_layout.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

void require_where(const ir::Infer& i, Type like, const char* what) {
  const Type where = i.type(2);
  if (!ir::is_bool(where.dtype()) || where.rank() != like.rank())
    i.fail(base::code::kOperandTypes, fmt::format("{} is {}, expected {} as {} has it", "where", where.str(),
                                                  like.with_dtype(DType::boolean).str(), what));
  for (int axis = 0; axis < like.rank(); ++axis)
    if (!ir::proved_equal(where.dim(axis), like.dim(axis)))
      i.fail(base::code::kUnequalDims, fmt::format("where is {}, expected {} as {} has it", where.str(),
                                                   like.with_dtype(DType::boolean).str(), what));
}

Type checked_result(const ir::Infer& i) {
  const Type result = dot_result(i);
  for (int side = 0; side < 2; ++side)
    if (i.type(side).dtype() != result.dtype() || i.type(side).is_encoded())
      i.fail(base::code::kOperandTypes, fmt::format("its operands and its result have one dtype, found {}, {} and {}",
                                                    i.type(0).str(), i.type(1).str(), result.str()));
  return result;
}

void where_infer(ir::Infer& i) {
  const Type result = checked_result(i);
  require_where(i, i.type(1), "rhs");
  i.result(result);
}

void read_where_infer(ir::Infer& i) {
  const Type result = checked_result(i);
  require_where(i, result, "the result");
  i.result(result);
}

using Product = Value (*)(Value, Value, Value, const DotAxes&);

template <Product product>
void masked_jvp(ir::Jvp& j) {
  const DotLayout d(j.node);
  j.sum_over([&](int i, Value t) {
    return i == 0 ? product(t, j.operand(1), j.operand(2), d.axes) : product(j.operand(0), t, j.operand(2), d.axes);
  });
}

void where_transpose(ir::Transpose& t) {
  const DotLayout d(t.node);
  const Value ct = t.cotangent(), where = t.operand(2);
  const bool for_lhs = t.is_linear(0);
  const CotangentProduct p = cotangent_product(d, for_lhs, CotangentStands::Left);
  const Ints back = inverse_permutation(p.home);
  if (for_lhs) {
    t.set(0, transpose(dot_where(ct, t.operand(1), where, p.axes), back));
    return;
  }
  const Value y = transpose(dot_read_where(ct, t.operand(0), transpose(where, p.home), p.axes), back);
  t.set(1, select(where, y, zeros_like(y)));
}

void read_where_transpose(ir::Transpose& t) {
  const DotLayout d(t.node);
  const bool for_lhs = t.is_linear(0);
  const CotangentProduct p = cotangent_product(d, for_lhs, CotangentStands::Right);
  const Value other = t.operand(for_lhs ? 1 : 0);
  t.set(for_lhs ? 0 : 1, transpose(dot_where(other, t.cotangent(), t.operand(2), p.axes), inverse_permutation(p.home)));
}

/// All operands are batched, by one more batch axis.
template <Product product>
void masked_vmap(ir::Vmap& v) {
  const DotLayout d(v.node);
  const auto with_first = [](const Ints& list, bool is_batch) {
    Ints all = shifted(list);
    if (is_batch) all.insert(all.begin(), 0);
    return all;
  };
  const DotAxes axes{with_first(d.axes.lhs_contract, false), with_first(d.axes.rhs_contract, false),
                     with_first(d.axes.lhs_batch, true), with_first(d.axes.rhs_batch, true)};
  v.set(product(v.batched(0), v.batched(1), v.batched(2), axes));
}

std::vector<Expr> at_home(const Ints& home, std::span<const Expr> index) {
  std::vector<Expr> at(index.size());
  for (size_t k = 0; k < home.size(); ++k) at[static_cast<size_t>(home[k])] = index[k];
  return at;
}

/// The loops of a dot whose columns may be among the batch: then both sides are told which column they are for.
enum class Columns : uint8_t { Own, OfBatch };
void lower_as(ir::Lowering& l, Columns columns) {
  const DotLayout d(l.node);
  const Type lhs = l.node.operand(0).type(), rhs = l.node.operand(1).type();
  const DType result = l.node.type().dtype(), wide = sum_dtype(lhs, result);
  const bool hides = columns == Columns::OfBatch;
  const size_t batch = d.axes.lhs_batch.size(), of_columns = hides ? d.rhs_free.size() : 0, rows = d.lhs_free.size();
  const Ints lhs_home = joined(joined(d.axes.lhs_batch, d.lhs_free), d.axes.lhs_contract),
             rhs_home = joined(joined(d.axes.rhs_batch, d.rhs_free), d.axes.rhs_contract);
  /// The elements [first, last) of an index left out.
  const auto without = [](std::span<const Expr> index, size_t first, size_t last) {
    std::vector<Expr> rest(index.begin(), index.begin() + static_cast<int64_t>(first));
    rest.insert(rest.end(), index.begin() + static_cast<int64_t>(last), index.end());
    return rest;
  };
  const auto where_seen = [&l, wide, hides, rhs_home](std::span<const Expr> at_rhs, Expr value) {
    if (!hides) return value;
    return l.context.select(l.operand(2, at_home(rhs_home, at_rhs)), value, l.context.constant(wide, 0));
  };
  ir::ContractionForm form;
  form.batch = extents(lhs, d.axes.lhs_batch);
  form.rows = extents(lhs, d.lhs_free);
  for (const Dim n : extents(rhs, d.rhs_free)) (hides ? form.batch : form.columns).push_back(n);
  form.depth = extents(lhs, d.axes.lhs_contract);
  // (batch..., columns of the batch..., row..., depth...)
  form.lhs = [=, &l](std::span<const Expr> index) {
    const auto own = at_home(lhs_home, without(index, batch, batch + of_columns));
    const auto column = without(index, batch + of_columns, batch + of_columns + rows);
    return where_seen(column, l.context.cast(wide, l.operand(0, own)));
  };
  // (batch..., column..., depth...)
  form.rhs = [=, &l](std::span<const Expr> index) {
    return where_seen(index, l.context.cast(wide, l.operand(1, at_home(rhs_home, index))));
  };
  // (batch..., columns of the batch..., row..., columns...): the result has the columns last.
  form.result_index = [batch, of_columns](std::span<const Expr> index) {
    std::vector<Expr> at(index.begin(), index.end());
    const auto first = at.begin() + static_cast<int64_t>(batch);
    std::rotate(first, first + static_cast<int64_t>(of_columns), at.end());
    return at;
  };
  if (wide != result) form.finish = [&c = l.context, result](Expr e) { return c.cast(result, e); };
  l.contraction(std::move(form));
}

/// `is_seen` null: everything is.
void sum_of_products(ir::Reference& r, const HostArray* is_seen) {
  const DotLayout d(r.node);
  const HostArray &x = r.operands[0], &w = r.operands[1];
  HostArray& y = r.results[0];
  const Ints xb = offsets_over(x, d.axes.lhs_batch), xf = offsets_over(x, d.lhs_free),
             xk = offsets_over(x, d.axes.lhs_contract);
  const Ints wb = offsets_over(w, d.axes.rhs_batch), wf = offsets_over(w, d.rhs_free),
             wk = offsets_over(w, d.axes.rhs_contract);
  int64_t to = 0;
  for (size_t b = 0; b < xb.size(); ++b)
    for (const int64_t i : xf)
      for (const int64_t j : wf) {
        double sum = 0;
        for (size_t k = 0; k < xk.size(); ++k) {
          const int64_t at = wb[b] + j + wk[k];
          if (!is_seen || is_seen->get_int(at)) sum = std::fma(x.get(xb[b] + i + xk[k]), w.get(at), sum);
        }
        y.set(to++, sum);
      }
}

ir::Cost masked_cost(const Node& n) {
  const DotLayout d(n);
  Dim depth = 1;
  for (const int64_t a : d.axes.lhs_contract) depth = depth * n.operand(0).type().dim(a);
  return {Dim(2) * depth * n.type().elements(), move_cost(n).bytes};
}

enum class WhereOf : uint8_t { Rhs, Result };
template <WhereOf of>
std::vector<ir::Sample> masked_samples() {
  static const int64_t a0[] = {0}, a1[] = {1}, a2[] = {2}, a12[] = {1, 2}, a20[] = {2, 0};
  const std::span<const int64_t> none;
  constexpr bool is_rhs = of == WhereOf::Rhs;
  // Of a result that is read everywhere the derivative is that of its elements.
  const auto where = [](std::initializer_list<Dim> rhs, std::initializer_list<Dim> result) {
    return is_rhs ? operand(DType::boolean, rhs) : operand(DType::boolean, result, Domain::Nonzero);
  };
  std::vector<ir::Sample> list;
  for (const DType t : ir::kAllDTypes)
    if (ir::is_float(t))
      list.push_back(
          {{operand(t, {3, 7}), operand(t, {7, 5}), where({7, 5}, {3, 5})}, dot_attrs(a1, a0, none, none, t)});
  list.push_back(
      {{normal({2, 3, 5}), normal({2, 5, 7}), where({2, 5, 7}, {2, 3, 7})}, dot_attrs(a2, a1, a0, a0, DType::f32)});
  list.push_back(
      {{normal({4, 3, 5}), normal({5, 2, 3}), where({5, 2, 3}, {4, 2})}, dot_attrs(a12, a20, none, none, DType::f32)});
  list.push_back({{normal({7}), normal({7}), where({7}, {})}, dot_attrs(a0, a0, none, none, DType::f32)});
  list.push_back({{normal({2}), normal({3}), where({3}, {2, 3})}, dot_attrs(none, none, none, none, DType::f32)});
  list.push_back({{normal({2, 0}), normal({0, 3}), where({0, 3}, {2, 3})}, dot_attrs(a1, a0, none, none, DType::f32)});
  list.push_back({{normal({0, 3}), normal({3, 2}), where({3, 2}, {0, 2})}, dot_attrs(a1, a0, none, none, DType::f32)});
  return list;
}

}  // namespace

constinit const Op kDotWhere = {
    .name = "dot_where",
    .family = "contraction",
    .doc =
        "`dot` in which an element of rhs counts only where the third operand, bool and of its shape, is true: both "
        "factors are 0 elsewhere, whatever memory holds there, NaN included. Order and dtype of the sums are those of "
        "`dot`; operands and result have one dtype, of floats.",
    .operands_min = 3,
    .operands_max = 3,
    .attrs = kDotAttrs,
    .types = ir::kFloats,
    .infer = where_infer,
    .jvp = masked_jvp<dot_where>,
    .transpose = where_transpose,
    .vmap = masked_vmap<dot_where>,
    .lower = [](ir::Lowering& l) { lower_as(l, Columns::OfBatch); },
    .reference = [](ir::Reference& r) { sum_of_products(r, &r.operands[2]); },
    .tolerance = ir::sum_of_terms(4, 40),
    .cost = masked_cost,
    .samples = masked_samples<WhereOf::Rhs>,
    .is_smooth = true,
};

constinit const Op kDotReadWhere = {
    .name = "dot_read_where",
    .family = "contraction",
    .doc =
        "`dot` of floats of one dtype, of whose result only what stands where the third operand, bool and of its "
        "shape, "
        "is true is read. The result is that of `dot` everywhere; its cotangents, and what they would be multiplied "
        "with, count only there (`dot_where`).",
    .operands_min = 3,
    .operands_max = 3,
    .attrs = kDotAttrs,
    .types = ir::kFloats,
    .infer = read_where_infer,
    .jvp = masked_jvp<dot_read_where>,
    .transpose = read_where_transpose,
    .vmap = masked_vmap<dot_read_where>,
    .lower = [](ir::Lowering& l) { lower_as(l, Columns::Own); },
    .reference = [](ir::Reference& r) { sum_of_products(r, nullptr); },
    .tolerance = ir::sum_of_terms(4, 40),
    .cost = masked_cost,
    .samples = masked_samples<WhereOf::Result>,
    .is_smooth = true,
};

namespace {

Value add_masked(const Op& op, Value lhs, Value rhs, Value where, const DotAxes& axes) {
  const DotAxes a = named_axes(axes, lhs, rhs);
  const auto attrs = dot_attrs(a.lhs_contract, a.rhs_contract, a.lhs_batch, a.rhs_batch, lhs.dtype());
  const Value operands[] = {lhs, rhs, where};
  return lhs.graph().add(op, operands, attrs)->result();
}

}  // namespace

Value dot_where(Value lhs, Value rhs, Value where, const DotAxes& axes) {
  return add_masked(kDotWhere, lhs, rhs, where, axes);
}

Value dot_read_where(Value lhs, Value rhs, Value where, const DotAxes& axes) {
  return add_masked(kDotReadWhere, lhs, rhs, where, axes);
}

}  // namespace strata::ops
