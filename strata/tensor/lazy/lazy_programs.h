// Runs what a lazy recording collected. A loop that records the same ops again compiles once, also where the numbers
// that it writes into the program change at each turn: w = w - g * rate, x[i], x.at({i}) = y, and where sizes do.
//
// A program is known by its structure, positions, numbers and sizes. When one comes that is known but for numbers or
// sizes, those that differ become arguments and symbols, and that program serves all later ones (programs.h). Only
// numbers for which it can make no difference to any bit: they go into arithmetic that folds exactly, and no op in
// front of it sees that they are constant (x^2 and x^p round differently, so p stays part of the program).
//
// Whether a program is compiled before it runs or beside is lazy_compilation()'s choice (compilation.h).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "strata/base/json/json.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/host_array.h"

namespace strata::lazy {

/// `dying` are arguments that nobody else holds: results may take their memory. After an error all arguments are there.
std::vector<ir::HostArray> run(const std::shared_ptr<ir::Graph>& graph, std::vector<ir::HostArray>&& arguments,
                               std::span<const int> dying = {});

/// For reports: whole recordings, and how many programs of single ops there are.
base::Json programs_json();

}  // namespace strata::lazy
