// Programs that users wrote: reading their text, and errors that say which file and whose mistake.
#pragma once

#include <string>

#include "strata/base/error/error.h"

namespace strata::cli {

/// The text of a file, or of standard input for "-".
std::string program_text(const std::string& file);

/// The error with the file's name. The library takes a kernel or a plan that breaks a rule for its own work and calls
/// that internal; where the text came from a file it is E0134, the author's to mend.
base::Error blamed_on_file(const base::Error& error, const std::string& file);

/// What f makes of a file's text.
template <class F>
auto reading_program(const std::string& file, F&& f) {
  try {
    return f();
  } catch (const base::Error& error) {
    throw blamed_on_file(error, file);
  }
}

}  // namespace strata::cli
