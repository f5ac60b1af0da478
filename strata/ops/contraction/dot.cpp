// The general dot: result[batch, lhs free, rhs free] = sum over the contracted axes of lhs * rhs; and the one without
// denormals.
#include "strata/ops/contraction/dot.h"

#include <fmt/format.h>

#include <cmath>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/loops/scalar_semantics.h"
#include "strata/ops/contraction/dot_layout.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

void dot_jvp(ir::Jvp& j) {
  const DotLayout d(j.node);
  const DType result = j.node.type().dtype();
  j.sum_over([&](int i, Value t) {
    return i == 0 ? add_dot(t, j.operand(1), d.axes, result) : add_dot(j.operand(0), t, d.axes, result);
  });
}

/// One side's cotangent.
Value dot_cotangent(Value ct, Value other, const DotLayout& d, bool for_lhs, Type wanted) {
  const CotangentProduct p = cotangent_product(d, for_lhs, CotangentStands::Left);
  const DType factor = other.type().is_encoded() ? wanted.dtype() : other.dtype();
  return transpose(add_dot(cast(ct, factor), other, p.axes, wanted.dtype()), inverse_permutation(p.home));
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
    v.set(add_dot(v.operand(0), v.operand(1), axes, result));
    return;
  }
  // The new axis is a free axis of its side: the first of them.
  const int64_t at = d.batch() + (v.is_batched(0) ? 0 : std::ssize(d.lhs_free));
  v.set(move_axis(add_dot(v.operand(0), v.operand(1), axes, result), at, 0));
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
  if (d.axes.algorithm == DotAlgorithm::FlushedBf16) form.fma = ir::loops::ExprOp::FmaFlushed;
  if (wide != result) form.finish = [&c = l.context, result](Expr e) { return c.cast(result, e); };
  l.contraction(std::move(form));
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

/// The sum of products as it is written: chains, joined by a tree.
template <class T>
T flushed_sum(const HostArray& x, const HostArray& w, const Ints& at_x, const Ints& at_w) {
  std::vector<T> sums(1, T{0});
  for (size_t k = 0; k < at_x.size(); ++k) {
    if (k > 0 && k % ir::loops::kJoinBlock == 0) sums.push_back(0);
    sums.back() = ir::loops::flushed_fma(static_cast<T>(x.get(at_x[k])), static_cast<T>(w.get(at_w[k])), sums.back());
  }
  while (sums.size() > 1) {
    for (size_t i = 0; i < sums.size(); i += 2) sums[i / 2] = i + 1 < sums.size() ? sums[i] + sums[i + 1] : sums[i];
    sums.resize((sums.size() + 1) / 2);
  }
  return sums[0];
}

/// Here each step is rounded as compiled code rounds it: what is flushed depends on that.
void flushed_reference(ir::Reference& r) {
  const DotLayout d(r.node);
  const HostArray &x = r.operands[0], &w = r.operands[1];
  HostArray& y = r.results[0];
  const bool is_wide = sum_dtype(r.node.operand(0).type(), y.dtype()) == DType::f64;
  const Ints xb = offsets_over(x, d.axes.lhs_batch), xf = offsets_over(x, d.lhs_free),
             xk = offsets_over(x, d.axes.lhs_contract);
  const Ints wb = offsets_over(w, d.axes.rhs_batch), wf = offsets_over(w, d.rhs_free),
             wk = offsets_over(w, d.axes.rhs_contract);
  const auto moved = [](Ints offsets, int64_t by) {
    for (int64_t& at : offsets) at += by;
    return offsets;
  };
  int64_t to = 0;
  for (size_t b = 0; b < xb.size(); ++b)
    for (const int64_t i : xf) {
      const Ints at_x = moved(xk, xb[b] + i);
      for (const int64_t j : wf) {
        const Ints at_w = moved(wk, wb[b] + j);
        y.set(to++, is_wide ? flushed_sum<double>(x, w, at_x, at_w) : flushed_sum<float>(x, w, at_x, at_w));
      }
    }
}

ir::Cost dot_cost(const Node& n) {
  const DotLayout d(n);
  Dim depth = 1;
  for (int64_t a : d.axes.lhs_contract) depth = depth * n.operand(0).type().dim(a);
  return {Dim(2) * depth * n.type().elements(), move_cost(n).bytes};
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

std::vector<ir::Sample> flushed_samples() {
  static const int64_t a0[] = {0}, a1[] = {1}, a2[] = {2}, a12[] = {1, 2}, a20[] = {2, 0};
  const std::span<const int64_t> none;
  const DType half = DType::bf16;
  std::vector<ir::Sample> list;
  for (const DType t : ir::kAllDTypes)
    if (ir::is_float(t)) list.push_back({{operand(t, {3, 7}), operand(t, {7, 5})}, dot_attrs(a1, a0, none, none, t)});
  for (const int64_t depth : {0, 1, 16, 17, 300})
    list.push_back({{operand(half, {3, depth}), operand(half, {5, depth})}, dot_attrs(a1, a1, none, none, DType::f32)});
  list.push_back({{operand(half, {2, 3, 5}), operand(half, {2, 5, 7})}, dot_attrs(a2, a1, a0, a0, half)});
  list.push_back({{operand(half, {4, 3, 5}), operand(half, {5, 2, 3})}, dot_attrs(a12, a20, none, none, DType::f32)});
  list.push_back({{operand(half, {7}), operand(half, {7})}, dot_attrs(a0, a0, none, none, DType::f32)});
  list.push_back({{operand(half, {2}), operand(half, {3})}, dot_attrs(none, none, none, none, DType::f32)});
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
    .infer = [](ir::Infer& i) { i.result(dot_result(i)); },
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

constinit const Op kDotFlushed = {
    .name = "dot_flushed",
    .family = "contraction",
    .doc =
        "`dot` of floats of one dtype without denormals: in each FMA a factor or a sum that is denormal counts as 0, "
        "and a "
        "result below the least normal number becomes 0; signs stay. Where none occurs the bits are those of `dot`. "
        "Sums of blocks are joined by ordinary additions. Of bf16 that is what VDPBF16PS computes, two terms at once, "
        "where the target has it; elsewhere it is computed step by step, to the same bits and slower. The interpreter "
        "rounds each step as compiled code does.",
    .operands_min = 2,
    .operands_max = 2,
    .attrs = kDotAttrs,
    .types = ir::kFloats,
    .infer = [](ir::Infer& i) { i.result(dot_result(i)); },
    .jvp = dot_jvp,
    .transpose = dot_transpose,
    .vmap = dot_vmap,
    .lower = dot_lower,
    .reference = flushed_reference,
    .tolerance = ir::exact(),
    .cost = dot_cost,
    .samples = flushed_samples,
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
  const DType into = result.value_or(usual_result(lhs.type(), rhs.type()));
  require_choice("dot", "algorithm", axes.algorithm, 2);
  if (axes.algorithm == DotAlgorithm::FlushedBf16)
    if (const std::string why = flushed_misfit(lhs.type(), rhs.type(), into); !why.empty())
      throw base::Error(base::code::kAttributeValue, fmt::format("dot: {} {}", algorithm_name(axes.algorithm), why))
          .hint("convert the operands with cast, or leave out the algorithm");
  return add_dot(lhs, rhs, named_axes(axes, lhs, rhs), into);
}

}  // namespace strata::ops
