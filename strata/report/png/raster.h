// A drawing as pixels, for where no SVG is shown: edges are smooth, text is in the small built-in font.
#pragma once

#include "strata/report/png/image.h"
#include "strata/report/svg/canvas.h"

namespace strata::report {

enum class Lighting { Light, Dark };

/// `scale` pixels for each of the drawing's, 1 to 4. Text that is rotated is drawn straight, at the same place. E0691
/// for a picture that is too large.
Image raster(const Canvas& canvas, int scale = 2, Lighting lighting = Lighting::Light);

}  // namespace strata::report
