// argmax and argmin: the position of the extremum along one axis.
#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

using namespace ir::loops;

constexpr AttrSpec kArgAttrs[] = {{"axis", AttrKind::Int, "the axis that is searched"}};

void arg_infer(ir::Infer& i) {
  const Type x = i.type(0);
  const int64_t axis = require_axis(i, x);
  if (x.dim(axis) == Dim(0)) i.fail(base::code::kAttributeValue, fmt::format("axis {} of {} is empty", axis, x.str()));
  Shape shape = shape_of(x);
  shape.erase(shape.begin() + axis);
  i.result(Type::of(DType::i64, shape));
}

void arg_vmap(ir::Vmap& v) {
  v.set(v.graph.add1(*v.node.op, {v.operand(0)}, {Attr("axis", v.node.attrs.integer("axis") + 1)}));
}

/// Whether `a` beats `b`, which stands earlier: NaN beats every number.
template <bool is_max>
Expr beats(LoopContext& c, Expr a, Expr b) {
  const Expr more = c.binary(is_max ? ExprOp::Gt : ExprOp::Lt, a, b);
  if (!ir::is_float(a->type.dtype)) return more;
  const Expr nan_wins = c.binary(ExprOp::And, c.binary(ExprOp::Ne, a, a), c.binary(ExprOp::Eq, b, b));
  return c.binary(ExprOp::Or, more, nan_wins);
}

/// Shorter lines are searched one element after the other, several lines at once.
constexpr int64_t kShortestInLanes = 2 * kReductionLanes;

/// The search of one line: what an element is, the best so far, and where that stands.
template <bool is_max>
struct LineSearch {
  LoopContext& c;
  DType t;
  Dim length;
  std::function<Expr(Expr k)> element;
  Expr extent = c.dim(length);
  const Local* best = c.local("best", {t, 1}, true);
  const Local* where = c.local("where", {DType::i64, 1}, true);

  /// In ascending order.
  StmtPtr one_by_one(Expr first) const {
    return one_loop(c, "k", first, extent, LoopKind::Serial, [&](Expr k) {
      const Local* here = c.local("here", {t, 1}, false);
      return StmtList{make_declare(here, element(k)),
                      make_if(beats<is_max>(c, c.read(here), c.read(best)),
                              {make_assign(best, c.read(here)), make_assign(where, k)})};
    });
  }

  StmtList chain() const {
    return {make_declare(best, element(c.i64(0))), make_declare(where, c.i64(0)), one_by_one(c.i64(1))};
  }

  /// Rows of 32 elements; each lane remembers in which row its best one stands, the first of equals. Then the best of
  /// the lanes, and what is left over. The row is an i32: enough for 2^36 elements, 128 GiB.
  StmtList lanes() const {
    const IndexMath m{c};
    const Buffer* bests = c.buffer({"bests", t, {Dim(kReductionLanes)}, BufferKind::Register});
    const Buffer* rows = c.buffer({"rows", DType::i32, {Dim(kReductionLanes)}, BufferKind::Register});
    const Expr row_count = m.div(extent, m.num(kReductionLanes));
    StmtList stmts{make_alloc(bests), make_alloc(rows)};
    stmts.push_back(one_loop(c, "l", c.i64(0), c.i64(kReductionLanes), LoopKind::Vector, [&](Expr l) {
      return StmtList{make_store(bests, {l}, element(within(l))),
                      make_store(rows, {l}, c.constant_bits(DType::i32, 0))};
    }));
    stmts.push_back(one_loop(c, "row", c.i64(1), row_count, LoopKind::Serial, [&](Expr row) {
      return StmtList{one_loop(c, "l", c.i64(0), c.i64(kReductionLanes), LoopKind::Vector, [&](Expr l) {
        const Local *here = c.local("here", {t, 1}, false), *wins = c.local("wins", {DType::boolean, 1}, false);
        const auto choose = [&](const Buffer* of, Expr next) {
          return make_store(of, {l}, c.select(c.read(wins), next, c.load(of, {l})));
        };
        return StmtList{make_declare(here, element(m.add(m.mul(row, m.num(kReductionLanes)), l))),
                        make_declare(wins, beats<is_max>(c, c.read(here), c.load(bests, {l}))),
                        choose(rows, c.cast(DType::i32, row)), choose(bests, c.read(here))};
      })};
    }));
    for (const StmtList& more : {best_of_lanes(bests, rows), StmtList{rest(m.mul(row_count, m.num(kReductionLanes)))}})
      stmts.insert(stmts.end(), more.begin(), more.end());
    return stmts;
  }

 private:
  /// A line of fewer elements than lanes has its last one in several.
  Expr within(Expr k) const {
    const IndexMath m{c};
    return length.is_constant() ? k : m.min(k, m.sub(extent, m.num(1)));
  }
  StmtList best_of_lanes(const Buffer* bests, const Buffer* rows) const {
    const IndexMath m{c};
    const auto position = [&](Expr l) {
      return within(m.add(m.mul(c.cast(DType::i64, c.load(rows, {l})), m.num(kReductionLanes)), l));
    };
    const Expr first = c.i64(0);
    return {make_declare(best, c.load(bests, {first})), make_declare(where, position(first)),
            one_loop(c, "l", c.i64(1), c.i64(kReductionLanes), LoopKind::Unrolled, [&](Expr l) {
              const Local *here = c.local("here", {t, 1}, false), *at = c.local("at", {DType::i64, 1}, false);
              const Expr a = c.read(here), b = c.read(best);
              const Expr is_earlier =
                  c.binary(ExprOp::And, c.unary(ExprOp::Not, beats<is_max>(c, b, a)), m.lt(c.read(at), c.read(where)));
              StmtList take = choose(c.binary(ExprOp::Or, beats<is_max>(c, a, b), is_earlier), here, c.read(at));
              take.insert(take.begin(), {make_declare(here, c.load(bests, {l})), make_declare(at, position(l))});
              return take;
            })};
  }
  StmtPtr rest(Expr first) const {
    return one_loop(c, "k", first, extent, LoopKind::Serial, [&](Expr k) {
      const Local* here = c.local("here", {t, 1}, false);
      StmtList take = choose(beats<is_max>(c, c.read(here), c.read(best)), here, k);
      take.insert(take.begin(), make_declare(here, element(k)));
      return take;
    });
  }
  /// Without a branch: a nest with lanes has none.
  StmtList choose(Expr wins, const Local* here, Expr at) const {
    const Local* taken = c.local("wins", {DType::boolean, 1}, false);
    return {make_declare(taken, wins), make_assign(where, c.select(c.read(taken), at, c.read(where))),
            make_assign(best, c.select(c.read(taken), c.read(here), c.read(best)))};
  }
};

template <bool is_max>
StmtList arg_loops(ir::Lowering& l) {
  LoopContext& c = l.context;
  const Type x = l.node.operand(0).type();
  const int axis = l.node.attrs.integer("axis");
  const DType t = ir::is_bool(x.dtype()) ? DType::u8 : accumulation_dtype(x.dtype());
  const Dim extent = x.dim(axis);
  const bool is_short = extent.is_constant() && extent.constant() < kShortestInLanes;
  const bool has_lanes = axis + 1 == x.rank() && !is_short && ir::dtype_bytes(x.dtype()) >= 2;
  return parallel_over(c, l.node.type().shape(), [&](std::span<const Expr> kept) {
    const LineSearch<is_max> search{c, t, extent, [&](Expr k) {
                                      std::vector<Expr> at(kept.begin(), kept.end());
                                      at.insert(at.begin() + axis, k);
                                      return c.cast(t, c.load(l.operand_buffer(0), at));
                                    }};
    StmtList body = has_lanes ? search.lanes() : search.chain();
    body.push_back(make_store(l.result_buffer(0), {kept.begin(), kept.end()}, c.read(search.where)));
    return body;
  });
}

template <bool is_max>
bool element_beats(const HostArray& x, int64_t a, int64_t b) {
  if (ir::is_float(x.dtype())) {
    const double va = x.get(a), vb = x.get(b);
    return (is_max ? va > vb : va < vb) || (std::isnan(va) && !std::isnan(vb));
  }
  const int64_t va = x.get_int(a), vb = x.get_int(b);
  const int64_t winner = fold_step_int(is_max ? Fold::Max : Fold::Min, x.dtype(), vb, va);
  return winner != vb;
}

template <bool is_max>
void arg_reference(ir::Reference& r) {
  const HostArray& x = r.operands[0];
  const size_t axis = r.node.attrs.integer("axis");
  const Ints strides = row_strides(x.shape());
  int64_t to = 0;
  for_each_index(r.results[0].shape(), [&](const Ints& index) {
    Ints at = index;
    at.insert(at.begin() + axis, 0);
    const int64_t base = offset_of(at, strides);
    int64_t best = 0;
    for (int64_t k = 1; k < x.shape()[axis]; ++k)
      if (element_beats<is_max>(x, base + k * strides[axis], base + best * strides[axis])) best = k;
    r.results[0].set_int(to++, best);
  });
}

std::vector<ir::Sample> arg_samples() {
  std::vector<ir::Sample> list;
  for (DType t : ir::kAllDTypes) {
    list.push_back({{operand(t, {3, 7}, Domain::Exact)}, {Attr("axis", 1)}});
    list.push_back({{operand(t, {2, 131}, Domain::Exact)}, {Attr("axis", 1)}});  // in lanes, with ties
  }
  list.push_back({{operand(DType::f32, {3, 165}, Domain::Special)}, {Attr("axis", 1)}});
  list.push_back({{operand(DType::f32, {11, 3}, Domain::Special)}, {Attr("axis", 0)}});
  list.push_back({{normal({5})}, {Attr("axis", 0)}});
  list.push_back({{normal({0, 3})}, {Attr("axis", 1)}});
  return list;
}

template <bool is_max>
constexpr Op arg_block(std::string_view name, std::string_view doc) {
  Op op;
  op.name = name;
  op.family = "reduction";
  op.doc = doc;
  op.attrs = kArgAttrs;
  op.infer = arg_infer;
  op.jvp = zero_tangent;
  op.transpose = kNotLinear;
  op.vmap = arg_vmap;
  op.lower = [](ir::Lowering& l) { l.loops({[&l] { return arg_loops<is_max>(l); }}); };
  op.reference = arg_reference<is_max>;
  op.cost = [](const Node& n) { return ir::Cost{n.operand(0).type().elements(), move_cost(n).bytes}; };
  op.samples = arg_samples;
  return op;
}

Value arg_of(const Op& op, Value x, int64_t axis, Keep keep) {
  axis = axis_of(axis, x.rank(), op.name);
  const Value y = x.graph().add1(op, {x}, {Attr("axis", axis)});
  return keep == Keep::Drop ? y : expand_dims(y, axis);
}

}  // namespace

constinit const Op kArgmax =
    arg_block<true>("argmax",
                    "Position (i64) of the largest element along an axis, which may not be empty; the first of equals; "
                    "the first NaN if there is one.");
constinit const Op kArgmin = arg_block<false>(
    "argmin",
    "Position (i64) of the smallest element along an axis, which may not be empty; the first of equals; the first NaN "
    "if there is one.");

Value argmax(Value x, int64_t axis, Keep keep) { return arg_of(kArgmax, x, axis, keep); }
Value argmin(Value x, int64_t axis, Keep keep) { return arg_of(kArgmin, x, axis, keep); }

}  // namespace strata::ops
