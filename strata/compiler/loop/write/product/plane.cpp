#include "strata/compiler/loop/write/product/plane.h"

#include "strata/compiler/loop/write/peel.h"
#include "strata/compiler/loop/write/vectorise.h"

namespace strata::compiler {

using namespace ir::loops;

WindowPlane::WindowPlane(const ProductScope& scope, const Windows& windows, Expr operand, const LoopGroup& free,
                         int64_t count, int64_t lines, int64_t reach)
    : scope_(scope),
      c_(scope.context),
      windows_(windows),
      operand_(operand),
      free_(scope.context, scope.facts, free, {&operand, 1}),
      strides_(windows.strides()),
      plane_elements_(windows.axes[0].length(lines) * strides_[0]),
      slack_from_(count * plane_elements_),
      slack_to_(slack_from_ + (reach + 2 * scope.tiling.lanes) / scope.tiling.lanes * scope.tiling.lanes) {
  plane_ = scope_.scratch("plane", scope_.type, {slack_to_});
}

WindowPlane::Stmts WindowPlane::alloc() const {
  const int lanes = scope_.tiling.lanes;
  const LoopVar* u = c_.loop_var("u");
  const Stmts zero{
      make_store(plane_, {c_.ramp(c_.loop(u), 1, lanes)}, c_.broadcast(c_.constant(scope_.type, 0), lanes))};
  return {make_alloc(plane_),
          make_for(u, c_.i64(slack_from_), c_.i64(slack_to_ - lanes + 1), LoopKind::Serial, zero, lanes)};
}

WindowPlane::Stmts WindowPlane::pack(TaskRange free, TaskRange lines) const {
  const LoopVar* f = c_.loop_var("f");
  Substitution with = scope_.outer;
  Stmts body = free_.at(c_.loop(f), with);
  for (const NestLoop& offset : windows_.offsets.loops) with.loops[offset.var] = c_.i64(0);
  const WindowAxis& first = windows_.axes[0];
  const Expr lines_end = scope_.add(lines.high, c_.i64(first.step * (first.offset_extent - 1)));
  std::vector<const LoopVar*> at;
  Expr flat = scope_.mul(scope_.sub(c_.loop(f), free.low), plane_elements_);
  for (size_t i = 0; i < windows_.axes.size(); ++i) {
    at.push_back(c_.loop_var("p"));
    with.loops[windows_.axes[i].space.var] = c_.loop(at[i]);
    const Expr here = i == 0 ? scope_.sub(c_.loop(at[i]), lines.low) : c_.loop(at[i]);
    flat = scope_.add(flat, scope_.mul(here, strides_[i]));
  }
  const auto low = [&](size_t i) { return i == 0 ? lines.low : c_.i64(0); };
  const auto high = [&](size_t i) { return i == 0 ? lines_end : c_.i64(windows_.axes[i].length()); };
  const size_t last = windows_.axes.size() - 1;
  // What a vector writes beyond the line is overwritten by the next line, or lies in the zeros behind the planes, whose
  // values don't matter.
  Stmts copy = spilling_loop(c_, scope_.facts, at[last], low(last), high(last), scope_.tiling.lanes, scope_.widths,
                             {make_store(plane_, {flat}, scope_.element(operand_, with))});
  for (size_t i = last; i-- > 0;) copy = {make_for(at[i], low(i), high(i), LoopKind::Serial, std::move(copy))};
  append(body, copy);
  return {make_for(f, free.low, free.high, LoopKind::Serial, std::move(body))};
}

Expr WindowPlane::shift(const Substitution& offsets) const {
  Expr sum = c_.i64(0);
  for (size_t i = 0; i < windows_.axes.size(); ++i) {
    const WindowAxis& axis = windows_.axes[i];
    if (axis.offset) sum = scope_.add(sum, scope_.mul(offsets.loops.at(axis.offset), axis.step * strides_[i]));
  }
  return sum;
}

}  // namespace strata::compiler
