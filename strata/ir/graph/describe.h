// What messages, tables and pages say of a graph and its nodes.
#pragma once

#include <string>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::ir {

/// The symbols in the types of the parameters, each once, in order of appearance.
std::vector<std::string> parameter_symbols(const Graph& graph);
/// The op and where it was recorded: "log at loss.cpp:12".
std::string op_at(const Node& node);
/// Of a fusion the ops within, each once and in order, without those that only give a shape or a type: "dot, add,
/// tanh". Else the op.
std::string ops_within(const Node& node);

}  // namespace strata::ir
