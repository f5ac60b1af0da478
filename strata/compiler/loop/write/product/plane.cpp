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
      phase_elements_(windows.axes[0].length(lines) * strides_[0]),
      plane_elements_(windows.phases() * phase_elements_),
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

int64_t WindowPlane::phase_stride(size_t axis) const {
  int64_t elements = phase_elements_;
  for (size_t i = windows_.axes.size(); i-- > axis + 1;) elements *= windows_.axes[i].stride;
  return elements;
}

WindowPlane::Stmts WindowPlane::pack(TaskRange free, TaskRange lines, Expr before) const {
  const LoopVar* f = c_.loop_var("f");
  Substitution with = scope_.outer;
  Stmts body = free_.at(c_.loop(f), with);
  for (const NestLoop& offset : windows_.offsets.loops) with.loops[offset.var] = c_.i64(0);
  const Expr number = scope_.sub(c_.loop(f), free.low), at = before ? scope_.add(before, number) : number;
  // In the order in which they lie: what a vector writes beyond a phase is overwritten by the next.
  std::vector<int64_t> phase(windows_.axes.size());
  for (int64_t number = 0; number < windows_.phases(); ++number) {
    int64_t rest = number;
    for (size_t i = windows_.axes.size(); i-- > 0; rest /= windows_.axes[i].stride)
      phase[i] = rest % windows_.axes[i].stride;
    append(body, pack_phase(phase, at, lines, with));
  }
  return {make_for(f, free.low, free.high, LoopKind::Serial, std::move(body))};
}

WindowPlane::Stmts WindowPlane::pack_phase(const std::vector<int64_t>& phase, Expr free, TaskRange lines,
                                           Substitution with) const {
  std::vector<const LoopVar*> at;
  std::vector<TaskRange> ranges;
  Expr flat = scope_.mul(free, plane_elements_);
  for (size_t i = 0; i < windows_.axes.size(); ++i) {
    const WindowAxis& axis = windows_.axes[i];
    at.push_back(c_.loop_var("p"));
    with.loops[axis.space.var] = c_.loop(at[i]);
    if (axis.stride > 1) with.loops[axis.offset] = c_.i64(phase[i]);
    const TaskRange whole{c_.i64(0), c_.i64(axis.space_extent)}, range = i == 0 ? lines : whole;
    ranges.push_back({range.low, scope_.add(range.high, c_.i64(axis.most_shift(phase[i])))});
    flat = scope_.add(flat, scope_.mul(scope_.sub(c_.loop(at[i]), range.low), strides_[i]));
    flat = scope_.add(flat, c_.i64(phase[i] * phase_stride(i)));
  }
  const size_t last = windows_.axes.size() - 1;
  // What a vector writes beyond the line is overwritten by the next line, or lies in the zeros behind the planes, whose
  // values don't matter.
  Stmts copy = spilling_loop(c_, scope_.facts, at[last], ranges[last].low, ranges[last].high, scope_.tiling.lanes,
                             scope_.widths, {make_store(plane_, {flat}, scope_.element(operand_, with))});
  for (size_t i = last; i-- > 0;)
    copy = {make_for(at[i], ranges[i].low, ranges[i].high, LoopKind::Serial, std::move(copy))};
  return copy;
}

Expr WindowPlane::shift(const Substitution& offsets) const {
  Expr sum = c_.i64(0);
  for (size_t i = 0; i < windows_.axes.size(); ++i) {
    const WindowAxis& axis = windows_.axes[i];
    if (!axis.offset) continue;
    const Expr offset = offsets.loops.at(axis.offset);
    if (axis.stride == 1) {
      sum = scope_.add(sum, scope_.mul(offset, axis.step * strides_[i]));
      continue;
    }
    const Expr stride = c_.i64(axis.stride);
    sum = scope_.add(sum, scope_.mul(c_.binary(ExprOp::FloorDiv, offset, stride), strides_[i]));
    sum = scope_.add(sum, scope_.mul(c_.binary(ExprOp::FloorMod, offset, stride), phase_stride(i)));
  }
  return sum;
}

}  // namespace strata::compiler
