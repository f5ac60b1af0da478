// What Strata made of a program: which pieces of it were compiled, for which sizes, and why again.
//
//   print("{}", capture_report());
//
// STRATA_CAPTURE=file in the environment writes it as JSON when the process ends; `strata explain --capture file` shows
// such a file. A jitted function's own part is its explain().
#pragma once

#include <string>

#include "strata/base/json/json.h"

namespace strata {

/// For people: jitted functions with what each recording assumes and why it was made; lazy recordings with how they ran
/// and what was compiled for them; why recordings were run, and what was refused, by line.
std::string capture_report();

/// The same as data.
base::Json capture_json();

/// The text of what capture_json() gave, in this process or another one. E0005 for another JSON.
std::string capture_text(const base::Json& capture);

/// Writes capture_json() to a file; E0002.
void write_capture(const std::string& path);

}  // namespace strata
