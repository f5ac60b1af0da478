// All data that a configuration can name.
#pragma once

#include <span>
#include <string_view>

#include "strata/train/supervised/examples.h"

namespace strata::train {

std::span<const DataKind* const> data_kinds();

/// The kind of that name. E0900 when there is none: a configuration's data.kind is one of them.
const DataKind& data_kind(std::string_view name);

}  // namespace strata::train
