// The style sheet of the report page.
#pragma once

#include <string_view>

namespace strata::report {

/// CSS for light and dark windows, wide and narrow ones, and print. Surfaces match the palette of the drawings.
std::string_view page_style();

}  // namespace strata::report
