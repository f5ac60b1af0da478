// Runs what a lazy recording collected. A loop that records the same ops again compiles once, also where the numbers
// that it writes into the program change at each turn: w = w - g * rate, x[i], x.at({i}) = y.
//
// A program is known by its structure, positions and numbers. When one comes that is known but for numbers, those that
// differ become arguments, and that program serves all later ones. Only numbers for which it can make no difference to
// any bit: they go into arithmetic that folds exactly, and no op in front of it sees that they are constant (x^2 and
// x^p round differently, so p stays part of the program).
#pragma once

#include <memory>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/host_array.h"

namespace strata::lazy {

std::vector<ir::HostArray> run(const std::shared_ptr<ir::Graph>& graph, std::vector<ir::HostArray>&& arguments);

/// How many programs this process has compiled for lazy recordings.
int64_t compiled_count();

}  // namespace strata::lazy
