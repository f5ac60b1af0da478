// Pooling over the spatial axes of [N, C, spatial...].
#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/extent_check.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/window/window.h"

namespace strata::ops {
namespace {

Window window_of_pool(Value x, const Pool& pool, const char* name) {
  const size_t spatial = pool.window.size();
  if (std::ssize(pool.window) + 1 > x.rank())
    throw base::Error(base::code::kOperandShapes,
                      fmt::format("{}: a window over {} axes does not fit {}", name, spatial, x.type().str()));
  const size_t front = x.rank() - spatial;
  for (const auto& [list, what] : {std::pair(&pool.strides, "strides"), std::pair(&pool.padding, "padding")})
    if (!list->empty() && list->size() != spatial)
      throw base::Error(base::code::kAttributeValue,
                        fmt::format("{}: {} has {} entries for {} spatial axes", name, what, list->size(), spatial));
  Window w{Shape(front, Dim(1)), Shape(front, Dim(1)), Shape(front, Dim(0)), Shape(front, Dim(0)), {}};
  for (size_t a = 0; a < spatial; ++a) {
    w.window.push_back(pool.window[a]);
    w.strides.push_back(pool.strides.empty() ? pool.window[a] : pool.strides[a]);
    const Dim around = pool.padding.empty() ? Dim(0) : pool.padding[a];
    w.pad_lo.push_back(around);
    w.pad_hi.push_back(around);
    const Dim room = pool.window[a] - around;
    if (room.is_constant() && room.constant() < 1)
      throw base::Error(base::code::kAttributeValue,
                        fmt::format("{}: padding[{}] is {}, expected less than the window, which is {}", name, a,
                                    around.str(), pool.window[a].str()));
    const int axis = front + a;
    require_window_fits(name, x, {axis, x.type().dim(axis), pool.window[a], around + around});
  }
  return w;
}

}  // namespace

Value max_pool(Value x, const Pool& pool) { return reduce_window(kWindowMax, x, window_of_pool(x, pool, "max_pool")); }

Value avg_pool(Value x, const Pool& pool) {
  require_floats("avg_pool", x);  // a sum of integers may not fit, as in mean
  const Window w = window_of_pool(x, pool, "avg_pool");
  // Half floats are averaged in f32, as mean does it: a sum may not fit their range.
  if (ir::is_half_float(x.dtype())) return cast(avg_pool(cast(x, DType::f32), pool), x.dtype());
  const Value sum = reduce_window(kWindowSum, x, w);
  const bool is_padded = !(w.pad_lo == Shape(w.pad_lo.size(), Dim(0)));
  if (is_padded && !pool.counts_padding) return sum / reduce_window(kWindowSum, ones_like(x), w);
  const Dim count = ir::product(w.window);
  if (!count.is_constant()) {
    ir::note_symbolic(count);
    throw base::Error(base::code::kNoSuchForm, "avg_pool: the window has a symbolic extent");
  }
  return sum / static_cast<double>(count.constant());
}

}  // namespace strata::ops
