// Columns that text takes on a terminal: East Asian wide characters and emoji take two, combining marks and escape
// sequences none. Near enough for tables and bars; not a full Unicode line layout.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strata::base {

/// Columns of `text`. Bytes that are not UTF-8 count one each.
size_t display_width(std::string_view text);

/// The text cut to at most `columns`, with "…" at the end when something was cut.
std::string fit_to(std::string_view text, size_t columns);

enum class Align { Left, Right };

/// The text with spaces up to `columns`.
std::string pad_to(std::string_view text, size_t columns, Align align = Align::Left);

}  // namespace strata::base
