// Sums and extrema over sliding windows.
#include "strata/ops/window/window.h"

#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/extent_check.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/window/window_layout.h"

namespace strata::ops {
namespace {

using namespace ir::loops;

void window_infer(ir::Infer& i) { i.result(i.type(0).with_shape(window_shape(i))); }
void position_infer(ir::Infer& i) { i.result(Type::of(DType::i64, window_shape(i))); }

void window_vmap(ir::Vmap& v) {
  const Window w = with_batch_axis(window_of(v.node.attrs));
  const auto attrs = window_attrs(w, v.node.attrs.integer("batch") + 1);
  const Value operands[] = {v.operand(0)};
  v.set(v.graph.add(*v.node.op, operands, attrs)->result());
}

void sum_jvp(ir::Jvp& j) { j.set(reduce_window(kWindowSum, j.tangent(0), window_of(j.node.attrs))); }

/// Each element sums the cotangents of the windows that it lay in: a window sum over the cotangent, spread by the
/// strides.
void sum_transpose(ir::Transpose& t) {
  const Window w = window_of(t.node.attrs);
  const Type x = t.operand_type(0), y = t.cotangent().type();
  std::vector<Padding> padding;
  for (int a = 0; a < x.rank(); ++a) {
    const Dim span = (w.window[a] - 1) * w.dilation[a];
    const Dim gaps = w.strides[a] == Dim(1) ? Dim(0) : max(y.dim(a) - 1, Dim(0)) * (w.strides[a] - 1);
    padding.push_back({span - w.pad_lo[a], x.dim(a) + w.pad_lo[a] - y.dim(a) - gaps, w.strides[a] - 1});
  }
  const Value spread_out = pad_zero(t.cotangent(), padding);
  t.set(0, reduce_window(kWindowSum, spread_out, {.window = w.window, .dilation = w.dilation}));
}

/// The most windows that hold one element; 0: not known.
int64_t most_windows_of_one(const Window& w) {
  Dim most = 1;
  for (size_t a = 0; a < w.window.size(); ++a)
    most = most * ceil_div((w.window[a] - 1) * w.dilation[a] + 1, w.strides[a]);
  return most.is_constant() ? most.constant() : 0;
}

/// The tangent of the element that won.
void extremum_jvp(ir::Jvp& j) {
  const Window w = window_of(j.node.attrs);
  const int64_t batch = untouched_axes(w);
  const Value at = window_position(j.node.op == &kWindowMax ? kWindowArgmax : kWindowArgmin, j.operand(0), w, batch);
  if (batch == j.operand(0).rank()) return j.set(j.tangent(0));
  const Value t = flatten(j.tangent(0), batch);
  j.set(gather(t, expand_dims(at, -1), {batch}, batch, OutOfRange::Fill, most_windows_of_one(w)));
}

/// The window's axes that have more than one element, and an index with zeros for the others.
Ints spanned_axes(const Window& w) {
  Ints axes;
  for (size_t a = 0; a < w.window.size(); ++a)
    if (!(w.window[a] == Dim(1))) axes.push_back(a);
  return axes;
}
std::vector<Expr> window_offsets(LoopContext& c, const Ints& axes, size_t rank, std::span<const Expr> k) {
  std::vector<Expr> all(rank, c.i64(0));
  for (size_t i = 0; i < axes.size(); ++i) all[axes[i]] = k[i];
  return all;
}

template <Fold fold>
void window_lower(ir::Lowering& l) {
  const Window w = window_of(l.node.attrs);
  const Type x = l.node.operand(0).type(), y = l.node.type();
  const DType t = x.dtype(), wide = accumulation_dtype(t);
  const Ints axes = spanned_axes(w);
  const size_t rank = x.rank();
  auto term = [&l, w, axes, x, wide, rank](std::span<const Expr> index) {
    LoopContext& c = l.context;
    if (has_no_elements(x)) return fold_identity_expr(c, fold, wide);
    const auto k = window_offsets(c, axes, rank, index.subspan(rank));
    const GuardedIndex from = window_index(c, w, x, index.subspan(0, rank), k);
    const Expr value = c.cast(wide, l.operand(0, from.index));
    return from.valid ? c.select(from.valid, value, fold_identity_expr(c, fold, wide)) : value;
  };
  if (axes.empty()) {
    l.element(0, [&l, term, t](std::span<const Expr> index) { return l.context.cast(t, term(index)); });
    return;
  }
  ir::ReductionForm form;
  form.kept.assign(y.shape().begin(), y.shape().end());
  for (int64_t a : axes) form.reduced.push_back(w.window[a]);
  form.term = term;
  form.identity = fold_identity_expr(l.context, fold, wide);
  form.combine = [&c = l.context](Expr a, Expr b) { return fold_expr(c, fold, a, b); };
  if (wide != t) form.finish = [&c = l.context, t](Expr e) { return c.cast(t, e); };
  l.reduction(0, std::move(form));
}

template <Fold fold>
void window_reference(ir::Reference& r) {
  const Window w = window_of(r.node.attrs);
  int64_t to = 0;
  for_each_index(r.results[0].shape(), [&](const Ints& t) {
    FoldState state(fold, r.operands[0].dtype());
    for_each_in_window(r, w, t, [&](int64_t from) { state.add(r.operands[0], from); });
    state.store(r.results[0], to++);
  });
}

// ---- positions of extrema ----

template <bool is_max>
Expr beats(LoopContext& c, Expr a, Expr b) {
  const Expr more = c.binary(is_max ? ExprOp::Gt : ExprOp::Lt, a, b);
  if (!ir::is_float(a->type.dtype)) return more;
  const Expr nan_wins = c.binary(ExprOp::And, c.binary(ExprOp::Ne, a, a), c.binary(ExprOp::Eq, b, b));
  return c.binary(ExprOp::Or, more, nan_wins);
}

/// The search in one window: `best` and `where` follow the first winner; -1 stands for none yet.
template <bool is_max>
StmtList search_window(ir::Lowering& l, const Window& w, std::span<const Expr> t) {
  LoopContext& c = l.context;
  const IndexMath m{c};
  const Type x = l.node.operand(0).type();
  const DType wide = accumulation_dtype(x.dtype());
  const Ints axes = spanned_axes(w);
  const Local* best = c.local("best", {wide, 1}, true);
  const Local* where = c.local("where", {DType::i64, 1}, true);
  std::vector<Expr> extents;
  for (int64_t a : axes) extents.push_back(c.dim(w.window[a]));
  StmtList body{make_declare(best, c.constant(wide, 0.0)), make_declare(where, c.i64(-1))};
  const auto loops = loop_nest(c, extents, LoopKind::Serial, [&](std::span<const Expr> k) {
    const GuardedIndex from = window_index(c, w, x, t, window_offsets(c, axes, t.size(), k));
    Expr position = c.i64(0);
    for (int a = l.node.attrs.integer("batch"); a < x.rank(); ++a)
      position = m.add(m.mul(position, m.at(x.dim(a))), from.index[a]);
    const Local* here = c.local("here", {wide, 1}, false);
    const Expr wins = c.binary(ExprOp::Or, m.lt(c.read(where), m.num(0)), beats<is_max>(c, c.read(here), c.read(best)));
    StmtList step{make_declare(here, c.cast(wide, c.load(l.operand_buffer(0), from.index))),
                  make_if(wins, {make_assign(best, c.read(here)), make_assign(where, position)})};
    return from.valid ? StmtList{make_if(from.valid, std::move(step))} : step;
  });
  body.insert(body.end(), loops.begin(), loops.end());
  body.push_back(make_store(l.result_buffer(0), {t.begin(), t.end()}, c.read(where)));
  return body;
}

/// Windows of no more elements are searched without loops or branches, so that the search runs in vectors.
constexpr int64_t kLargestUnrolledWindow = 16;

/// The same search written out as one expression.
template <bool is_max>
Expr searched(ir::Lowering& l, const Window& w, std::span<const Expr> t) {
  LoopContext& c = l.context;
  const IndexMath m{c};
  const Type x = l.node.operand(0).type();
  const DType wide = accumulation_dtype(x.dtype());
  Expr best = nullptr, where = nullptr;
  Ints window;
  for (Dim d : w.window) window.push_back(d.constant());
  for_each_index(window, [&](const Ints& k) {
    std::vector<Expr> offsets;
    for (int64_t i : k) offsets.push_back(c.i64(i));
    const GuardedIndex from = window_index(c, w, x, t, offsets);
    Expr position = c.i64(0);
    for (int a = l.node.attrs.integer("batch"); a < x.rank(); ++a)
      position = m.add(m.mul(position, m.at(x.dim(a))), from.index[a]);
    const Expr here = c.cast(wide, l.operand(0, from.index));
    if (!best) {
      best = here;
      where = from.valid ? c.select(from.valid, position, c.i64(-1)) : position;
      return;
    }
    Expr wins = c.binary(ExprOp::Or, m.lt(where, m.num(0)), beats<is_max>(c, here, best));
    if (from.valid) wins = c.binary(ExprOp::And, from.valid, wins);
    best = c.select(wins, here, best);
    where = c.select(wins, position, where);
  });
  return where;
}

template <bool is_max>
void position_lower(ir::Lowering& l) {
  if (has_no_elements(l.node.operand(0).type()))
    return l.element(0, [&l](std::span<const Expr>) { return l.context.i64(-1); });
  const Window small = window_of(l.node.attrs);
  const Dim size = ir::product(small.window);
  if (size.is_constant() && size.constant() >= 1 && size.constant() <= kLargestUnrolledWindow)
    return l.element(0, [&l, small](std::span<const Expr> t) { return searched<is_max>(l, small, t); });
  l.loops({[&l] {
    const Window w = window_of(l.node.attrs);
    return parallel_over(l.context, l.node.type().shape(),
                         [&](std::span<const Expr> t) { return search_window<is_max>(l, w, t); });
  }});
}

template <bool is_max>
void position_reference(ir::Reference& r) {
  const Window w = window_of(r.node.attrs);
  const HostArray& x = r.operands[0];
  const size_t batch = r.node.attrs.integer("batch");
  int64_t plane = 1, to = 0;
  for (size_t a = batch; a < x.shape().size(); ++a) plane *= x.shape()[a];
  for_each_index(r.results[0].shape(), [&](const Ints& t) {
    int64_t best = -1;
    for_each_in_window(r, w, t, [&](int64_t from) {
      if (best < 0) return void(best = from);
      const double a = x.get(from), b = x.get(best);
      const bool wins = computes_in_int(x.dtype()) ? fold_step_int(is_max ? Fold::Max : Fold::Min, x.dtype(),
                                                                   x.get_int(best), x.get_int(from)) != x.get_int(best)
                                                   : (is_max ? a > b : a < b) || (a != a && b == b);
      if (wins) best = from;
    });
    r.results[0].set_int(to++, best < 0 ? -1 : best % plane);
  });
}

ir::Cost window_cost(const Node& n) {
  return {ir::product(n.attrs.dims("window")) * n.type().elements(), move_cost(n).bytes};
}

std::vector<ir::Sample> window_samples() {
  static const Window plain{{1, 1, 2, 2}, {1, 1, 2, 2}, {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 1, 1, 1}};
  static const Window over{{1, 1, 3, 2}, {1, 1, 2, 1}, {0, 0, 1, 0}, {0, 0, 1, 1}, {1, 1, 1, 2}};
  static const Window line{{3}, {2}, {2}, {4}, {1}}, none{{1}, {1}, {0}, {0}, {1}};
  return in_every_dtype({{{normal({2, 3, 6, 4})}, window_attrs(plain, 2)},
                         {{operand(DType::f64, {1, 2, 7, 5})}, window_attrs(over, 2)},
                         {{operand(DType::f16, {1, 2, 7, 5})}, window_attrs(over, 0)},
                         {{operand(DType::bf16, {1, 2, 7, 5}, Domain::Exact)}, window_attrs(over, 1)},
                         {{operand(DType::i32, {1, 2, 7, 5}, Domain::Exact)}, window_attrs(over, 2)},
                         {{operand(DType::f32, {13}, Domain::Special)}, window_attrs(line, 0)},
                         {{normal({1})}, window_attrs(line, 0)},
                         {{normal({7})}, window_attrs(none, 0)},
                         {{normal({0, 1, 2, 2})}, window_attrs(plain, 2)}},
                        ir::kNumbers);
}

constexpr Op window_block(std::string_view name, std::string_view doc) {
  Op op;
  op.name = name;
  op.family = "window";
  op.doc = doc;
  op.attrs = kWindowAttrs;
  op.types = ir::kNumbers;
  op.infer = window_infer;
  op.transpose = kNotLinear;
  op.vmap = window_vmap;
  op.cost = window_cost;
  op.samples = window_samples;
  return op;
}

template <Fold fold>
constexpr Op fold_block(std::string_view name, std::string_view doc) {
  Op op = window_block(name, doc);
  op.jvp = extremum_jvp;
  op.lower = window_lower<fold>;
  op.reference = window_reference<fold>;
  return op;
}

constexpr Op sum_block() {
  Op op = fold_block<Fold::Sum>(
      "window_sum",
      "Sum over each position of a sliding window; the padding does not count. Half floats accumulate in f32.");
  op.jvp = sum_jvp;
  op.transpose = sum_transpose;
  op.tolerance = ir::sum_of_terms(4, 40);
  op.is_smooth = true;
  return op;
}

template <bool is_max>
constexpr Op position_block(std::string_view name, std::string_view doc) {
  Op op = window_block(name, doc);
  op.infer = position_infer;
  op.jvp = zero_tangent;
  op.lower = position_lower<is_max>;
  op.reference = position_reference<is_max>;
  return op;
}

Window with_defaults(const Window& window, int rank) {
  Window w = window;
  const size_t n = rank;
  for (Shape* ones : {&w.window, &w.strides, &w.dilation})
    if (ones->empty()) ones->assign(n, Dim(1));
  for (Shape* zeros : {&w.pad_lo, &w.pad_hi})
    if (zeros->empty()) zeros->assign(n, Dim(0));
  return w;
}

}  // namespace

constinit const Op kWindowSum = sum_block();
constinit const Op kWindowMax =
    fold_block<Fold::Max>("window_max",
                          "Largest element in each position of a sliding window; NaN if any is NaN; -inf or the lowest "
                          "integer where only padding is seen. Its derivative follows the first of equals in row-major "
                          "order.");
constinit const Op kWindowMin =
    fold_block<Fold::Min>("window_min",
                          "Smallest element in each position of a sliding window; NaN if any is NaN; inf or the "
                          "highest integer where only padding is seen. Its derivative follows the first of equals in "
                          "row-major order.");
constinit const Op kWindowArgmax =
    position_block<true>("window_argmax",
                         "Row-major position, over the axes from `batch` on, of the largest element in each window: "
                         "the first of equals, the first NaN if there is one, -1 where only padding is seen.");
constinit const Op kWindowArgmin =
    position_block<false>("window_argmin",
                          "Row-major position, over the axes from `batch` on, of the smallest element in each window: "
                          "the first of equals, the first NaN if there is one, -1 where only padding is seen.");

Value reduce_window(const Op& op, Value x, const Window& window) {
  const Window w = with_defaults(window, x.rank());
  const auto attrs = window_attrs(w, 0);
  const Value operands[] = {x};
  return x.graph().add(op, operands, attrs)->result();
}

Value reduce_fitting_window(const Op& op, Value x, const Window& window) {
  const Value y = reduce_window(op, x, window);  // refuses what is no window
  const Window w = window_of(y.node->attrs);
  for (int a = 0; a < x.rank(); ++a)
    if (!(w.window[a] == Dim(1)))
      require_window_fits(op.name, x,
                          {a, x.type().dim(a), (w.window[a] - 1) * w.dilation[a] + 1, w.pad_lo[a] + w.pad_hi[a]});
  return y;
}

Value window_position(const Op& op, Value x, const Window& window, int64_t batch) {
  const Window w = with_defaults(window, x.rank());
  const auto attrs = window_attrs(w, batch);
  const Value operands[] = {x};
  return x.graph().add(op, operands, attrs)->result();
}

}  // namespace strata::ops
