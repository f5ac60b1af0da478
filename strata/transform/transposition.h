// The transposition of the linear part of a graph: its tangent nodes, walked backwards by each op's transpose rule.
#pragma once

#include <map>
#include <span>
#include <utility>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/rewrite.h"

namespace strata::transform {

/// By node id: true for nodes that depend on a value of `parameters` through float values (the parameters included).
std::vector<bool> linear_nodes(const ir::Graph& graph, std::span<const ir::Value> parameters);

/// Seeds go in by `add`, `run` appends the backward nodes to the same graph, then `find` gives what arrived at the
/// parameters.
class Transposition {
 public:
  Transposition(ir::Graph& graph, std::span<const ir::Value> tangent_parameters);

  bool is_linear(ir::Value v) const { return linear_[v.node->id] && is_float(v.dtype()); }
  /// Adds to the cotangent of a value; ignored where nothing linear is behind it.
  void add(ir::Value of, ir::Value cotangent);
  /// Null: zero.
  ir::Value find(ir::Value of) const;
  void run();

 private:
  void transpose(const ir::Node& node);
  void add_pending(const ir::Node& node);

  ir::Graph& graph_;
  std::vector<bool> linear_;  ///< by node id, of the nodes that were there at the start
  std::vector<std::vector<ir::Value>> cotangents_;
  /// Cotangents of slices, by the value that is sliced: so many were added one by one, the others wait.
  struct Slices {
    int added = 0;
    std::vector<ir::Value> waiting;
  };
  std::map<std::pair<uint32_t, uint32_t>, Slices> slices_;
};

/// By node id: true for nodes that depend on one of `values` in any way, their own nodes included.
std::vector<bool> dependent_nodes(const ir::Graph& graph, std::span<const ir::Value> values);

/// Effects (prints, checks) of the nodes first..behind, in their order, but for those that see one of `unknown`.
std::vector<const ir::Node*> effects_between(const ir::Graph& graph, size_t first, size_t behind,
                                             std::span<const ir::Value> unknown);

/// Appends to the copier's target those nodes of `from` that the wanted values (null ones aside) and effects need and
/// that have no image yet.
void copy_needed(const ir::Graph& from, ir::GraphCopier& copier, std::span<const ir::Value> wanted,
                 std::span<const ir::Node* const> effects);

}  // namespace strata::transform
