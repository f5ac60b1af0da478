// All architectures that a configuration can name.
#pragma once

#include <span>
#include <string_view>

#include "strata/models/architecture.h"

namespace strata::models {

std::span<const Architecture* const> architectures();

/// The architecture of that name. E0900 when there is none: a configuration's model.kind is one of them.
const Architecture& architecture(std::string_view name);

}  // namespace strata::models
