// The general dot: result[batch, lhs free, rhs free] = sum over the contracted axes of lhs * rhs.
#include "strata/ops/contraction/dot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/unproved.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kDotAttrs[] = {{"lhs_contract", AttrKind::Ints, "axes of the left operand that are summed over"},
                                  {"rhs_contract", AttrKind::Ints, "their partners in the right operand"},
                                  {"lhs_batch", AttrKind::Ints, "axes of the left operand that both share"},
                                  {"rhs_batch", AttrKind::Ints, "their partners in the right operand"},
                                  {"result", AttrKind::Type, "dtype of the result"}};

Ints ints_attr(const Node& n, std::string_view name) {
  const auto v = n.attrs.ints(name);
  return {v.begin(), v.end()};
}
Ints joined(Ints a, const Ints& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The axes of one dot, sorted out. Result axes: batch, lhs_free, rhs_free.
struct DotLayout {
  DotAxes axes;
  Ints lhs_free, rhs_free;
  explicit DotLayout(const Node& n)
      : axes{ints_attr(n, "lhs_contract"), ints_attr(n, "rhs_contract"), ints_attr(n, "lhs_batch"),
             ints_attr(n, "rhs_batch")},
        lhs_free(other_axes(joined(axes.lhs_batch, axes.lhs_contract), n.operand(0).rank())),
        rhs_free(other_axes(joined(axes.rhs_batch, axes.rhs_contract), n.operand(1).rank())) {}
  int64_t batch() const { return std::ssize(axes.lhs_batch); }
};

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

void dot_infer(ir::Infer& i) {
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
  i.result(Type::of(result, shape));
}

void dot_jvp(ir::Jvp& j) {
  const DotLayout d(j.node);
  const DType result = j.node.type().dtype();
  j.sum_over([&](int i, Value t) {
    return i == 0 ? dot(t, j.operand(1), d.axes, result) : dot(j.operand(0), t, d.axes, result);
  });
}

/// One side's cotangent: the result's cotangent with the other side, contracted over the other side's free axes; the
/// axes come out as batch, this side's free, the partners of the contracted axes in the other side's order.
Value dot_cotangent(Value ct, Value other, const DotLayout& d, bool for_lhs, Type wanted) {
  const Ints &own_batch = for_lhs ? d.axes.lhs_batch : d.axes.rhs_batch,
             &other_batch = for_lhs ? d.axes.rhs_batch : d.axes.lhs_batch;
  const Ints &own_free = for_lhs ? d.lhs_free : d.rhs_free, &other_free = for_lhs ? d.rhs_free : d.lhs_free;
  const Ints &own_contract = for_lhs ? d.axes.lhs_contract : d.axes.rhs_contract,
             &other_contract = for_lhs ? d.axes.rhs_contract : d.axes.lhs_contract;
  const auto batch = std::ssize(own_batch);
  const int64_t first_other = for_lhs ? batch + std::ssize(own_free) : batch;
  const DotAxes axes{iota_ints(first_other, std::ssize(other_free)), other_free, iota_ints(0, batch), other_batch};
  const DType factor = other.type().is_encoded() ? wanted.dtype() : other.dtype();
  const Value y = dot(cast(ct, factor), other, axes, wanted.dtype());
  // y's axes are batch, own free, then other's contracted axes in ascending order of the other side.
  Ints order(other_contract.size());
  for (size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return other_contract[a] < other_contract[b]; });
  Ints home = joined(own_batch, own_free);
  for (int64_t k : order) home.push_back(own_contract[k]);
  return transpose(y, inverse_permutation(home));
}

void dot_transpose(ir::Transpose& t) {
  const DotLayout d(t.node);
  if (t.is_linear(0))
    t.set(0, dot_cotangent(t.cotangent(), t.operand(1), d, true, t.operand_type(0)));
  else
    t.set(1, dot_cotangent(t.cotangent(), t.operand(0), d, false, t.operand_type(1)));
}

void dot_vmap(ir::Vmap& v) {
  const DotLayout d(v.node);
  const DType result = v.node.type().dtype();
  DotAxes axes = d.axes;
  if (v.is_batched(0)) axes.lhs_contract = shifted(axes.lhs_contract), axes.lhs_batch = shifted(axes.lhs_batch);
  if (v.is_batched(1)) axes.rhs_contract = shifted(axes.rhs_contract), axes.rhs_batch = shifted(axes.rhs_batch);
  if (v.is_batched(0) && v.is_batched(1)) {
    axes.lhs_batch.insert(axes.lhs_batch.begin(), 0);
    axes.rhs_batch.insert(axes.rhs_batch.begin(), 0);
    v.set(dot(v.operand(0), v.operand(1), axes, result));
    return;
  }
  // The new axis is a free axis of its side: the first of them.
  const int64_t at = d.batch() + (v.is_batched(0) ? 0 : std::ssize(d.lhs_free));
  v.set(move_axis(dot(v.operand(0), v.operand(1), axes, result), at, 0));
}

std::vector<Dim> extents(Type t, const Ints& axes) {
  std::vector<Dim> dims;
  for (int64_t a : axes) dims.push_back(t.dim(a));
  return dims;
}

void dot_lower(ir::Lowering& l) {
  const DotLayout d(l.node);
  const Type lhs = l.node.operand(0).type(), rhs = l.node.operand(1).type();
  const DType result = l.node.type().dtype();
  const DType wide = sum_dtype(lhs, result);
  auto side = [&l, wide](int operand, const Ints& batch, const Ints& free, const Ints& contract) -> ir::ElementFn {
    const Ints home = joined(joined(batch, free), contract);
    return [&l, wide, operand, home](std::span<const Expr> index) {
      std::vector<Expr> at(index.size());
      for (size_t k = 0; k < home.size(); ++k) at[home[k]] = index[k];
      return l.context.cast(wide, decoded_operand(l, operand, at));
    };
  };
  ir::ContractionForm form;
  form.batch = extents(lhs, d.axes.lhs_batch);
  form.rows = extents(lhs, d.lhs_free);
  form.columns = extents(rhs, d.rhs_free);
  form.depth = extents(lhs, d.axes.lhs_contract);
  form.lhs = side(0, d.axes.lhs_batch, d.lhs_free, d.axes.lhs_contract);
  form.rhs = side(1, d.axes.rhs_batch, d.rhs_free, d.axes.rhs_contract);
  form.result_index = [](std::span<const Expr> index) { return std::vector<Expr>(index.begin(), index.end()); };
  if (wide != result) form.finish = [&c = l.context, result](Expr e) { return c.cast(result, e); };
  l.contraction(std::move(form));
}

/// Offsets of each index over `axes` of an array, row-major.
Ints offsets_over(const HostArray& x, const Ints& axes) {
  const Ints strides = row_strides(x.shape());
  Ints shape, own, all;
  for (int64_t a : axes) shape.push_back(x.shape()[a]), own.push_back(strides[a]);
  for_each_index(shape, [&](const Ints& index) { all.push_back(offset_of(index, own)); });
  return all;
}

void dot_reference(ir::Reference& r) {
  const DotLayout d(r.node);
  const HostArray x = r.operands[0].decoded(), w = r.operands[1].decoded();
  HostArray& y = r.results[0];
  const Ints xb = offsets_over(x, d.axes.lhs_batch), xf = offsets_over(x, d.lhs_free),
             xk = offsets_over(x, d.axes.lhs_contract);
  const Ints wb = offsets_over(w, d.axes.rhs_batch), wf = offsets_over(w, d.rhs_free),
             wk = offsets_over(w, d.axes.rhs_contract);
  int64_t to = 0;
  for (size_t b = 0; b < xb.size(); ++b)
    for (int64_t i : xf)
      for (int64_t j : wf) {
        double real = 0;
        uint64_t whole = 0;
        for (size_t k = 0; k < xk.size(); ++k) {
          const int64_t at_x = xb[b] + i + xk[k], at_w = wb[b] + j + wk[k];
          if (computes_in_int(x.dtype()))
            whole += static_cast<uint64_t>(x.get_int(at_x)) * static_cast<uint64_t>(w.get_int(at_w));
          else
            real = std::fma(x.get(at_x), w.get(at_w), real);
        }
        if (computes_in_int(x.dtype()))
          y.set_int(to++, whole);
        else
          y.set(to++, real);
      }
}

ir::Cost dot_cost(const Node& n) {
  const DotLayout d(n);
  Dim depth = 1;
  for (int64_t a : d.axes.lhs_contract) depth = depth * n.operand(0).type().dim(a);
  return {Dim(2) * depth * n.type().elements(), move_cost(n).bytes};
}

std::vector<Attr> dot_attrs(std::span<const int64_t> lc, std::span<const int64_t> rc, std::span<const int64_t> lb,
                            std::span<const int64_t> rb, DType result) {
  return {Attr("lhs_contract", lc), Attr("rhs_contract", rc), Attr("lhs_batch", lb), Attr("rhs_batch", rb),
          Attr("result", result)};
}

std::vector<ir::Sample> dot_samples() {
  static const int64_t a0[] = {0}, a1[] = {1}, a2[] = {2}, a12[] = {1, 2}, a20[] = {2, 0};
  const std::span<const int64_t> none;
  std::vector<ir::Sample> list;
  for (DType t : ir::kAllDTypes)
    if (ir::kNumbers.has(t))
      list.push_back({{operand(t, {3, 7}), operand(t, {7, 5})}, dot_attrs(a1, a0, none, none, t)});
  list.push_back(
      {{operand(DType::i8, {3, 17}), operand(DType::i8, {5, 17})}, dot_attrs(a1, a1, none, none, DType::i32)});
  list.push_back(
      {{operand(DType::bf16, {3, 17}), operand(DType::bf16, {5, 17})}, dot_attrs(a1, a1, none, none, DType::f32)});
  list.push_back(
      {{operand(DType::u8, {3, 17}), operand(DType::i8, {5, 17})}, dot_attrs(a1, a1, none, none, DType::i32)});
  list.push_back(
      {{operand(DType::i8, {3, 17}), operand(DType::u8, {17, 5})}, dot_attrs(a1, a0, none, none, DType::i64)});
  for (ir::Encoding e : ir::built_in_encodings()) {
    const DType t = e.value_dtype() == DType::u8 ? DType::i8 : e.value_dtype();  // u4 and u2 beside i8
    const DType result = ir::is_float(t) ? t : DType::i32;
    const ir::SampleOperand rows{Type::of(e, {5, 64})}, columns{Type::of(e, {3, 64})};
    list.push_back({{operand(t, {2, 64}), rows}, dot_attrs(a1, a1, none, none, result)});
    list.push_back({{columns, operand(t, {3, 7})}, dot_attrs(a0, a0, none, none, result)});
  }
  list.push_back({{normal({2, 3, 5}), normal({2, 5, 7})}, dot_attrs(a2, a1, a0, a0, DType::f32)});
  list.push_back({{normal({4, 3, 5}), normal({5, 2, 3})}, dot_attrs(a12, a20, none, none, DType::f32)});
  list.push_back({{normal({7}), normal({7})}, dot_attrs(a0, a0, none, none, DType::f32)});
  list.push_back({{normal({2}), normal({3})}, dot_attrs(none, none, none, none, DType::f32)});
  list.push_back({{normal({2, 0}), normal({0, 3})}, dot_attrs(a1, a0, none, none, DType::f32)});
  list.push_back({{normal({0, 3}), normal({3, 2})}, dot_attrs(a1, a0, none, none, DType::f32)});
  return list;
}

constexpr ir::EncodedRule kReadsBlocks{};

}  // namespace

constinit const Op kDot = {
    .name = "dot",
    .family = "contraction",
    .doc =
        "Sum over pairs of contracted axes of lhs * rhs; axes of the result are the batch pairs, the other axes of "
        "lhs, the other axes of rhs. Ascending chains of at most 256 FMAs per element, joined by a tree; half floats "
        "accumulate in f32, integers wrap in the result's dtype. An empty sum is 0. Factors have one dtype, or are u8 "
        "and i8 into i32 or i64. An operand of blocks is read through its decode function; it has no tangent.",
    .operands_min = 2,
    .operands_max = 2,
    .attrs = kDotAttrs,
    .types = ir::kNumbers,
    .infer = dot_infer,
    .jvp = dot_jvp,
    .transpose = dot_transpose,
    .vmap = dot_vmap,
    .lower = dot_lower,
    .reference = dot_reference,
    .tolerance = ir::sum_of_terms(4, 40),
    .cost = dot_cost,
    .samples = dot_samples,
    .encoded = &kReadsBlocks,
    .is_smooth = true,
};

namespace {

/// Of the plain operand, where one is; u8 and i8 together, and integers in blocks, give i32.
DType usual_result(Type lhs, Type rhs) {
  const DType a = value_dtype(lhs), b = value_dtype(rhs);
  const bool is_encoded = lhs.is_encoded() || rhs.is_encoded();
  if (ir::is_int(a) && ir::is_int(b) && (is_encoded || a != b)) return DType::i32;
  return lhs.is_encoded() ? b : a;
}

}  // namespace

Value dot(Value lhs, Value rhs, const DotAxes& axes, std::optional<DType> result) {
  auto named = [](const Ints& list, Value v) {
    Ints all;
    for (int64_t a : list) all.push_back(axis_of(a, v.rank(), "dot"));
    return all;
  };
  const Ints lc = named(axes.lhs_contract, lhs), rc = named(axes.rhs_contract, rhs), lb = named(axes.lhs_batch, lhs),
             rb = named(axes.rhs_batch, rhs);
  const auto attrs = dot_attrs(lc, rc, lb, rb, result.value_or(usual_result(lhs.type(), rhs.type())));
  const Value operands[] = {lhs, rhs};
  return lhs.graph().add(kDot, operands, attrs)->result();
}

}  // namespace strata::ops
