#include "strata/compiler/loop/window_plane.h"

#include "strata/compiler/loop/peel.h"
#include "strata/compiler/loop/vectorise.h"

namespace strata::compiler {

using namespace ir::loops;

WindowPlane::WindowPlane(const ContractionScope& scope, const Windows& windows, Expr operand, const LoopGroup& free,
                         int64_t count, int64_t lines, int64_t reach)
    : s_(scope),
      w_(windows),
      operand_(operand),
      free_(scope.c, scope.facts, free, {&operand, 1}),
      strides_(windows.strides()),
      plane_elements_(windows.axes[0].length(lines) * strides_[0]),
      slack_from_(count * plane_elements_),
      slack_to_(slack_from_ + (reach + 2 * scope.t.lanes) / scope.t.lanes * scope.t.lanes) {
  plane_ = s_.scratch("plane", {slack_to_});
}

WindowPlane::Stmts WindowPlane::alloc() const {
  const int lanes = s_.t.lanes;
  const LoopVar* u = s_.c.loop_var("u");
  const Stmts zero{
      make_store(plane_, {s_.c.ramp(s_.c.loop(u), 1, lanes)}, s_.c.broadcast(s_.c.constant(s_.type, 0), lanes))};
  return {make_alloc(plane_),
          make_for(u, s_.c.i64(slack_from_), s_.c.i64(slack_to_ - lanes + 1), LoopKind::Serial, zero, lanes)};
}

WindowPlane::Stmts WindowPlane::pack(TaskRange free, TaskRange lines) const {
  const LoopVar* f = s_.c.loop_var("f");
  Substitution with = s_.outer;
  Stmts body = free_.at(s_.c.loop(f), with);
  for (const NestLoop& offset : w_.offsets.loops) with.loops[offset.var] = s_.c.i64(0);
  const WindowAxis& first = w_.axes[0];
  const Expr lines_end = s_.add(lines.high, s_.c.i64(first.step * (first.offset_extent - 1)));
  std::vector<const LoopVar*> at;
  Expr flat = s_.mul(s_.sub(s_.c.loop(f), free.low), plane_elements_);
  for (size_t i = 0; i < w_.axes.size(); ++i) {
    at.push_back(s_.c.loop_var("p"));
    with.loops[w_.axes[i].space.var] = s_.c.loop(at[i]);
    const Expr here = i == 0 ? s_.sub(s_.c.loop(at[i]), lines.low) : s_.c.loop(at[i]);
    flat = s_.add(flat, s_.mul(here, strides_[i]));
  }
  const auto low = [&](size_t i) { return i == 0 ? lines.low : s_.c.i64(0); };
  const auto high = [&](size_t i) { return i == 0 ? lines_end : s_.c.i64(w_.axes[i].length()); };
  const size_t last = w_.axes.size() - 1;
  // What a vector writes beyond the line is overwritten by the next line, or lies in the zeros behind the planes, whose
  // values don't matter.
  Stmts copy = spilling_loop(s_.c, s_.facts, at[last], low(last), high(last), s_.t.lanes, s_.widths,
                             {make_store(plane_, {flat}, s_.element(operand_, with))});
  for (size_t i = last; i-- > 0;) copy = {make_for(at[i], low(i), high(i), LoopKind::Serial, std::move(copy))};
  append(body, copy);
  return {make_for(f, free.low, free.high, LoopKind::Serial, std::move(body))};
}

Expr WindowPlane::shift(const Substitution& offsets) const {
  Expr sum = s_.c.i64(0);
  for (size_t i = 0; i < w_.axes.size(); ++i) {
    const WindowAxis& axis = w_.axes[i];
    if (axis.offset) sum = s_.add(sum, s_.mul(offsets.loops.at(axis.offset), axis.step * strides_[i]));
  }
  return sum;
}

}  // namespace strata::compiler
