// Which results of a lazy recording may take over the memory of arguments that end with it: w = w - g * rate writes w
// in place once nobody else holds the old one.
#pragma once

#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/plan/donation.h"

namespace strata::lazy {

/// `dying` are parameters. Each goes to the result of its type that is computed from it in the fewest steps, if one is.
std::vector<ir::Donation> donations_of(const ir::Graph& graph, std::span<const int> dying);

}  // namespace strata::lazy
