// What of a program depends on some of its parameters alone: those that are the same over many runs of it. It can be
// computed once for all of them.
#pragma once

#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

/// By node id: what depends on the parameters `constants` and on literals alone, on at least one of those parameters,
/// and can be computed at another time: it has no effect, no check and no loop. Parameters and literals are none.
std::vector<bool> invariant_nodes(const ir::Graph& graph, std::span<const int> constants);

/// Of these, before fusion, what is worth memory of its own: something was computed, and is no larger than what it was
/// computed of, or a product reads it, which computes nothing that it packs. A repeated bias or a transposed weight is
/// made anew where it is read.
std::vector<bool> invariants_to_keep(const ir::Graph& graph, std::span<const int> constants);

}  // namespace strata::compiler
