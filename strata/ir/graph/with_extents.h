// A program for one binding of its dimensions: the symbols that are bound are written out as numbers, in types,
// attributes and regions, and every type rule is asked again. So a rule that could prove nothing about a symbol refuses
// an extent when the program meets it, with the error that it has for a program recorded with that extent.
#pragma once

#include <memory>

#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/interpret.h"

namespace strata::ir {

/// The live nodes of `graph` with the symbols that `dims` binds written out; others stay. Throws what the type rules
/// throw (E01xx), also for a region that the run would not enter.
std::unique_ptr<Graph> with_extents(const Graph& graph, const DimBinding& dims);

/// The same with dimensions in place of the symbols for which `dim_of` has one.
std::unique_ptr<Graph> with_dims(const Graph& graph,
                                 base::FunctionRef<std::optional<Dim>(std::string_view symbol)> dim_of);

/// Asks the rules of a node and of what stands in its regions, with numbers for the symbols that `dims` knows: where a
/// program has counted nothing, before the node runs.
void ask_rules(const Node& node, const DimBinding& dims);

/// The smallest of the symbolic extents of live nodes and of the nodes in their regions; INT64_MAX without any. Extents
/// that hold a symbol which isn't bound don't count. Below 0 is the formula of a window that has no place: a type rule
/// that sees numbers makes it 0.
int64_t smallest_extent(const Graph& graph, const DimBinding& dims);

}  // namespace strata::ir
