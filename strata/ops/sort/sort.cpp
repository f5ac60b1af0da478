// sort: a stable merge sort of positions, then each operand moved by them.
//
// Native form: bottom-up merging of an array of positions, between two scratch arrays per task; runs of 1, 2, 4, ...
// elements. An element goes first unless the other is strictly before it, which makes the sort stable. NaN is before
// nothing.
#include "strata/ops/sort/sort.h"

#include <algorithm>
#include <cmath>

#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/reduce/fold.h"

namespace strata::ops {
namespace {

using namespace ir::loops;

constexpr AttrSpec kSortAttrs[] = {{"axis", AttrKind::Int, "the axis that is sorted"},
                                   {"descending", AttrKind::Bool, "largest first; NaN is last either way"}};

void sort_infer(ir::Infer& i) {
  i.same_shape();
  require_axis(i, i.type(0));
  for (int k = 0; k < i.count(); ++k) i.result(i.type(k));
}

Node* add_sort(const std::vector<Value>& operands, int64_t axis, bool descending) {
  const Attr attrs[] = {Attr("axis", axis), Attr("descending", descending)};
  return operands[0].graph().add(kSort, operands, attrs);
}

/// Tangents follow the positions of their elements.
void sort_jvp(ir::Jvp& j) {
  const int64_t axis = j.node.attrs.integer("axis");
  const Value order =
      add_sort({j.operand(0), iota_like(j.operand(0), DType::i64, axis)}, axis, j.node.attrs.flag("descending"))
          ->result(1);
  for (uint32_t k = 0; k < j.node.operand_count; ++k)
    if (j.has(k)) j.set(k, take_along_axis(j.tangent(k), order, axis));
}

void sort_vmap(ir::Vmap& v) {
  std::vector<Value> operands;
  for (uint32_t k = 0; k < v.node.operand_count; ++k) operands.push_back(v.batched(k));
  const Node* node = add_sort(operands, v.node.attrs.integer("axis") + 1, v.node.attrs.flag("descending"));
  for (int k = 0; k < std::ssize(operands); ++k) v.set(k, node->result(k));
}

/// The statements of one task: sorts one line of the operands.
struct LineSort {
  ir::Lowering& l;
  std::span<const Expr> kept;
  const Buffer *from, *to;

  LoopContext& c() const { return l.context; }
  IndexMath m() const { return {l.context}; }
  int axis() const { return l.node.attrs.integer("axis"); }
  Expr extent() const { return c().dim(l.node.type().dim(axis())); }
  std::vector<Expr> at(Expr k) const {
    std::vector<Expr> index(kept.begin(), kept.end());
    index.insert(index.begin() + axis(), k);
    return index;
  }
  Expr key(Expr position) const {
    const DType t = l.node.operand(0).dtype();
    const DType wide = ir::is_bool(t) ? DType::u8 : accumulation_dtype(t);
    return c().cast(wide, c().load(l.operand_buffer(0), at(position)));
  }
  /// Whether a is strictly before b.
  Expr before(Expr a, Expr b) const {
    const Expr smaller = c().binary(l.node.attrs.flag("descending") ? ExprOp::Gt : ExprOp::Lt, a, b);
    if (!ir::is_float(a->type.dtype)) return smaller;
    const Expr nan_after = m().both(c().binary(ExprOp::Eq, a, a), c().binary(ExprOp::Ne, b, b));
    return c().binary(ExprOp::Or, smaller, nan_after);
  }

  /// Merges runs [first, middle) and [middle, last) of `from` into `to`.
  StmtList merge(Expr first, Expr middle, Expr last) const {
    const Local* left = c().local("left", {DType::i64, 1}, true);
    const Local* right = c().local("right", {DType::i64, 1}, true);
    const Local* takes_right = c().local("takes_right", {DType::boolean, 1}, true);
    const auto loop = one_loop(c(), "out", first, last, LoopKind::Serial, [&](Expr out) {
      const Expr l_now = c().read(left), r_now = c().read(right);
      auto taken = [&](const Local* side) {
        return StmtList{make_store(to, {out}, c().load(from, {c().read(side)})),
                        make_assign(side, m().add(c().read(side), m().num(1)))};
      };
      const Expr right_first = before(key(c().load(from, {r_now})), key(c().load(from, {l_now})));
      return StmtList{
          make_assign(takes_right, m().le(middle, l_now)),
          make_if(m().both(m().lt(l_now, middle), m().lt(r_now, last)), {make_assign(takes_right, right_first)}),
          make_if(c().read(takes_right), taken(right), taken(left))};
    });
    return {make_declare(left, first), make_declare(right, middle),
            make_declare(takes_right, c().constant(DType::boolean, 0)), loop};
  }

  StmtList all() const {
    const Local* width = c().local("width", {DType::i64, 1}, true);
    StmtList body{make_alloc(from), make_alloc(to)};
    body.push_back(one_loop(c(), "k", c().i64(0), extent(), LoopKind::Serial,
                            [&](Expr k) { return StmtList{make_store(from, {k}, k)}; }));
    body.push_back(make_declare(width, c().i64(1)));
    const Expr step = m().mul(c().read(width), m().num(2));
    const Expr runs = m().div(m().sub(m().add(extent(), step), m().num(1)), step);
    StmtList pass{one_loop(c(), "run", c().i64(0), runs, LoopKind::Serial, [&](Expr run) {
      const Expr first = m().mul(run, step);
      const Expr middle = m().min(m().add(first, c().read(width)), extent()),
                 last = m().min(m().add(first, step), extent());
      return merge(first, middle, last);
    })};
    pass.push_back(one_loop(c(), "k", c().i64(0), extent(), LoopKind::Serial,
                            [&](Expr k) { return StmtList{make_store(from, {k}, c().load(to, {k}))}; }));
    pass.push_back(make_assign(width, step));
    body.push_back(make_while(m().lt(c().read(width), extent()), pass));
    body.push_back(one_loop(c(), "k", c().i64(0), extent(), LoopKind::Serial, [&](Expr k) {
      StmtList moves;
      for (uint32_t r = 0; r < l.node.result_count; ++r)
        moves.push_back(make_store(l.result_buffer(r), at(k), c().load(l.operand_buffer(r), at(c().load(from, {k})))));
      return moves;
    }));
    return body;
  }
};

StmtList sort_loops(ir::Lowering& l) {
  const int axis = l.node.attrs.integer("axis");
  Shape others = shape_of(l.node.type());
  const Shape line{others[axis]};
  others.erase(others.begin() + axis);
  const Buffer* from = l.context.buffer({"order", DType::i64, line, BufferKind::Scratch});
  const Buffer* to = l.context.buffer({"merged", DType::i64, line, BufferKind::Scratch});
  return parallel_over(l.context, others,
                       [&](std::span<const Expr> kept) { return LineSort{l, kept, from, to}.all(); });
}

bool key_before(const HostArray& x, int64_t a, int64_t b, bool descending) {
  if (ir::is_float(x.dtype())) {
    const double va = x.get(a), vb = x.get(b);
    if (std::isnan(va) || std::isnan(vb)) return !std::isnan(va) && std::isnan(vb);
    return descending ? va > vb : va < vb;
  }
  const int64_t va = x.get_int(a), vb = x.get_int(b);
  return va != vb && fold_step_int(descending ? Fold::Max : Fold::Min, x.dtype(), va, vb) == va;
}

void sort_reference(ir::Reference& r) {
  const size_t axis = r.node.attrs.integer("axis");
  const auto& shape = r.operands[0].shape();
  const Ints strides = row_strides(shape);
  Ints others = shape;
  others[axis] = shape[axis] > 0 ? 1 : 0;
  for_each_index(others, [&](const Ints& index) {
    const int64_t base = offset_of(index, strides);
    Ints order = iota_ints(0, shape[axis]);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return key_before(r.operands[0], base + a * strides[axis], base + b * strides[axis],
                        r.node.attrs.flag("descending"));
    });
    for (size_t o = 0; o < r.operands.size(); ++o)
      for (int64_t k = 0; k < shape[axis]; ++k)
        copy_element(r.results[o], base + k * strides[axis], r.operands[o], base + order[k] * strides[axis]);
  });
}

std::vector<ir::Sample> sort_samples() {
  auto attrs = [](int axis, bool descending) {
    return std::vector<Attr>{Attr("axis", axis), Attr("descending", descending)};
  };
  std::vector<ir::Sample> list;
  for (DType t : ir::kAllDTypes) list.push_back({{operand(t, {3, 11})}, attrs(1, false)});
  list.push_back({{operand(DType::f32, {13}, Domain::Special)}, attrs(0, true)});
  list.push_back({{normal({7, 3}), operand(DType::i32, {7, 3})}, attrs(0, true)});
  list.push_back({{normal({2, 0})}, attrs(1, false)});
  list.push_back({{normal({1})}, attrs(0, false)});
  return list;
}

}  // namespace

constinit const Op kSort = {
    .name = "sort",
    .family = "sort",
    .doc =
        "Sorts all operands along an axis by the elements of the first; stable, so equal elements (also -0 and 0) keep "
        "their order; NaN is last in ascending and in descending order.",
    .operands_min = 1,
    .operands_max = -1,
    .attrs = kSortAttrs,
    .infer = sort_infer,
    .jvp = sort_jvp,
    .transpose = kNotLinear,
    .vmap = sort_vmap,
    .lower = [](ir::Lowering& l) { l.loops({[&l] { return sort_loops(l); }}); },
    .reference = sort_reference,
    .tolerance = ir::exact(),
    .cost = cost_per_element<20>,
    .samples = sort_samples,
};

std::vector<Value> sort(const std::vector<Value>& operands, int64_t axis, Order order) {
  require_choice("sort", "order", order, 2);
  const Node* node = add_sort(operands, axis_of(axis, operands.at(0).rank(), "sort"), order == Order::Descending);
  std::vector<Value> results;
  for (int k = 0; k < std::ssize(operands); ++k) results.push_back(node->result(k));
  return results;
}

Value sort(Value x, int64_t axis, Order order) { return sort(std::vector<Value>{x}, axis, order)[0]; }

Value argsort(Value x, int64_t axis, Order order) {
  axis = axis_of(axis, x.rank(), "argsort");
  return sort({x, iota_like(x, DType::i64, axis)}, axis, order)[1];
}

}  // namespace strata::ops
