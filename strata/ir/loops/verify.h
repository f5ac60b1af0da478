// The rules of the loop program, checked on a whole kernel.
//
// Every name is used within its scope and with its type; a Parallel or Blocks loop is the whole body or absent, with
// bounds made of dimensions; threads and barriers stand where blocks.h says; inputs are not written; lanes of indices,
// value and mask agree; register tiles and shared buffers have a constant shape.
#pragma once

#include <optional>
#include <string>

#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {

enum class Stage : uint8_t {
  Lowered,    ///< schedules have yet to run
  Scheduled,  ///< what a back end is given: loops that are still Vector or Unrolled have a constant extent
};

struct Fault {
  std::string what;       ///< lower case, no full stop
  std::string statement;  ///< text of the statement's head; empty if the fault is in the kernel's head
};
std::optional<Fault> find_fault(const Kernel& kernel, Stage stage = Stage::Lowered);

/// Throws E0124 (a bug in Strata) for a fault.
void verify(const Kernel& kernel, Stage stage = Stage::Lowered);

}  // namespace strata::ir::loops
