// The style and the script of a program's page.
#pragma once

#include <string_view>

namespace strata::report {

/// CSS behind page_style(): the split of graph and detail, a colour for each kind of node in light and dark windows.
std::string_view program_page_style();

/// Looking around with mouse and keys, choosing nodes, showing what is known of them.
std::string_view program_page_script();

}  // namespace strata::report
