// Windows in a contraction: an operand that a convolution reads at the sum of a position and an offset.
//
//   y[b, o, i, j] += w[o, c, ki, kj] * x[b, c, i + ki, j + kj]        columns (i, j), depth (c, ki, kj)
//   dw[o, c, ki, kj] += dy[b, o, i, j] * x[b, c, i + ki, j + kj]      rows (c, ki, kj), depth (b, i, j)
//
// A panel of such an operand would hold each element once for each offset. Its plane (the elements at all sums, padding
// included) holds it once, and every offset is a shift in it. Where columns move by a stride s (x[b, c, s * i + ki]),
// the plane is cut into phases: an offset ki is a shift by ki / s in the phase ki mod s.
#pragma once

#include <optional>
#include <vector>

#include "strata/compiler/loop/nest/contraction.h"

namespace strata::compiler {

/// One axis of the plane. The operand depends on the group's loop and on the depth's loop only through
/// stride * group + step * depth, of which one factor is 1.
struct WindowAxis {
  NestLoop space;                              ///< the group's loop
  const ir::loops::LoopVar* offset = nullptr;  ///< the depth's loop, if the axis has one
  int64_t space_extent = 1, offset_extent = 1, step = 1, stride = 1;

  /// The largest shift within a phase, and of the given phase.
  int64_t most_shift(int64_t phase = 0) const { return step * ((offset_extent - 1 - phase) / stride); }
  /// Elements of a phase of the plane along the axis, for `positions` of the group's loop.
  int64_t length(int64_t positions) const { return positions + most_shift(); }
  int64_t length() const { return length(space_extent); }
};

struct Windows {
  std::vector<WindowAxis> axes;  ///< the trailing loops of the group, outermost first
  LoopGroup free_loops;          ///< the group's loops in front of them
  LoopGroup free_depth;          ///< the depth's loops that belong to no axis: all in front of those that do
  LoopGroup offsets;             ///< the depth's loops that do, as they stand

  /// Axis of a loop of `offsets`.
  const WindowAxis& axis_of(const ir::loops::LoopVar* offset) const;
  /// Elements between neighbours along each axis in a plane that lies row-major. The outermost axis' extent is free.
  std::vector<int64_t> strides() const;
  int64_t positions() const;  ///< product of the axes' extents in the group
  int64_t phases() const;     ///< product of the axes' strides
  int64_t offset_count() const;
};

/// Steps of the free loops of depth in a block of the chain, when blocks hold whole windows; empty if they don't.
std::optional<int64_t> free_steps_of_block(const Contraction& contraction, const Windows& windows);
/// Whether a block of the chain is a piece of one window.
bool are_blocks_pieces_of_windows(const Contraction& contraction, const Windows& windows);

enum class Side : uint8_t { Columns, Rows };

/// The windows of the operand that has these loops; empty if it has none, or one of an extent that is not constant.
std::optional<Windows> windows_along(Side side, const Contraction& contraction, ir::loops::LoopContext& context,
                                     const ir::Facts& facts);
/// E0317 if there are none.
Windows require_windows(Side side, const Contraction& contraction, ir::loops::LoopContext& context,
                        const ir::Facts& facts);

/// The same windows, of which the free loops next to them, as far as their extents are constant, are axes without an
/// offset.
Windows with_inner_axes(Windows windows);

}  // namespace strata::compiler
