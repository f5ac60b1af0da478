// Which part of a graph lies between some of its values and others.
#pragma once

#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::transform {

/// By node id: true for nodes that depend on a value of `from` through float values, and that a value of `to` depends
/// on. The nodes of `from` themselves are not counted.
std::vector<bool> active_nodes(const ir::Graph& graph, std::span<const ir::Value> from, std::span<const ir::Value> to);

}  // namespace strata::transform
