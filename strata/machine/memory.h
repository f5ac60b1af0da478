// How much memory this machine has.
#pragma once

#include <cstdint>

namespace strata::machine {

/// Bytes that are installed, whoever uses them; INT64_MAX where the system does not say.
int64_t memory_bytes();

}  // namespace strata::machine
