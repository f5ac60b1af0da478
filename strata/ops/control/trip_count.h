// How often a while runs, where that follows from constants.
#pragma once

#include <cstdint>
#include <optional>

#include "strata/ir/graph/graph.h"

namespace strata::ops {

/// Runs the part of a while that its condition depends on, if it starts from literals: a counter, mostly. None if it
/// depends on anything else, or takes more than 100,000 steps.
std::optional<int64_t> trip_count(const ir::Node& loop);

}  // namespace strata::ops
