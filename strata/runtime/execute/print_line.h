// Where `print` goes: standard output, a line at a time, so that it stands in order with what the user's program
// prints.
#pragma once

#include <string>

namespace strata::runtime {

/// The text and an end of line. Environment error E0320 when it can't be written (a full device, a closed pipe).
void print_line(const std::string& text);

}  // namespace strata::runtime
