// Running sums, products and extrema along one axis.
#include "strata/ir/loops/joined_loops.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

using namespace ir::loops;

constexpr AttrSpec kCumulativeAttrs[] = {{"axis", AttrKind::Int, "the axis that runs"},
                                         {"reverse", AttrKind::Bool, "whether it runs from the end"}};

void cumulative_infer(ir::Infer& i) {
  require_axis(i, i.type(0));
  i.result(i.type(0));
}

Direction direction_of(const Node& n) { return n.attrs.flag("reverse") ? Direction::Backward : Direction::Forward; }
Direction opposite(Direction d) { return d == Direction::Forward ? Direction::Backward : Direction::Forward; }

void cumulative_vmap(ir::Vmap& v) {
  v.set(cumulative(*v.node.op, v.operand(0), v.node.attrs.integer("axis") + 1, direction_of(v.node)));
}

void sum_jvp(ir::Jvp& j) {
  j.set(cumulative(kCumsum, j.tangent(0), j.node.attrs.integer("axis"), direction_of(j.node)));
}
void sum_transpose(ir::Transpose& t) {
  t.set(0, cumulative(kCumsum, t.cotangent(), t.node.attrs.integer("axis"), opposite(direction_of(t.node))));
}

/// Value and tangent of running products, joined over distances 1, 2, 4, ...: no division, so zeros are no special
/// case.
void prod_jvp(ir::Jvp& j) {
  const int64_t axis = j.node.attrs.integer("axis");
  const bool backward = j.node.attrs.flag("reverse");
  const Dim extent = j.node.type().dim(axis);
  if (!extent.is_constant()) {  // the quotient form: NaN where a factor is zero
    const Value ratio = div<Value>(j.tangent(0), j.operand(0));
    j.set(mul<Value>(j.result(), cumulative(kCumsum, ratio, axis, direction_of(j.node))));
    return;
  }
  Value p = j.operand(0), t = j.tangent(0);
  for (int64_t step = 1; step < extent.constant(); step *= 2) {
    auto moved = [&](Value v, double fill) {
      std::vector<Padding> padding(v.rank());
      padding[axis] = backward ? Padding{-step, step} : Padding{step, -step};
      return pad(v, scalar(v.graph(), v.dtype(), fill), padding);
    };
    const Value p_before = moved(p, 1.0), t_before = moved(t, 0.0);
    t = add<Value>(mul<Value>(t, p_before), mul<Value>(p, t_before));
    p = mul<Value>(p, p_before);
  }
  j.set(t);
}

/// The tangent of the element that leads at each place: a running position, carried by cummax over the places where the
/// leader changes.
void extremum_jvp(ir::Jvp& j) {
  const Value x = j.operand(0), y = j.result();
  const int64_t axis = j.node.attrs.integer("axis");
  const bool backward = j.node.attrs.flag("reverse");
  const Value place = iota_like(x, DType::i64, axis);
  std::vector<Padding> back(x.rank());
  back[axis] = backward ? Padding{-1, 1} : Padding{1, -1};
  // A leader differs from what led before it.
  const Value before = pad(y, scalar(y.graph(), y.dtype(), 0), back);
  // The first place always leads; it is where the running order starts.
  const Value start = backward ? dimension(j.graph, x.type().dim(axis) - 1) : scalar(j.graph, DType::i64, 0);
  const Value first = eq<Value>(place, broadcast_to(start, place.shape()));
  const Value changed = bitwise_or<Value>(first, ne<Value>(y, before));
  const Value none = full(j.graph, place.type(), backward ? INT64_MAX : -1);
  const Value leader =
      cumulative(backward ? kCummin : kCummax, select(changed, place, none), axis, direction_of(j.node));
  j.set(take_along_axis(j.tangent(0), leader, axis));
}

/// The terms along the axis, at one index of the others.
template <Fold fold>
struct Line {
  ir::Lowering& l;
  std::span<const Expr> kept;
  LoopContext& c = l.context;
  Type x = l.node.type();
  int axis = l.node.attrs.integer("axis");
  DType wide = accumulation_dtype(x.dtype());
  Expr extent = c.dim(x.dim(axis));

  std::vector<Expr> at(Expr k) const {
    const bool backward = l.node.attrs.flag("reverse");
    std::vector<Expr> index(kept.begin(), kept.end());
    index.insert(index.begin() + axis,
                 backward ? c.binary(ExprOp::Sub, c.binary(ExprOp::Sub, extent, c.i64(1)), k) : k);
    return index;
  }
  Expr identity() const { return fold_identity_expr(c, fold, wide); }

  /// `state` takes the terms low..high in, and what `shown` makes of it is stored behind each.
  StmtPtr chain(const Local* state, Expr low, Expr high, const std::function<Expr(Expr)>& shown) const {
    return one_loop(c, "k", low, high, LoopKind::Serial, [&](Expr k) {
      const Expr next = fold_expr(c, fold, c.read(state), c.cast(wide, c.load(l.operand_buffer(0), at(k))));
      return StmtList{make_assign(state, next),
                      make_store(l.result_buffer(0), at(k), c.cast(x.dtype(), shown(c.read(state))))};
    });
  }

  StmtList one_chain() const {
    const Local* state = c.local("state", {wide, 1}, true);
    return {make_declare(state, identity()), chain(state, c.i64(0), extent, [](Expr e) { return e; })};
  }

  /// Blocks (ir/loops/joined_loops.h), each result behind the total of the blocks before. Within a block, chains as
  /// short as those of a reduction's lanes, each behind the chain of the ones before: equal terms keep their digits.
  StmtList blocks() const {
    const ExprOp op = fold == Fold::Prod ? ExprOp::Mul : ExprOp::Add;
    const ir::Dim count = ir::ceil_div(x.dim(axis), Dim(kJoinBlock));
    const auto known = count.is_constant() ? std::optional(count.constant()) : std::nullopt;
    const PartialResults partial(c, op, {wide, 1}, 1 + partial_results(known));
    const Local *state = c.local("state", {wide, 1}, true), *before = c.local("before", {wide, 1}, true);
    const Local* in_block = c.local("in_block", {wide, 1}, true);
    StmtList stmts = partial.declare();
    stmts.push_back(make_declare(before, identity()));
    stmts.push_back(one_loop(c, "block", c.i64(0), c.dim(count), LoopKind::Serial, [&](Expr block) {
      const Expr low = c.binary(ExprOp::Mul, block, c.i64(kJoinBlock));
      const Expr high = c.binary(ExprOp::Min, extent, c.binary(ExprOp::Add, low, c.i64(kJoinBlock)));
      const Expr chains =
          c.binary(ExprOp::FloorDiv, c.binary(ExprOp::Add, c.binary(ExprOp::Sub, high, low), c.i64(kSumBlock - 1)),
                   c.i64(kSumBlock));
      const auto behind = [&](Expr e) {
        return fold_expr(c, fold, c.read(before), fold_expr(c, fold, c.read(in_block), e));
      };
      StmtList body{make_declare(in_block, identity())};
      body.push_back(one_loop(c, "chain", c.i64(0), chains, LoopKind::Serial, [&](Expr i) {
        const Expr from = c.binary(ExprOp::Add, low, c.binary(ExprOp::Mul, i, c.i64(kSumBlock)));
        const Expr to = c.binary(ExprOp::Min, high, c.binary(ExprOp::Add, from, c.i64(kSumBlock)));
        return StmtList{make_declare(state, identity()), chain(state, from, to, behind),
                        make_assign(in_block, fold_expr(c, fold, c.read(in_block), c.read(state)))};
      }));
      for (const StmtList& more :
           {partial.push(block, in_block, nullptr), partial.total(c.binary(ExprOp::Add, block, c.i64(1)), before)})
        body.insert(body.end(), more.begin(), more.end());
      return body;
    }));
    return stmts;
  }
};

template <Fold fold>
StmtList cumulative_loops(ir::Lowering& l) {
  const Type x = l.node.type();
  const int axis = l.node.attrs.integer("axis");
  const bool is_short = x.dim(axis).is_constant() && x.dim(axis).constant() <= kSumBlock;
  const bool is_joined = (fold == Fold::Sum || fold == Fold::Prod) && ir::is_float(x.dtype()) && !is_short;
  Shape others = shape_of(x);
  others.erase(others.begin() + axis);
  return parallel_over(l.context, others, [&](std::span<const Expr> kept) {
    const Line<fold> line{l, kept};
    return is_joined ? line.blocks() : line.one_chain();
  });
}

template <Fold fold>
void cumulative_reference(ir::Reference& r) {
  const size_t axis = r.node.attrs.integer("axis");
  const auto& shape = r.operands[0].shape();
  const Ints strides = row_strides(shape);
  Ints others = shape;
  others[axis] = shape[axis] > 0 ? 1 : 0;
  for_each_index(others, [&](const Ints& index) {
    const int64_t base = offset_of(index, strides);
    FoldState state(fold, r.operands[0].dtype());
    for (int64_t k = 0; k < shape[axis]; ++k) {
      const int64_t at = base + (r.node.attrs.flag("reverse") ? shape[axis] - 1 - k : k) * strides[axis];
      state.add(r.operands[0], at);
      state.store(r.results[0], at);
    }
  });
}

std::vector<ir::Sample> cumulative_samples() {
  auto attrs = [](int axis, bool reverse) { return std::vector<Attr>{Attr("axis", axis), Attr("reverse", reverse)}; };
  std::vector<ir::Sample> list;
  for (DType t : ir::kAllDTypes)
    if (!ir::is_bool(t)) list.push_back({{operand(t, {3, 7})}, attrs(1, false)});
  list.push_back({{normal({7, 3})}, attrs(0, true)});
  list.push_back({{normal({2, 0})}, attrs(1, true)});
  list.push_back({{normal({1})}, attrs(0, false)});
  return list;
}

template <Fold fold>
constexpr Op cumulative_block(std::string_view name, std::string_view doc) {
  Op op;
  op.name = name;
  op.family = "reduction";
  op.doc = doc;
  op.attrs = kCumulativeAttrs;
  op.types = ir::kNumbers;
  op.infer = cumulative_infer;
  op.jvp = extremum_jvp;
  op.transpose = kNotLinear;
  op.vmap = cumulative_vmap;
  op.lower = [](ir::Lowering& l) { l.loops({[&l] { return cumulative_loops<fold>(l); }}); };
  op.reference = cumulative_reference<fold>;
  op.cost = cost_per_element<1>;
  op.samples = cumulative_samples;
  return op;
}

constexpr Op sum_block() {
  Op op = cumulative_block<Fold::Sum>("cumsum",
                                      "Running sum along an axis, from its start or its end. Floats are joined in "
                                      "blocks of 256 terms, of chains of 32; half floats accumulate in f32.");
  op.jvp = sum_jvp;
  op.transpose = sum_transpose;
  op.tolerance = ir::sum_of_terms(4, 8);
  op.is_smooth = true;
  return op;
}
constexpr Op prod_block() {
  Op op = cumulative_block<Fold::Prod>("cumprod",
                                       "Running product along an axis, from its start or its end. Floats are joined as "
                                       "in cumsum; half floats accumulate in f32.");
  op.jvp = prod_jvp;
  op.tolerance = ir::ulp(64);
  op.is_smooth = true;
  return op;
}

}  // namespace

constinit const Op kCumsum = sum_block();
constinit const Op kCumprod = prod_block();
constinit const Op kCummax = cumulative_block<Fold::Max>(
    "cummax", "Running maximum along an axis; from the first NaN on, NaN. Its derivative follows the first of equals.");
constinit const Op kCummin = cumulative_block<Fold::Min>(
    "cummin", "Running minimum along an axis; from the first NaN on, NaN. Its derivative follows the first of equals.");

Value cumulative(const Op& op, Value x, int64_t axis, Direction direction) {
  axis = axis_of(axis, x.rank(), op.name);
  require_choice(op.name, "direction", direction, 2);
  return x.graph().add1(op, {x}, {Attr("axis", axis), Attr("reverse", direction == Direction::Backward)});
}

}  // namespace strata::ops
