// What the caller of an update (scatter, dynamic_update_slice, x.at(...)) asks of its memory.
#pragma once

#include <cstdint>

namespace strata::ops {

/// An update writes the touched elements alone where its operand dies there, and copies the operand where it lives on.
enum class InPlace : uint8_t {
  WherePossible,
  Required,  ///< a copy is an error (E0330), which names what keeps the operand alive
};

}  // namespace strata::ops
