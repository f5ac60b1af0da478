#include "strata/ops/operands/extent_check.h"

#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/shape/dimension.h"

namespace strata::ops {

void require_extent(Graph& graph, Dim value, int64_t lowest, base::ErrorCode code, const std::string& message) {
  if (value.is_constant()) {
    if (value.constant() < lowest) throw base::Error(code, message);
    return;
  }
  if (graph.facts().range(value).first >= lowest) return;
  check(ge<Value>(dimension(graph, value), lowest), message);
}

void require_window_fits(std::string_view name, Value x, const WindowReach& window) {
  const std::string padding = window.padding == Dim(0) ? "" : fmt::format(" and {} of padding", window.padding.str());
  require_extent(x.graph(), window.size + window.padding - window.reach, 0, base::code::kOperandShapes,
                 fmt::format("{}: the window spans {} elements of axis {}, but {} has {} there{}", name,
                             window.reach.str(), window.axis, x.type().str(), window.size.str(), padding));
}

}  // namespace strata::ops
