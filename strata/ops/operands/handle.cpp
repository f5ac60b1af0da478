// The user's line in errors that were thrown by code which doesn't know it.
#include "strata/ops/operands/handle.h"

namespace strata::ops {

void note_line(base::Error& error, const ir::Location& where, std::string_view what) {
  if (!where.file) return;
  for (const std::string& note : error.notes())
    if (note.starts_with("recorded at ") || note.starts_with("looked at in ")) return;
  error.note(std::string(what) + " " + where.str());
}

}  // namespace strata::ops
