// The rules of the tensor program, checked on a whole graph: after each pass, and on text.
//
// Operands belong to the graph and stand before their users; attributes are those that the op declares; regions are
// isolated and sound themselves; types are what the op's rule infers from the operands; results belong to the graph;
// facts don't contradict each other.
#pragma once

#include <optional>
#include <string>

#include "strata/base/error/error.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/op.h"

namespace strata::ir {

struct GraphFault {
  std::string what;   ///< lower case, no full stop
  std::string node;   ///< the node as text, empty if the fault is in the head
  std::string where;  ///< the user's line, or empty
};
std::optional<GraphFault> find_graph_fault(const Graph& graph);

/// The same of what a pass made of `before`: regions that stood there are the same objects, and were looked at then.
std::optional<GraphFault> find_graph_fault(const Graph& graph, const Graph& before);

/// Throws E0131 for a fault; `at` says when, e.g. "after fuse".
void verify_graph(const Graph& graph, const std::string& at = "");

}  // namespace strata::ir
