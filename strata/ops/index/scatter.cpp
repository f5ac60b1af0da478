// scatter: combining updates into an array at computed positions, in ascending order of the updates' index.
#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/facets/rules.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/facets/status.h"
#include "strata/ops/index/gather_layout.h"
#include "strata/ops/index/scatter_lowering.h"
#include "strata/ops/index/scatter_product.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kScatterAttrs[] = {
    {"axes", AttrKind::Ints, "axes of the operand that a position names, in order"},
    {"batch", AttrKind::Int, "leading axes that operand, indices and updates share"},
    {"mode", AttrKind::Text, "positions out of range: clamp or fill (dropped)"},
    {"combine", AttrKind::Text, "set, add, mul, min or max"},
    {"most", AttrKind::Int, "the most updates that one element gets; 0: any number"},
    {"in_place", AttrKind::Bool, "the update must be in place: a copy of operand 0 is an error (E0330)"}};

Ints axes_attr(const Node& n) {
  const auto axes = n.attrs.ints("axes");
  return {axes.begin(), axes.end()};
}

void scatter_infer(ir::Infer& i) {
  check_gather_operands(i);
  if (const auto mode = i.attrs.text("mode"); mode != "clamp" && mode != "fill")
    i.fail(base::code::kAttributeValue, fmt::format("mode is '{}', expected clamp or fill", mode),
           "checked_indices checks the positions before anything is written");
  const GatherLayout g(i.attrs, i.type(0), i.type(1));
  const Type expected = i.type(0).with_shape(g.result_shape(i.type(0), i.type(1)));
  if (!(i.type(2) == expected)) {
    ir::note_unproved(i.type(2).shape(), expected.shape());
    i.fail(base::code::kOperandShapes, "the updates should be " + expected.str() + ", found " + i.type(2).str());
  }
  const auto combine = combine_from(i.attrs.text("combine"));
  if (!combine)
    i.fail(base::code::kAttributeValue,
           fmt::format("combine is '{}', expected set, add, mul, min or max", i.attrs.text("combine")));
  if (*combine != Combine::Set && ir::is_bool(i.type(0).dtype()))
    i.fail(base::code::kOperandTypes, "bool can only be set");
  i.result(i.type(0));
}

/// The node's scatter with other operands.
Value scatter_as(const Node& n, Value x, Value updates, Combine combine) {
  return scatter(x, n.operand(1), updates, axes_attr(n), n.attrs.integer("batch"), mode_of(n), combine, most_of(n));
}
Value gather_as(const Node& n, Value x) {
  return gather(x, n.operand(1), axes_attr(n), n.attrs.integer("batch"), mode_of(n), most_of(n));
}

/// 0, 1, 2, ... in the shape of the updates: which update comes first.
Value order_of_updates(const Node& n) {
  const Type t = n.operand(2).type();
  Graph& graph = *n.graph;
  const Shape flat{t.elements()};
  return reshape(iota(graph, Type::of(DType::i64, flat), 0), shape_of(t));
}

/// Where an update of a `set` is what stays: the last one at its position.
Value is_last(const Node& n) {
  const Value order = order_of_updates(n);
  const Value none = full(*n.graph, n.type().with_dtype(DType::i64), -1);
  return eq<Value>(gather_as(n, scatter_as(n, none, order, Combine::Max)), order);
}

/// max and min: the tangent of the element that won; the operand wins ties against updates, the first update among
/// them.
void select_jvp(ir::Jvp& j) {
  const Node& n = j.node;
  const Value x = j.operand(0), u = j.operand(2), y = j.result(), order = order_of_updates(n);
  const Value far = full(j.graph, order.type(), INT64_MAX);
  const Value x_won = eq<Value>(x, y);
  const Value candidate = bitwise_and<Value>(eq<Value>(u, gather_as(n, y)), bitwise_not(gather_as(n, x_won)));
  const Value first = scatter_as(n, full(j.graph, n.type().with_dtype(DType::i64), INT64_MAX),
                                 select(candidate, order, far), Combine::Min);
  const Value won = bitwise_and<Value>(candidate, eq<Value>(gather_as(n, first), order));
  const Value tx = j.tangent(0), tu = j.tangent(2);
  j.set(scatter_as(n, select(x_won, tx, zeros_like(tx)), select(won, tu, zeros_like(tu)), Combine::Add));
}

void scatter_jvp(ir::Jvp& j) {
  const Combine combine = combine_of(j.node);
  if (combine == Combine::Set || combine == Combine::Add) {
    j.set(scatter_as(j.node, j.tangent(0), j.tangent(2), combine));
    return;
  }
  if (combine != Combine::Mul) return select_jvp(j);
  const Value ones = ones_like(j.operand(0));
  const Value of_x = mul<Value>(j.tangent(0), scatter_as(j.node, ones, j.operand(2), Combine::Mul));
  if (!j.has(2)) return j.set(of_x);
  const Value others = mul<Value>(gather_as(j.node, j.operand(0)), product_of_other_updates(j.node));
  j.set(scatter_as(j.node, of_x, mul<Value>(j.tangent(2), others), Combine::Add));
}

void scatter_transpose(ir::Transpose& t) {
  const Node& n = t.node;
  const Value ct = t.cotangent();
  if (combine_of(n) == Combine::Add) {
    if (t.is_linear(0)) t.set(0, ct);
    if (t.is_linear(2)) t.set(2, gather_as(n, ct));
    return;
  }
  if (combine_of(n) != Combine::Set) throw base::Error(base::code::kBug, "scatter: only set and add are linear");
  if (t.is_linear(0)) t.set(0, scatter_as(n, ct, full(t.graph, t.operand_type(2), 0.0), Combine::Set));
  if (!t.is_linear(2)) return;
  const Value at_updates = gather_as(n, ct);
  t.set(2, select(is_last(n), at_updates, zeros_like(at_updates)));
}

/// What is touched: the updates are read, and their elements read and written.
ir::Cost scatter_cost(const Node& n) {
  const Type updates = n.operand(2).type();
  return {updates.elements(), Dim(3) * updates.bytes() + n.operand(1).type().bytes()};
}

void scatter_vmap(ir::Vmap& v) {
  const Node& n = v.node;
  v.set(scatter(v.batched(0), v.batched(1), v.batched(2), shifted(axes_attr(n)), n.attrs.integer("batch") + 1,
                mode_of(n), combine_of(n), most_of(n),
                n.attrs.flag("in_place") ? InPlace::Required : InPlace::WherePossible));
}

void scatter_reference(ir::Reference& r) {
  const GatherLayout g(r.node.attrs, r.node.operand(0).type(), r.node.operand(1).type());
  const Combine combine = combine_of(r.node);
  HostArray& y = r.results[0];
  std::memcpy(y.data(), r.operands[0].data(), y.bytes());
  const bool in_int = computes_in_int(y.dtype());
  std::vector<double> wide(in_int ? 0 : y.elements());
  for (size_t i = 0; i < wide.size(); ++i) wide[i] = y.get(i);
  int64_t from = 0;
  for_each_index(r.operands[2].shape(), [&](const Ints& index) {
    const int64_t to = position_of(r, g, index), u = from++;
    if (to < 0) return;
    if (combine == Combine::Set)
      copy_element(y, to, r.operands[2], u);
    else if (in_int)
      y.set_int(to, fold_step_int(fold_of(combine), y.dtype(), y.get_int(to), r.operands[2].get_int(u)));
    else
      wide[to] = fold_step(fold_of(combine), wide[to], r.operands[2].get(u));
  });
  if (combine != Combine::Set)
    for (size_t i = 0; i < wide.size(); ++i) y.set(i, wide[i]);
}

std::vector<ir::Sample> scatter_samples() {
  static const int64_t first[] = {0}, both[] = {0, 1};
  auto attrs = [](std::span<const int64_t> axes, int batch, const char* mode, const char* combine, int most = 0) {
    return std::vector<Attr>{Attr("axes", axes),       Attr("batch", batch), Attr("mode", mode),
                             Attr("combine", combine), Attr("most", most),   Attr("in_place", false)};
  };
  return in_every_dtype(
      {{{normal({7, 3}), indices({11, 1}, 7), normal({11, 3})}, attrs(first, 0, "clamp", "add")},
       {{normal({7, 67}), indices({5, 1}, 9), normal({5, 67})}, attrs(first, 0, "fill", "set")},
       {{normal({4, 5}), indices({13, 2}, 6), normal({13})}, attrs(both, 0, "clamp", "max")},
       {{normal({4, 5}), indices({13, 2}, 4), normal({13})}, attrs(both, 0, "fill", "min")},
       {{operand(DType::i32, {7}), indices({5, 1}, 7), operand(DType::i32, {5})}, attrs(first, 0, "fill", "mul")},
       {{normal({3}), indices({67, 1}, 3), normal({67})}, attrs(first, 0, "clamp", "add")},
       {{normal({67}), indices({41, 1}, 67), normal({41})}, attrs(first, 0, "clamp", "add", 32)},
       {{normal({0, 3}), indices({2, 1}, 1), normal({2, 3})}, attrs(first, 0, "fill", "add")},
       {{operand(DType::boolean, {7}), indices({5, 1}, 7), operand(DType::boolean, {5})},
        attrs(first, 0, "clamp", "set")}});
}

}  // namespace

constinit const Op kScatter = {
    .name = "scatter",
    .family = "index",
    .doc =
        "Operand 0 with the updates (operand 2, shaped as gather's result) combined in at the positions of operand 1, "
        "in ascending order of the updates' index, so repeated positions have one meaning. `mode`: positions out of "
        "range clamp or fill (are dropped); nothing can be clamped into an empty axis (E0116). Writes the touched "
        "elements alone where operand 0 dies there. Sums and products of floats are those of an element's updates, "
        "joined in blocks of 32, which the element then takes in; where `most` says that an element gets 32 or fewer, "
        "it takes them in one by one. Half floats combine in f32 and round once.",
    .operands_min = 3,
    .operands_max = 3,
    .attrs = kScatterAttrs,
    .infer = scatter_infer,
    .jvp = scatter_jvp,
    .transpose = scatter_transpose,
    .vmap = scatter_vmap,
    .lower = [](ir::Lowering& l) { l.update({0, [&l] { return scatter_loops(l); }}); },
    .reference = scatter_reference,
    .tolerance = ir::sum_of_terms(8, 8),
    .cost = scatter_cost,
    .samples = scatter_samples,
};

Value checked_positions(std::string_view asker, Value x, Value indices, const Ints& axes, Value updates) {
  if (has_no_elements(updates.type())) return indices;
  Shape extents;
  for (int64_t a : axes) extents.push_back(x.type().dim(a));
  return checked_indices(asker, indices, axes, extents);
}

Value scatter(Value x, Value indices, Value updates, const Ints& axes, int64_t batch, OutOfRange mode, Combine combine,
              int64_t most, InPlace in_place) {
  require_choice("scatter", "mode", mode, 3);
  require_choice("scatter", "combine", combine, 5);
  require_choice("scatter", "in_place", in_place, 2);
  const auto add = [&](Value at, OutOfRange drop) {
    return x.graph().add1(
        kScatter, {x, at, updates},
        {Attr("axes", ints_span(axes)), Attr("batch", batch), Attr("mode", mode_name(drop)),
         Attr("combine", combine_name(combine)), Attr("most", most), Attr("in_place", in_place == InPlace::Required)});
  };
  if (mode != OutOfRange::Check) return add(indices, mode);
  // What doesn't fit at all is refused in the words of scatter.
  const bool fits = indices.rank() > 0 && indices.type().dim(-1) == Dim(std::ssize(axes)) &&
                    ir::is_int(indices.dtype()) &&
                    std::ranges::all_of(axes, [&](int64_t a) { return a >= 0 && a < x.rank(); });
  return add(fits ? checked_positions("scatter", x, indices, axes, updates) : indices, OutOfRange::Fill);
}

Value index_update(Value x, int64_t axis, Value indices, Value updates, Combine combine, OutOfRange mode,
                   InPlace in_place) {
  axis = axis_of(axis, x.rank(), "index_update");
  return scatter(x, expand_dims(indices, -1), move_axis(updates, axis, 0), {axis}, 0, mode, combine, 0, in_place);
}

}  // namespace strata::ops
