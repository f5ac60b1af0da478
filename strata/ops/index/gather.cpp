// gather: elements of an array at computed positions.
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/facets/rules.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/facets/status.h"
#include "strata/ops/index/gather_layout.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kGatherAttrs[] = {
    {"axes", AttrKind::Ints, "axes of the operand that a position names, in order"},
    {"batch", AttrKind::Int, "leading axes that operand and indices share"},
    {"mode", AttrKind::Text,
     "positions out of range: clamp, fill (reads 0) or check (an error; `check NAME`: in the words of that function)"},
    {"most", AttrKind::Int, "the most positions that name one element; 0: any number"}};

Value gather_in_mode(Value x, Value indices, const Ints& axes, int64_t batch, std::string_view mode, int64_t most) {
  return x.graph().add1(kGather, {x, indices},
                        {Attr("axes", ints_span(axes)), Attr("batch", batch), Attr("mode", mode), Attr("most", most)});
}

Ints axes_attr(const Node& n) {
  const auto axes = n.attrs.ints("axes");
  return {axes.begin(), axes.end()};
}

void gather_infer(ir::Infer& i) {
  check_gather_operands(i);
  const GatherLayout g(i.attrs, i.type(0), i.type(1));
  i.result(i.type(0).with_shape(g.result_shape(i.type(0), i.type(1))));
}

void gather_jvp(ir::Jvp& j) {
  const Node& n = j.node;
  // A position that was checked once needs no second check.
  const OutOfRange mode = mode_of(n) == OutOfRange::Check ? OutOfRange::Clamp : mode_of(n);
  if (j.has(0)) j.set(gather(j.tangent(0), j.operand(1), axes_attr(n), n.attrs.integer("batch"), mode, most_of(n)));
}

void gather_transpose(ir::Transpose& t) {
  const Node& n = t.node;
  const Value zero = full(t.graph, t.operand_type(0), 0.0);
  Value at = t.operand(1);
  if (mode_of(n) == OutOfRange::Check)
    at = checked_positions(asker_of_gather(n), zero, at, axes_attr(n), t.cotangent());
  const OutOfRange mode = mode_of(n) == OutOfRange::Check ? OutOfRange::Fill : mode_of(n);
  t.set(0, scatter(zero, at, t.cotangent(), axes_attr(n), n.attrs.integer("batch"), mode, Combine::Add, most_of(n)));
}

void gather_vmap(ir::Vmap& v) {
  const Node& n = v.node;
  const int64_t batch = n.attrs.integer("batch");
  const std::string_view mode = n.attrs.text("mode");
  const int64_t most = most_of(n);
  if (batch == 0 && !v.is_batched(0)) {  // the batch is one more axis of positions
    v.set(gather_in_mode(v.operand(0), v.operand(1), axes_attr(n), 0, mode, 0));
    return;
  }
  if (batch == 0 && !v.is_batched(1)) {  // the batch is one more axis that no position names, the first of them
    const Value y = gather_in_mode(v.operand(0), v.operand(1), shifted(axes_attr(n)), 0, mode, most);
    v.set(move_axis(y, n.operand(1).rank() - 1, 0));
    return;
  }
  v.set(gather_in_mode(v.batched(0), v.batched(1), shifted(axes_attr(n)), batch + 1, mode, most));
}

Expr gathered(ir::Lowering& l, std::span<const Expr> index) {
  const GatherLayout g(l.node.attrs, l.node.operand(0).type(), l.node.operand(1).type());
  const OutOfRange mode = mode_of(l.node);
  if (has_no_elements(l.node.operand(0).type())) return l.context.constant(l.node.type().dtype(), 0.0);
  const auto read = [&l](std::span<const Expr> at) { return l.operand(1, at); };
  const GuardedIndex from = position_expr(l.context, g, l.node.operand(0).type(), mode, index, read);
  const Expr value = l.operand(0, from.index);
  if (mode != OutOfRange::Fill || !from.valid) return value;
  return l.context.select(from.valid, value, l.context.constant(value->type.dtype, 0.0));
}

/// Check mode writes its own loops, since an element can't report an error: positions first, then the elements.
StmtList checked_gather(ir::Lowering& l) {
  using namespace ir::loops;
  LoopContext& c = l.context;
  const GatherLayout g(l.node.attrs, l.node.operand(0).type(), l.node.operand(1).type());
  const Type x = l.node.operand(0).type(), y = l.node.type();
  const auto lead = y.shape().subspan(0, g.lead);
  return parallel_over(c, lead, [&](std::span<const Expr> at) {
    const auto read = [&](std::span<const Expr> i) { return c.load(l.operand_buffer(1), {i.begin(), i.end()}); };
    std::vector<Expr> extents;
    for (int64_t o : g.others) extents.push_back(c.dim(x.dim(o)));
    std::vector<Expr> probe(at.begin(), at.end());
    probe.resize(y.rank(), c.i64(0));
    const GuardedIndex found = position_expr(c, g, x, OutOfRange::Check, probe, read);
    StmtList body;
    if (found.valid && !has_no_elements(y)) {  // a position of which nothing is read isn't checked
      std::vector<Expr> first(at.begin(), at.end());
      first.push_back(c.i64(0));
      body.push_back(make_check(found.valid, kStatusIndexOutOfRange, c.cast(DType::i64, read(first))));
    }
    if (has_no_elements(x)) return body;  // the check has failed
    const auto copy = vector_nest(c, extents, [&](std::span<const Expr> rest) {
      std::vector<Expr> to(at.begin(), at.end());
      to.insert(to.end(), rest.begin(), rest.end());
      const GuardedIndex from = position_expr(c, g, x, OutOfRange::Clamp, to, read);
      return StmtList{make_store(l.result_buffer(0), to, c.load(l.operand_buffer(0), from.index))};
    });
    body.insert(body.end(), copy.begin(), copy.end());
    return body;
  });
}

void gather_lower(ir::Lowering& l) {
  if (mode_of(l.node) == OutOfRange::Check) {
    l.loops({[&l] { return checked_gather(l); }});
    return;
  }
  l.element(0, [&l](std::span<const Expr> index) { return gathered(l, index); });
}

void gather_reference(ir::Reference& r) {
  const GatherLayout g(r.node.attrs, r.node.operand(0).type(), r.node.operand(1).type());
  int64_t to = 0;
  for_each_index(r.results[0].shape(), [&](const Ints& index) {
    const int64_t from = position_of(r, g, index);
    if (from >= 0) copy_element(r.results[0], to, r.operands[0], from);
    ++to;
  });
}

std::vector<ir::Sample> gather_samples() {
  static const int64_t first[] = {0}, both[] = {0, 1}, second[] = {1};
  auto attrs = [](std::span<const int64_t> axes, int batch, const char* mode) {
    return std::vector<Attr>{Attr("axes", axes), Attr("batch", batch), Attr("mode", mode), Attr("most", 0)};
  };
  return in_every_dtype({{{normal({7, 3}), indices({5, 1}, 7)}, attrs(first, 0, "check")},
                         {{normal({7, 3}), indices({2, 3, 1}, 9)}, attrs(first, 0, "fill")},
                         {{normal({4, 5, 3}), indices({11, 2}, 6)}, attrs(both, 0, "clamp")},
                         {{normal({3, 5, 2}), indices({3, 7, 1}, 5)}, attrs(second, 1, "clamp")},
                         {{normal({7, 3}), indices({0, 1}, 7)}, attrs(first, 0, "clamp")}});
}

}  // namespace

constinit const Op kGather = {
    .name = "gather",
    .family = "index",
    .doc =
        "Elements of operand 0 [b..., axes and others] at the positions that the last axis of operand 1 [b..., i..., "
        "n] names on the n `axes`; gives [b..., i..., others]. `mode`: positions out of range clamp (an empty axis is "
        "an error: E0116), fill (read 0) or check (fail).",
    .operands_min = 2,
    .operands_max = 2,
    .attrs = kGatherAttrs,
    .infer = gather_infer,
    .jvp = gather_jvp,
    .transpose = gather_transpose,
    .vmap = gather_vmap,
    .lower = gather_lower,
    .reference = gather_reference,
    .tolerance = ir::exact(),
    .cost =
        [](const Node& n) {  // reads what it picks, and the positions
          const Dim made = n.type().bytes();
          return ir::Cost{0, made + min(made, n.operand(0).type().bytes()) + n.operand(1).type().bytes()};
        },
    .samples = gather_samples,
    .encoded = &kMoveByGather,
};

Value gather(Value x, Value indices, const Ints& axes, int64_t batch, OutOfRange mode, int64_t most) {
  require_choice("gather", "mode", mode, 3);
  return gather_in_mode(x, indices, axes, batch, mode_name(mode), most);
}

Value rows_for(std::string_view asker, Value x, Value indices) {
  return gather_in_mode(x, expand_dims(indices, -1), {0}, 0, "check " + std::string(asker), 0);
}

Value take(Value x, Value indices, int64_t axis, OutOfRange mode) {
  axis = axis_of(axis, x.rank(), "take");
  const int lead = indices.rank();
  const Value y = gather(x, expand_dims(indices, -1), {axis}, 0, mode);
  // [i..., axes before, axes after] -> [axes before, i..., axes after]
  Ints perm = iota_ints(lead, axis);
  for (int k = 0; k < lead; ++k) perm.push_back(k);
  for (int64_t k = lead + axis; k < y.rank(); ++k) perm.push_back(k);
  return transpose(y, perm);
}

Value take_along_axis(Value x, Value indices, int64_t axis, OutOfRange mode) {
  axis = axis_of(axis, x.rank(), "take_along_axis");
  const Value source = move_axis(x, axis, -1), at = move_axis(indices, axis, -1);
  const Value y = gather(source, expand_dims(at, -1), {x.rank() - 1}, x.rank() - 1, mode);
  return move_axis(y, -1, axis);
}

Value embedding(Value table, Value ids, OutOfRange mode) {
  if (mode == OutOfRange::Check) return rows_for("embedding", table, ids);
  return gather(table, expand_dims(ids, -1), {0}, 0, mode);
}

}  // namespace strata::ops
