// The geometry of sliding windows: shared by the sums, the extrema and the positions of extrema.
#pragma once

#include "strata/ops/facets/layout.h"
#include "strata/ops/window/window.h"

namespace strata::ops {

inline constexpr AttrSpec kWindowAttrs[] = {
    {"window", AttrKind::Dims, "extent of the window per axis"},
    {"strides", AttrKind::Dims, "step of the window per axis"},
    {"pad_lo", AttrKind::Dims, "room in front, per axis; nothing in it takes part"},
    {"pad_hi", AttrKind::Dims, "room behind, per axis"},
    {"dilation", AttrKind::Dims, "distance of neighbours in the window"},
    {"batch", AttrKind::Int, "positions count from this axis on (only for the arg ops)"}};

Window window_of(const ir::Attrs& attrs);
std::vector<Attr> window_attrs(const Window& w, int64_t batch);
/// Checks the attributes; gives the result's shape.
Shape window_shape(const ir::Infer& i);
/// An axis in front of all, which the window does not span.
Window with_batch_axis(const Window& w);
/// Leading axes that the window leaves alone.
int64_t untouched_axes(const Window& w);

/// Lowering: x's index for result position `t` and window position `k`; `valid` is null where no padding can be met.
GuardedIndex window_index(ir::loops::LoopContext& c, const Window& w, Type x, std::span<const Expr> t,
                          std::span<const Expr> k);
/// Reference: calls f(row-major offset into x) for each element of the window at `t`, in row-major order of the window.
void for_each_in_window(const ir::Reference& r, const Window& w, const Ints& t, const std::function<void(int64_t)>& f);

}  // namespace strata::ops
