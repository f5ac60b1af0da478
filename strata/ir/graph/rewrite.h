// Making a graph from a graph. Passes and transforms walk the old graph in order and append to a new one; what they do
// not change is copied node by node. So a result is always topologically sorted, and the old graph stays for
// comparison.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::ir {

/// Maps values of `from` to values of `to`, and copies nodes with mapped operands.
class GraphCopier {
 public:
  GraphCopier(const Graph& from, Graph& to) : from_(from), to_(to), map_(from.nodes().size()) {}

  const Graph& from() const { return from_; }
  void set(Value from, Value to);
  /// The image of a value; null if it has none yet.
  Value find(Value from) const;
  /// The image of a value; an Internal error if it has none.
  Value get(Value from) const;
  std::vector<Value> get(std::span<const Value> from) const;

  /// Adds parameters like those of `from` and maps them.
  void copy_parameters();
  /// Appends a copy of `node` (same op, attributes, regions, position) and maps its results.
  Node* copy(const Node& node);
  /// Appends a copy with other regions.
  Node* copy(const Node& node, std::span<const GraphRef> regions);
  /// Copies every node that has no image yet, in order (parameters excluded).
  void copy_rest();
  /// Sets the results of `to` to the images of those of `from`.
  void copy_results();

 private:
  const Graph& from_;
  Graph& to_;
  std::vector<std::vector<Value>> map_;
};

/// Which nodes the results and effects need (parameters count as needed).
std::vector<bool> live_nodes(const Graph& graph);

/// For each node the number of uses of each result by live nodes, plus one for each appearance among the graph's
/// results.
std::vector<std::vector<uint32_t>> use_counts(const Graph& graph);

/// A new graph with the same parameters in which `rewrite` decides for each live node: it appends what it likes to the
/// new graph, maps the node's results, and returns true; or returns false, and the node is copied.
std::unique_ptr<Graph> rewrite_graph(const Graph& graph,
                                     const std::function<bool(const Node&, GraphCopier&, Graph&)>& rewrite);

/// The same program again.
std::unique_ptr<Graph> copy_graph(const Graph& graph);

/// The program that computes only these values of `graph`, from the same parameters and without its effects.
std::unique_ptr<Graph> copy_graph_with_results(const Graph& graph, std::span<const Value> results);

/// Appends the body of `body` to `to` with `arguments` in place of its parameters and returns the images of its
/// results. Nodes without a position get the recording position of `to`; what the body counts gets names of its own.
std::vector<Value> inline_graph(const Graph& body, Graph& to, std::span<const Value> arguments);

}  // namespace strata::ir
