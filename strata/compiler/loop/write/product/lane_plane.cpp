#include "strata/compiler/loop/write/product/lane_plane.h"

#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/peel.h"
#include "strata/compiler/loop/write/vectorise.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

LanePlane::Axis LanePlane::along_window(const WindowAxis& axis, int64_t positions) {
  return {.space = axis.space.var,
          .offset = axis.offset,
          .stride = axis.stride,
          .step = axis.step,
          .positions = positions,
          .reach = axis.step * (axis.offset_extent - 1)};
}

LanePlane::Axis LanePlane::along_depth(const NestLoop& loop) {
  return {.offset = loop.var, .reach = loop.extent.constant() - 1};
}

LanePlane::LanePlane(const ProductScope& scope, const char* name, Expr operand, LoopGroup group, int64_t rows,
                     std::vector<Axis> axes, NestLoop lane)
    : scope_(scope),
      c_(scope.context),
      operand_(operand),
      group_(std::move(group)),
      rows_(scope.context, scope.facts, group_, {&operand, 1}),
      axes_(std::move(axes)),
      lane_(lane) {
  std::vector<Dim> shape{rows};
  for (const Axis& axis : axes_) shape.emplace_back(axis.length());
  shape.emplace_back(scope.tiling.lanes);
  plane_ = scope_.scratch(name, scope_.type, std::move(shape));
}

Stmts LanePlane::pack(TaskRange lanes, TaskRange rows, TaskRange space) const {
  const int width = scope_.tiling.lanes;
  const LoopVar* l = c_.loop_var("l");
  const Stmts one = copy(lanes, c_.loop(l), rows, space);
  const Expr count = scope_.sub(lanes.high, lanes.low);
  const auto each = [&](Expr end) { return make_for(l, c_.i64(0), end, LoopKind::Serial, one); };
  const auto all = vector_body(c_, one, l, c_.i64(0), width);
  Stmts whole = all ? *all : Stmts{each(c_.i64(width))};
  if (lane_.extent.is_constant() && lane_.extent.constant() % width == 0) return whole;
  int64_t vectors = 1;
  for (const Dim& extent : plane_->shape) vectors *= extent.constant();
  vectors /= width;
  const LoopVar* v = c_.loop_var("v");
  std::vector<Expr> at;
  Expr rest = c_.loop(v);
  for (size_t i = axes_.size(); i-- > 0;) {
    const Expr length = c_.i64(axes_[i].length());
    at.insert(at.begin(), c_.binary(ExprOp::FloorMod, rest, length));
    rest = c_.binary(ExprOp::FloorDiv, rest, length);
  }
  at.insert(at.begin(), rest);
  at.push_back(c_.ramp(c_.i64(0), 1, width));
  const Expr zero = c_.broadcast(c_.constant(scope_.type, 0), width);
  Stmts part{make_for(v, c_.i64(0), c_.i64(vectors), LoopKind::Serial, {make_store(plane_, at, zero)}), each(count)};
  return {make_if(c_.binary(ExprOp::Le, c_.i64(width), count), std::move(whole), std::move(part))};
}

Stmts LanePlane::copy(TaskRange lanes, Expr number, TaskRange rows, TaskRange space) const {
  const LoopVar* row = c_.loop_var("r");
  Substitution with = scope_.outer;
  with.loops[lane_.var] = scope_.add(lanes.low, number);
  Stmts outside = rows_.at(c_.loop(row), with);
  std::vector<const LoopVar*> vars;
  std::vector<TaskRange> ranges;
  std::vector<Expr> at{scope_.sub(c_.loop(row), rows.low)};
  for (size_t i = 0; i < axes_.size(); ++i) {
    const Axis& axis = axes_[i];
    vars.push_back(c_.loop_var("p"));
    const Expr p = c_.loop(vars[i]);
    const bool is_by_offset = !axis.space || axis.stride > 1;
    if (axis.space) with.loops[axis.space] = is_by_offset ? c_.i64(0) : p;
    if (axis.offset) with.loops[axis.offset] = is_by_offset ? p : c_.i64(0);
    if (i > 0) {
      ranges.push_back({c_.i64(0), c_.i64(axis.length())});
      at.push_back(p);
      continue;
    }
    const Expr low = scope_.mul(space.low, axis.stride),
               last = scope_.mul(scope_.sub(space.high, c_.i64(1)), axis.stride);
    ranges.push_back({low, scope_.add(last, c_.i64(axis.reach + 1))});
    at.push_back(scope_.sub(p, low));
  }
  at.push_back(number);
  // What is the same for all of a plane, as the factors of a channel, is computed in front of it.
  const size_t inner = axes_.size() - 1;
  const auto around = [&](size_t axis, Stmts body) {
    return Stmts{make_for(vars[axis], ranges[axis].low, ranges[axis].high, LoopKind::Serial, std::move(body))};
  };
  Stmts element{make_store(plane_, std::move(at), scope_.element(operand_, with))};
  for (size_t i = axes_.size(); i-- > 1;) element = around(i, std::move(element));
  auto [of_plane, made] = hoist_invariants(c_, vars[0], element);
  for (size_t i = 1; i < axes_.size(); ++i) made = Stmts(made.front()->body);
  append(outside, of_plane);
  const int one[] = {1};
  made = peeled_loop(c_, scope_.facts, vars[inner], ranges[inner].low, ranges[inner].high, one, made);
  for (size_t i = inner; i-- > 0;) made = around(i, std::move(made));
  append(outside, made);
  return {make_for(row, rows.low, rows.high, LoopKind::Serial, std::move(outside))};
}

Expr LanePlane::load(Expr row, const Substitution& at, Expr first) const {
  std::vector<Expr> index{row};
  for (size_t i = 0; i < axes_.size(); ++i) {
    const Axis& axis = axes_[i];
    Expr place = c_.i64(0);
    if (axis.space) {
      const Expr space = at.loops.at(axis.space);
      place = scope_.mul(i == 0 ? scope_.sub(space, first) : space, axis.stride);
    }
    if (axis.offset) place = scope_.add(place, scope_.mul(at.loops.at(axis.offset), axis.step));
    index.push_back(place);
  }
  index.push_back(c_.ramp(c_.i64(0), 1, scope_.tiling.lanes));
  return c_.load(plane_, std::move(index));
}

}  // namespace strata::compiler
