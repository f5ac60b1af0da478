#include "strata/nn/window_fit.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"

namespace strata::nn {

void require_window_fits(std::string_view layer, const Tensor& x, const WindowOnAxis& window, Source at) {
  const ir::Type type = x.type(at);
  if (window.axis >= type.rank() || !type.dim(window.axis).is_constant()) return;
  const int64_t size = type.dim(window.axis).constant();
  if (size == 0 || size + 2 * window.padding >= window.reach) return;
  throw base::Error("E0101", fmt::format("{}: the window spans {} elements of axis {}, but {} has {} there{}", layer,
                                         window.reach, window.axis, type.str(), size,
                                         window.padding ? fmt::format(" and {} of padding", 2 * window.padding) : ""))
      .note("recorded at " + ir::Location{at.file, at.line, nullptr}.str())
      .hint("pad the image, or take a smaller window");
}

}  // namespace strata::nn
