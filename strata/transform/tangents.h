// Forward mode on a graph under construction: walks nodes and keeps the tangent of each value, by each op's JVP rule.
//
// Everything is appended to one graph, primal and tangent nodes side by side. A value without a tangent has tangent
// zero.
#pragma once

#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::transform {

class Tangents {
 public:
  explicit Tangents(ir::Graph& graph) : graph_(graph) {}

  void set(ir::Value primal, ir::Value tangent);
  /// Null: zero.
  ir::Value find(ir::Value primal) const;
  /// Applies the rule of a node of the graph, if some operand has a tangent. User error E0200 when the op has no rule.
  void push_through(const ir::Node& node);

 private:
  /// The tangent of a smooth node in half floats, computed in f32 and rounded once.
  ir::Value in_f32(const ir::Node& node, std::span<const ir::Value> tangents);

  ir::Graph& graph_;
  std::vector<std::vector<ir::Value>> by_node_;
};

}  // namespace strata::transform
