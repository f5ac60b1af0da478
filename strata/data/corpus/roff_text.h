// The paragraphs of a manual page written in the man macros, as plain text. No roff: requests that set type are undone,
// displays and tables are left out, and definitions and conditions are skipped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata::data {

/// Paragraphs in order, as UTF-8 with single spaces; none is empty. Sections that are lists by nature (NAME, SYNOPSIS,
/// SEE ALSO, authors and copyright) are left out. A page that only includes another (.so) gives none.
std::vector<std::string> roff_paragraphs(std::string_view page);

}  // namespace strata::data
