// Operands of user functions that may be left out.
#pragma once

#include <optional>
#include <type_traits>

#include "strata/ops/operands/handle.h"

namespace strata::ops {

/// A V, std::nullopt or {}. The V follows from the other operands alone: were it deduced from this one, too, none of
/// the three could be given without its type being spelled out.
template <Handle V>
using Optional = std::type_identity_t<std::optional<V>>;

}  // namespace strata::ops
