// top_k: the k largest along the last axis, by insertion into the result lines: one pass over x, and a shift only for
// an element that beats the worst so far.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/graph/entry_conditions.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/sort/sort.h"

namespace strata::ops {
namespace {

using namespace ir::loops;

constexpr AttrSpec kTopKAttrs[] = {{"k", AttrKind::Int, "how many, at most the extent of the last axis"}};

void top_k_infer(ir::Infer& i) {
  const Type x = i.type(0);
  const int64_t k = i.attrs.integer("k");
  if (x.rank() < 1) i.fail(base::code::kOperandShapes, "takes rank 1 or more, found " + x.str());
  if (k < 0 || ir::is_below_zero(x.dim(-1) - Dim(k)))
    i.fail(base::code::kAttributeValue, fmt::format("k is {} for {}", k, x.str()));
  Shape shape = shape_of(x);
  shape.back() = k;
  i.result(x.with_shape(shape));
  i.result(Type::of(DType::i64, shape));
}

void top_k_jvp(ir::Jvp& j) { j.set(0, take_along_axis(j.tangent(0), j.result(1), -1)); }
void top_k_vmap(ir::Vmap& v) {
  const auto [values, positions] = top_k(v.operand(0), v.node.attrs.integer("k"));
  v.set(0, values);
  v.set(1, positions);
}

/// Whether a, which comes later, belongs before b: larger, or a number where b is NaN.
Expr belongs_before(LoopContext& c, Expr a, Expr b) {
  const Expr larger = c.binary(ExprOp::Gt, a, b);
  if (!ir::is_float(a->type.dtype)) return larger;
  return c.binary(ExprOp::Or, larger, c.binary(ExprOp::And, c.binary(ExprOp::Eq, a, a), c.binary(ExprOp::Ne, b, b)));
}

struct TopKLine {
  ir::Lowering& l;
  std::span<const Expr> lead;
  int64_t k;

  LoopContext& c() const { return l.context; }
  std::vector<Expr> at(Expr last) const {
    std::vector<Expr> index(lead.begin(), lead.end());
    index.push_back(last);
    return index;
  }
  Expr compared(const Buffer* b, Expr last) const {
    const DType wide = ir::is_bool(b->dtype) ? DType::u8 : accumulation_dtype(b->dtype);
    return c().cast(wide, c().load(b, at(last)));
  }

  /// Moves the tail back by one from `slot` on while the new element beats it, and puts the element there.
  StmtList insert(Expr i, Expr count) const {
    const IndexMath m{c()};
    const Buffer *x = l.operand_buffer(0), *values = l.result_buffer(0), *positions = l.result_buffer(1);
    const Local* slot = c().local("slot", {DType::i64, 1}, true);
    const Local* moves = c().local("moves", {DType::boolean, 1}, true);
    const Expr s = c().read(slot), above = m.sub(s, m.num(1));
    auto still = [&] {
      return make_if(m.lt(m.num(0), c().read(slot)),
                     {make_assign(moves, belongs_before(c(), compared(x, i), compared(values, above)))},
                     {make_assign(moves, c().constant(DType::boolean, 0))});
    };
    StmtList shift{make_if(m.lt(s, m.num(k)), {make_store(values, at(s), c().load(values, at(above))),
                                               make_store(positions, at(s), c().load(positions, at(above)))}),
                   make_assign(slot, above), still()};
    return {make_declare(slot, m.min(count, m.num(k))), make_declare(moves, c().constant(DType::boolean, 0)), still(),
            make_while(c().read(moves), shift),
            make_if(m.lt(c().read(slot), m.num(k)), {make_store(values, at(c().read(slot)), c().load(x, at(i))),
                                                     make_store(positions, at(c().read(slot)), i)})};
  }
};

StmtList top_k_loops(ir::Lowering& l) {
  LoopContext& c = l.context;
  const Type x = l.node.operand(0).type();
  const int64_t k = l.node.attrs.integer("k");
  if (k == 0) return {};
  return parallel_over(c, x.shape().subspan(0, x.rank() - 1), [&](std::span<const Expr> lead) {
    // Element i meets min(i, k) elements that stand already.
    return StmtList{one_loop(c, "i", c.i64(0), c.dim(x.dim(-1)), LoopKind::Serial,
                             [&](Expr i) { return TopKLine{l, lead, k}.insert(i, i); })};
  });
}

bool stands_before(const HostArray& x, int64_t a, int64_t b) {
  if (ir::is_float(x.dtype())) {
    const double va = x.get(a), vb = x.get(b);
    return std::isnan(va) || std::isnan(vb) ? !std::isnan(va) && std::isnan(vb) : va > vb;
  }
  const int64_t va = x.get_int(a), vb = x.get_int(b);
  return va != vb && fold_step_int(Fold::Max, x.dtype(), va, vb) == va;
}

void top_k_reference(ir::Reference& r) {
  const HostArray& x = r.operands[0];
  const int64_t n = x.shape().back(), k = r.results[0].shape().back();
  if (n == 0) return;
  for (int64_t line = 0; line < x.elements() / n; ++line) {
    Ints order = iota_ints(0, n);
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return stands_before(x, line * n + a, line * n + b); });
    for (int64_t i = 0; i < k; ++i) {
      copy_element(r.results[0], line * k + i, x, line * n + order[i]);
      r.results[1].set_int(line * k + i, order[i]);
    }
  }
}

std::vector<ir::Sample> top_k_samples() {
  std::vector<ir::Sample> list;
  for (DType t : ir::kAllDTypes) list.push_back({{operand(t, {3, 11})}, {Attr("k", 4)}});
  list.push_back({{operand(DType::f32, {13}, Domain::Special)}, {Attr("k", 13)}});
  list.push_back({{normal({5})}, {Attr("k", 1)}});
  list.push_back({{normal({2, 3})}, {Attr("k", 0)}});
  return list;
}

}  // namespace

constinit const Op kTopK = {
    .name = "top_k",
    .family = "sort",
    .doc =
        "The k largest elements along the last axis, largest first, and their positions (i64); of equals the first "
        "comes first; NaN comes last.",
    .attrs = kTopKAttrs,
    .infer = top_k_infer,
    .jvp = top_k_jvp,
    .transpose = kNotLinear,
    .vmap = top_k_vmap,
    .lower = [](ir::Lowering& l) { l.loops({[&l] { return top_k_loops(l); }}); },
    .reference = top_k_reference,
    .tolerance = ir::exact(),
    .cost = [](const Node& n) { return ir::Cost{Dim(2) * n.operand(0).type().elements(), move_cost(n).bytes}; },
    .samples = top_k_samples,
};

std::pair<Value, Value> top_k(Value x, int64_t k) {
  const Value operands[] = {x};
  const Attr attrs[] = {Attr("k", k)};
  const Node* node = x.graph().add(kTopK, operands, attrs);
  return {node->result(0), node->result(1)};
}

}  // namespace strata::ops
