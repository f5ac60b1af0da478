// Programs that are large in count: what their compilation costs must grow as they do, and no faster.
#pragma once

#include <optional>
#include <string_view>

#include "strata/base/json/json.h"

namespace strata::bench {

/// Seconds from the first call of a jitted function to its program, less those of a second call. In a fresh process,
/// with a disk cache that STRATA_CACHE names: {"seconds", "commands", "kernels"}. Names: "outputs_compile" (3,000 of
/// them), "sines_compile" (the gradient through 5,000), "slices_compile" (500, joined again); nothing for another.
std::optional<base::Json> measure_large_program(std::string_view name);

}  // namespace strata::bench
