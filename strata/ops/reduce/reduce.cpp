// The six reductions over named axes. Their rules differ only in the fold, so each block is made from one template.

#include "strata/ops/reduce/reduce.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/reduce/short_fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kReduceAttrs[] = {{"axes", AttrKind::Ints, "the axes that are folded, ascending"}};

Ints axes_attr(const Node& n) {
  const auto axes = n.attrs.ints("axes");
  return {axes.begin(), axes.end()};
}

void reduce_infer(ir::Infer& i) {
  const Type x = i.type(0);
  require_axes(i, "axes", x.rank());
  const auto axes = i.attrs.ints("axes");
  if (!std::is_sorted(axes.begin(), axes.end())) i.fail(base::code::kAxis, "the axes are not ascending");
  Shape shape;
  for (int64_t a : other_axes(axes, x.rank())) shape.push_back(x.dim(a));
  i.result(x.with_shape(shape));
}

Value node_over(const Op& op, Value x, const Ints& axes) {
  return x.graph().add1(op, {x}, {Attr("axes", ints_span(axes))});
}

void reduce_vmap(ir::Vmap& v) { v.set(node_over(*v.node.op, v.operand(0), shifted(axes_attr(v.node)))); }

/// The operand with its reduced axes joined into one last axis.
Value with_flat_tail(Value x, const Ints& axes) {
  Ints perm = other_axes(axes, x.rank());
  const auto kept = std::ssize(perm);
  perm.insert(perm.end(), axes.begin(), axes.end());
  return flatten(transpose(x, perm), kept);
}

void sum_jvp(ir::Jvp& j) { j.set(reduce_sum(j.tangent(0), axes_attr(j.node))); }
void sum_transpose(ir::Transpose& t) {
  const Type x = t.operand_type(0);
  t.set(0, broadcast(t.cotangent(), x.shape(), other_axes(axes_attr(t.node), x.rank())));
}

/// Each element's factor is the product of all others: products from both ends meet, so zeros need no division.
void prod_jvp(ir::Jvp& j) {
  const Value x = with_flat_tail(j.operand(0), axes_attr(j.node)), t = with_flat_tail(j.tangent(0), axes_attr(j.node));
  const int64_t tail = x.rank() - 1;
  std::vector<Padding> before(x.rank()), after(x.rank());
  before[tail] = {1, -1};
  after[tail] = {-1, 1};
  const Value one = scalar(j.graph, x.dtype(), 1.0);
  const Value left = cumulative(kCumprod, pad(x, one, before), tail, Direction::Forward);
  const Value right = cumulative(kCumprod, pad(x, one, after), tail, Direction::Backward);
  j.set(reduce_sum(mul<Value>(t, mul<Value>(left, right)), {tail}));
}

/// The tangent of the element that won, the first of equals.
template <bool is_max>
void extremum_jvp(ir::Jvp& j) {
  const Value x = with_flat_tail(j.operand(0), axes_attr(j.node)), t = with_flat_tail(j.tangent(0), axes_attr(j.node));
  if (x.type().dim(-1) == Dim(0)) return;  // nothing was folded: a constant
  const Value at = is_max ? argmax(x, -1, Keep::AsOne) : argmin(x, -1, Keep::AsOne);
  j.set(squeeze(take_along_axis(t, at, -1), -1));
}

/// Reductions of no more terms are written out: a loop and its tree would cost more than they do.
constexpr int64_t kMostWrittenOut = 4;

/// The fold of so few terms, in the order that the form defines. Lanes and blocks without a term hold the identity,
/// which changes no value but -0: once, at the end.
Expr written_out(ir::loops::LoopContext& c, const ir::ReductionForm& form, std::span<const Expr> kept) {
  const int64_t count = ir::product(form.reduced).constant();
  std::vector<Expr> terms;
  for (int64_t r = 0; r < count; ++r) {
    std::vector<Expr> at(kept.begin(), kept.end());
    at.resize(kept.size() + form.reduced.size());
    for (size_t a = form.reduced.size(), rest = r; a-- > 0;) {
      const int64_t extent = form.reduced[a].constant();
      at[kept.size() + a] = c.i64(static_cast<int64_t>(rest) % extent);
      rest /= extent;
    }
    terms.push_back(form.term(at));
  }
  Expr total = form.identity;
  if (!form.is_last_axis_reduced) {
    for (const Expr term : terms) total = form.combine(total, term);
  } else if (count > 0) {
    for (size_t s = 2; s >= 1; s /= 2)
      for (size_t lane = 0; lane < s && lane + s < terms.size(); ++lane)
        terms[lane] = form.combine(terms[lane], terms[lane + s]);
    total = form.combine(total, terms[0]);
  }
  return form.finish ? form.finish(total) : total;
}

template <Fold fold>
void reduce_lower(ir::Lowering& l) {
  const Type x = l.node.operand(0).type();
  const Ints axes = axes_attr(l.node), kept = other_axes(axes, x.rank());
  const DType t = x.dtype(), wide = accumulation_dtype(t);
  if (axes.empty()) {
    l.element(0, [&l](std::span<const Expr> index) { return l.operand(0, index); });
    return;
  }
  ir::ReductionForm form;
  for (int64_t a : kept) form.kept.push_back(x.dim(a));
  for (int64_t a : axes) form.reduced.push_back(x.dim(a));
  form.is_last_axis_reduced = axes.back() == x.rank() - 1;
  form.term = [&l, axes, kept, wide](std::span<const Expr> index) {
    std::vector<Expr> at(index.size());
    for (size_t k = 0; k < kept.size(); ++k) at[kept[k]] = index[k];
    for (size_t k = 0; k < axes.size(); ++k) at[axes[k]] = index[kept.size() + k];
    return l.context.cast(wide, l.operand(0, at));
  };
  form.identity = fold_identity_expr(l.context, fold, wide);
  form.combine = [&c = l.context](Expr a, Expr b) { return fold_expr(c, fold, a, b); };
  if (wide != t) form.finish = [&c = l.context, t](Expr e) { return c.cast(t, e); };
  if (terms_written_out(l.node) > 0)
    return l.element(
        0, [&l, form = std::move(form)](std::span<const Expr> index) { return written_out(l.context, form, index); });
  l.reduction(0, std::move(form));
}

template <Fold fold>
void reduce_reference(ir::Reference& r) {
  const HostArray& x = r.operands[0];
  HostArray& y = r.results[0];
  const Ints kept = other_axes(r.node.attrs.ints("axes"), x.rank()), strides = row_strides(y.shape());
  std::vector<FoldState> states(y.elements(), FoldState(fold, x.dtype()));
  int64_t from = 0;
  for_each_index(x.shape(), [&](const Ints& index) {
    int64_t to = 0;
    for (size_t k = 0; k < kept.size(); ++k) to += index[kept[k]] * strides[k];
    states[to].add(x, from++);
  });
  for (int64_t i = 0; i < y.elements(); ++i) states[i].store(y, i);
}

ir::Cost reduce_cost(const Node& n) { return {n.operand(0).type().elements(), move_cost(n).bytes}; }

template <ir::DTypeSet types>
std::vector<ir::Sample> reduce_samples() {
  static const int64_t last[] = {1}, first[] = {0}, outer[] = {0, 2}, all[] = {0, 1};
  auto attr = [](std::span<const int64_t> axes) { return std::vector<Attr>{Attr("axes", axes)}; };
  std::vector<ir::Sample> list;
  for (DType t : ir::kAllDTypes) {
    if (!types.has(t)) continue;
    list.push_back({{operand(t, {3, 7})}, attr(last)});
    list.push_back({{operand(t, {5, 3})}, attr(first)});
    list.push_back({{operand(t, {7, 3})}, attr(last)});  // so few terms are written out
    list.push_back({{operand(t, {4, 7})}, attr(first)});
  }
  const DType t = types.has(DType::f32) ? DType::f32 : DType::boolean;
  list.push_back({{operand(t, {2, 131})}, attr(last)});
  list.push_back({{operand(t, {3, 5, 2})}, attr(outer)});
  list.push_back({{operand(t, {3, 0})}, attr(last)});
  list.push_back({{operand(t, {0, 3})}, attr(last)});
  list.push_back({{operand(t, {1, 1})}, attr(all)});
  return list;
}

/// What the six blocks share.
template <Fold fold, ir::DTypeSet types>
constexpr Op reduce_block(std::string_view name, std::string_view doc) {
  Op op;
  op.name = name;
  op.family = "reduction";
  op.reads_each_once = true;
  op.doc = doc;
  op.attrs = kReduceAttrs;
  op.types = types;
  op.infer = reduce_infer;
  op.jvp = kNoDerivative;
  op.transpose = kNotLinear;
  op.vmap = reduce_vmap;
  op.lower = reduce_lower<fold>;
  op.reference = reduce_reference<fold>;
  op.cost = reduce_cost;
  op.samples = reduce_samples<types>;
  return op;
}

constexpr Op sum_block() {
  Op op = reduce_block<Fold::Sum, ir::kNumbers>(
      "reduce_sum",
      "Sum over the axes; 0 when there is nothing. Chains of floats are "
      "joined by a tree after 256 terms (over the last axis, 32 lanes side "
      "by side after 32 terms each); half floats accumulate in f32, integers wrap. Where the axes lie on both sides of "
      "one that is kept, functions make two nodes: rows first, then their sums.");
  op.jvp = sum_jvp;
  op.transpose = sum_transpose;
  op.tolerance = ir::sum_of_terms(4, 40);
  op.is_smooth = true;
  return op;
}
constexpr Op prod_block() {
  Op op = reduce_block<Fold::Prod, ir::kNumbers>("reduce_prod",
                                                 "Product over the axes; 1 when there is nothing. Floats are joined as "
                                                 "in reduce_sum; half floats accumulate in f32, integers wrap.");
  op.jvp = prod_jvp;
  op.tolerance = ir::ulp(256);
  op.is_smooth = true;
  return op;
}
constexpr Op max_block() {
  Op op = reduce_block<Fold::Max, ir::kNumbers>(
      "reduce_max",
      "Largest element over the axes; -inf or the lowest integer when there is nothing; NaN if any is NaN. Its "
      "derivative follows the first of equals.");
  op.jvp = extremum_jvp<true>;
  return op;
}
constexpr Op min_block() {
  Op op = reduce_block<Fold::Min, ir::kNumbers>(
      "reduce_min",
      "Smallest element over the axes; inf or the highest integer when there is nothing; NaN if any is NaN. Its "
      "derivative follows the first of equals.");
  op.jvp = extremum_jvp<false>;
  return op;
}

}  // namespace

bool is_reduction_over_axes(const Node& node) {
  const std::array reductions{&kReduceSum, &kReduceProd, &kReduceMax, &kReduceMin, &kReduceAnd, &kReduceOr};
  return std::ranges::find(reductions, node.op) != reductions.end();
}

int64_t terms_written_out(const Node& node) {
  if (!is_reduction_over_axes(node)) return 0;
  const auto axes = node.attrs.ints("axes");
  Dim terms = 1;
  for (const int64_t a : axes) terms = terms * node.operand(0).type().dim(a);
  const bool is_short = terms.is_constant() && terms.constant() <= kMostWrittenOut;
  return is_short && !axes.empty() ? terms.constant() : 0;
}

TwoSides::TwoSides(const Ints& axes, int rank) {
  const Ints kept = other_axes(ints_span(axes), rank);
  for (int64_t a : axes) (kept.empty() || a > kept.back() ? behind : before).push_back(a);
}

constinit const Op kReduceSum = sum_block();
constinit const Op kReduceProd = prod_block();
constinit const Op kReduceMax = max_block();
constinit const Op kReduceMin = min_block();
constinit const Op kReduceAnd =
    reduce_block<Fold::And, ir::kBool>("reduce_and", "Whether all are true over the axes; true when there is nothing.");
constinit const Op kReduceOr =
    reduce_block<Fold::Or, ir::kBool>("reduce_or", "Whether any is true over the axes; false when there is nothing.");

Value reduce_over(const Op& op, Value x, const Ints& axes) {
  const Ints named = axes_of(axes, x.rank(), op.name);
  if (named.empty()) return x;
  const TwoSides sides(named, x.rank());
  if (!sides.are_both()) return node_over(op, x, named);
  const Value wide = cast(x, accumulation_dtype(x.dtype()));
  return cast(node_over(op, node_over(op, wide, sides.behind), sides.before), x.dtype());
}

Value reduce_sum(Value x, const Ints& axes) { return reduce_over(kReduceSum, x, axes); }
Value reduce_prod(Value x, const Ints& axes) { return reduce_over(kReduceProd, x, axes); }
Value reduce_max(Value x, const Ints& axes) { return reduce_over(kReduceMax, x, axes); }
Value reduce_min(Value x, const Ints& axes) { return reduce_over(kReduceMin, x, axes); }
Value reduce_and(Value x, const Ints& axes) { return reduce_over(kReduceAnd, x, axes); }
Value reduce_or(Value x, const Ints& axes) { return reduce_over(kReduceOr, x, axes); }

}  // namespace strata::ops
