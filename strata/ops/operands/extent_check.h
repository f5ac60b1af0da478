// Extents that an op's rule allows but that its user can't have meant: a maximum over an empty axis, a window larger
// than its image. The op itself stays defined there, since derivatives and other rules meet such shapes; the functions
// that users call ask here.
#pragma once

#include <string>
#include <string_view>

#include "strata/ops/facets/layout.h"

namespace strata::ops {

/// Refuses a `value` below `lowest`: at once where it is known (`code`), by a check when the program runs (E0136) where
/// it is symbolic and the facts leave it open.
void require_extent(Graph& graph, Dim value, int64_t lowest, base::ErrorCode code, const std::string& message);

/// One sliding window: how far it reaches on an axis of x, and the room that padding adds (or a crop takes away).
struct WindowReach {
  int axis;
  Dim size;     ///< of x's axis, inserted zeros included
  Dim reach;    ///< elements from the first that the window touches to the last, both counted
  Dim padding;  ///< on both sides together
};
/// E0101 for a window that fits nowhere.
void require_window_fits(std::string_view name, Value x, const WindowReach& window);

}  // namespace strata::ops
