// Rules between the keys of a training's configuration, which a schema can't say. They need no data, so whoever reads a
// configuration checks them: `strata config --check` refuses what `strata train` would.
#pragma once

#include "strata/base/config/config.h"

namespace strata::train {

/// Throws E0007 for the first rule that is broken, with where the value came from.
void check_rules(const base::Config& config);

}  // namespace strata::train
