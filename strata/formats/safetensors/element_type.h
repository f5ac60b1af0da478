// The spelling of dtypes in a safetensors header ("F32", "BF16", "BOOL").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "strata/ir/dtype.h"

namespace strata::formats {

std::string_view safetensors_name(ir::DType dtype);

/// Nothing for a spelling that Strata has no dtype for (F8_E4M3, C64, ...).
std::optional<ir::DType> dtype_of_safetensors(std::string_view name);

/// All spellings, for messages.
std::string safetensors_names();

}  // namespace strata::formats
