// The configuration of a training run: one table, which `strata config` prints and every config file is checked
// against.
#pragma once

#include "strata/base/config/schema.h"

namespace strata::train {

const base::Schema& training_schema();

}  // namespace strata::train
