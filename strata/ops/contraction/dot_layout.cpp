#include "strata/ops/contraction/dot_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/facets/facets.h"

namespace strata::ops {
namespace {

Ints ints_attr(const Node& n, std::string_view name) {
  const auto v = n.attrs.ints(name);
  return {v.begin(), v.end()};
}

void require_pairs(const ir::Infer& i, const char* what, std::string_view lhs, std::string_view rhs) {
  const auto a = i.attrs.ints(lhs), b = i.attrs.ints(rhs);
  if (a.size() != b.size())
    i.fail(base::code::kUnequalDims,
           fmt::format("{} axes come in pairs: lhs has {}, rhs has {}", what, a.size(), b.size()));
  for (size_t k = 0; k < a.size(); ++k) {
    const Dim da = i.type(0).dim(a[k]), db = i.type(1).dim(b[k]);
    if (!ir::proved_equal(da, db))
      i.fail(base::code::kUnequalDims, fmt::format("{} dimensions differ: lhs {} has {}, rhs {} has {}", what,
                                                   i.type(0).str(), da.str(), i.type(1).str(), db.str()));
  }
}

}  // namespace

Ints joined(Ints a, const Ints& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Type dot_result(const ir::Infer& i) {
  for (auto [attr, operand] : {std::pair{"lhs_contract", 0}, {"lhs_batch", 0}, {"rhs_contract", 1}, {"rhs_batch", 1}})
    require_axes(i, attr, i.type(operand).rank());
  require_pairs(i, "contracted", "lhs_contract", "rhs_contract");
  require_pairs(i, "batch", "lhs_batch", "rhs_batch");
  const DType result = i.attrs.dtype("result");
  require_factors(i, result);
  Shape shape;
  for (int64_t a : i.attrs.ints("lhs_batch")) shape.push_back(i.type(0).dim(a));
  for (int side = 0; side < 2; ++side) {
    const auto contract = i.attrs.ints(side ? "rhs_contract" : "lhs_contract"),
               batch = i.attrs.ints(side ? "rhs_batch" : "lhs_batch");
    for (int a = 0; a < i.type(side).rank(); ++a) {
      if (has_axis(contract, a)) continue;
      if (has_axis(batch, a)) continue;
      shape.push_back(i.type(side).dim(a));
    }
  }
  return Type::of(result, shape);
}

DotLayout::DotLayout(const Node& n)
    : axes{ints_attr(n, "lhs_contract"), ints_attr(n, "rhs_contract"), ints_attr(n, "lhs_batch"),
           ints_attr(n, "rhs_batch"), n.op == &kDotFlushed ? DotAlgorithm::FlushedBf16 : DotAlgorithm::Direct},
      lhs_free(other_axes(joined(axes.lhs_batch, axes.lhs_contract), n.operand(0).rank())),
      rhs_free(other_axes(joined(axes.rhs_batch, axes.rhs_contract), n.operand(1).rank())) {}

CotangentProduct cotangent_product(const DotLayout& d, bool for_lhs, CotangentStands stands) {
  const Ints &own_batch = for_lhs ? d.axes.lhs_batch : d.axes.rhs_batch,
             &other_batch = for_lhs ? d.axes.rhs_batch : d.axes.lhs_batch;
  const Ints &own_free = for_lhs ? d.lhs_free : d.rhs_free, &other_free = for_lhs ? d.rhs_free : d.lhs_free;
  const Ints &own_contract = for_lhs ? d.axes.lhs_contract : d.axes.rhs_contract,
             &other_contract = for_lhs ? d.axes.rhs_contract : d.axes.lhs_contract;
  const auto batch = std::ssize(own_batch);
  const int64_t first_other = for_lhs ? batch + std::ssize(own_free) : batch;
  const Ints in_cotangent = iota_ints(first_other, std::ssize(other_free)), batch_of_cotangent = iota_ints(0, batch);
  // The other side's contracted axes come out in ascending order of that side.
  Ints order(other_contract.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return other_contract[a] < other_contract[b]; });
  Ints partners;
  for (const int64_t k : order) partners.push_back(own_contract[static_cast<size_t>(k)]);
  if (stands == CotangentStands::Left)
    return {{in_cotangent, other_free, batch_of_cotangent, other_batch, d.axes.algorithm},
            joined(joined(own_batch, own_free), partners)};
  return {{other_free, in_cotangent, other_batch, batch_of_cotangent, d.axes.algorithm},
          joined(joined(own_batch, partners), own_free)};
}

std::vector<Dim> extents(Type t, const Ints& axes) {
  std::vector<Dim> dims;
  for (int64_t a : axes) dims.push_back(t.dim(a));
  return dims;
}

Ints offsets_over(const HostArray& x, const Ints& axes) {
  const Ints strides = row_strides(x.shape());
  Ints shape, own, all;
  for (int64_t a : axes) shape.push_back(x.shape()[a]), own.push_back(strides[a]);
  for_each_index(shape, [&](const Ints& index) { all.push_back(offset_of(index, own)); });
  return all;
}

std::vector<Attr> dot_attrs(std::span<const int64_t> lc, std::span<const int64_t> rc, std::span<const int64_t> lb,
                            std::span<const int64_t> rb, DType result) {
  return {Attr("lhs_contract", lc), Attr("rhs_contract", rc), Attr("lhs_batch", lb), Attr("rhs_batch", rb),
          Attr("result", result)};
}

std::string flushed_misfit(Type lhs, Type rhs, DType result) {
  const auto is_half = [](Type t) { return !t.is_encoded() && t.dtype() == DType::bf16; };
  if (is_half(lhs) && is_half(rhs) && (result == DType::bf16 || result == DType::f32)) return {};
  return fmt::format("takes bf16 by bf16 into bf16 or f32, found {} by {} into {}", lhs.str(), rhs.str(),
                     ir::dtype_name(result));
}

Value add_dot(Value lhs, Value rhs, const DotAxes& a, DType result) {
  const Value operands[] = {lhs, rhs};
  return lhs.graph()
      .add(a.algorithm == DotAlgorithm::FlushedBf16 ? kDotFlushed : kDot, operands,
           dot_attrs(a.lhs_contract, a.rhs_contract, a.lhs_batch, a.rhs_batch, result))
      ->result();
}

DotAxes named_axes(const DotAxes& axes, Value lhs, Value rhs) {
  const auto named = [](const Ints& list, Value v) {
    Ints all;
    for (const int64_t a : list) all.push_back(axis_of(a, v.rank(), "dot"));
    return all;
  };
  return {named(axes.lhs_contract, lhs), named(axes.rhs_contract, rhs), named(axes.lhs_batch, lhs),
          named(axes.rhs_batch, rhs), axes.algorithm};
}

}  // namespace strata::ops
