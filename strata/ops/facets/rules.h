// What the derivative and batching rules of an op are given. The rules stand in the op's block and build on graph
// values with the functions of ops/; the transforms (transform/) walk the graph and call them.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/op.h"

namespace strata::ir {

/// Forward mode: tangents of the results from tangents of the operands. Everything lives in `graph`, where the primal
/// node stands already. A missing tangent is zero. Called only when some operand of float type has a tangent.
class Jvp {
 public:
  Jvp(const Node& node, std::span<const Value> tangents)
      : node(node), graph(*node.graph), tangents_(tangents), results_(node.result_count) {}
  const Node& node;
  Graph& graph;

  Value operand(int i) const { return node.operand(i); }
  Value result(int i = 0) const { return node.result(i); }
  bool has(int i) const { return static_cast<bool>(tangents_[i]); }
  /// Tangent of operand i; a zero constant is made when it is missing.
  Value tangent(int i) const;
  /// Sum over the operands that have a tangent of part(i, tangent); the usual form of a rule for several operands.
  void sum_over(const std::function<Value(int i, Value tangent)>& part);
  void set(Value tangent) { results_[0] = tangent; }
  void set(int result, Value tangent) { results_[result] = tangent; }
  std::span<const Value> results() const { return results_; }

  /// For ops with regions: the region extended by tangent parameters for the parameters marked in `has_tangent` (after
  /// the primal ones, in order) and by tangent results for those results that get one (after the primal ones); marks
  /// them.
  std::function<GraphRef(const Graph& region, std::span<const bool> has_tangent, std::vector<bool>& result_has_tangent)>
      jvp_region;

 private:
  std::span<const Value> tangents_;
  std::vector<Value> results_;
};

/// A region cut in two along its linear parameters (Transpose::split_region).
struct SplitRegion {
  GraphRef known;       ///< (known parameters) -> (results that are not linear, residuals)
  GraphRef transposed;  ///< (residuals, cotangents of the marked results) -> (cotangents of the linear parameters)
  std::vector<bool> result_is_linear;
  /// For each residual the known parameter (counted among the known ones) that it is, or -1: a loop need not stack
  /// those.
  std::vector<int> residual_parameter;
};

/// Reverse mode of a linear node: cotangents of its linear operands from those of its results. The other operands are
/// known values. The rule adds to `graph`, which holds the node as well.
class Transpose {
 public:
  Transpose(const Node& node, std::span<const Value> cotangents, std::span<const bool> is_linear)
      : node(node),
        graph(*node.graph),
        cotangents_(cotangents),
        is_linear_(is_linear),
        contributions_(node.operand_count) {}
  const Node& node;
  Graph& graph;

  bool is_linear(int i) const { return is_linear_[i]; }
  /// A known operand (not linear).
  Value operand(int i) const { return node.operand(i); }
  /// Cotangent of a result; null when the result has none (only possible for nodes with several results).
  Value cotangent(int i = 0) const { return cotangents_[i]; }
  Type operand_type(int i) const { return node.operand(i).type(); }
  void set(int operand, Value cotangent) { contributions_[operand] = cotangent; }
  std::span<const Value> contributions() const { return contributions_; }

  /// For ops with regions. Parameters marked in `is_linear` are linear, the others known; `has_cotangent` marks the
  /// linear results whose cotangent is given. The region (known parameters, those cotangents) -> (cotangents of the
  /// linear parameters), each in order; it computes again what it needs of the known values.
  std::function<GraphRef(const Graph& region, std::span<const bool> is_linear, std::span<const bool> has_cotangent)>
      transpose_region;
  /// The same in two parts: a loop runs the known one forwards, stacks its residuals, and runs the other backwards.
  std::function<SplitRegion(const Graph& region, std::span<const bool> is_linear, std::span<const bool> has_cotangent)>
      split_region;

 private:
  std::span<const Value> cotangents_;
  std::span<const bool> is_linear_;
  std::vector<Value> contributions_;
};

/// Batching: the node over a new axis 0 of extent `size`. Operands that are batched carry it as axis 0.
class Vmap {
 public:
  Vmap(const Node& node, Graph& graph, std::span<const Value> operands, std::span<const bool> is_batched, Dim size)
      : node(node),
        graph(graph),
        size(size),
        operands_(operands),
        is_batched_(is_batched),
        results_(node.result_count) {}
  const Node& node;  ///< the original node, in the original graph: for attributes and unbatched types
  Graph& graph;
  Dim size;

  bool is_batched(int i) const { return is_batched_[i]; }
  Value operand(int i) const { return operands_[i]; }
  /// Operand i with the batch axis, broadcast if it has none.
  Value batched(int i) const;
  void set(Value batched) { results_[0] = batched; }
  void set(int result, Value batched) { results_[result] = batched; }
  std::span<const Value> results() const { return results_; }
  /// For ops with regions: the region over batches, with the marked parameters batched and every result batched.
  std::function<GraphRef(const Graph& region, std::span<const bool> is_batched)> vmap_region;

 private:
  std::span<const Value> operands_;
  std::span<const bool> is_batched_;
  std::vector<Value> results_;
};

}  // namespace strata::ir
