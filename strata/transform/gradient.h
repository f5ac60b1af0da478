// Reverse mode: linearise, then transpose.
//
//   sub-graph between `wrt` and `output` --copy--> scratch graph --JVP rules--> primal and tangent nodes side by side
//   tangent nodes, walked backwards --transpose rules--> cotangents --inlined--> the caller's graph
//
// The primal nodes of the scratch graph map back to the caller's, so nothing is computed twice, and the gradient's
// nodes are ordinary nodes: gradients of gradients need nothing more.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::transform {

/// Appends to `graph` the vector-Jacobian product of `outputs` with `cotangents` (same types), and returns one gradient
/// for each of `wrt` (a zero constant where nothing depends on it). User errors: E0200 (no derivative), E0201 (not a
/// float).
std::vector<ir::Value> append_vjp(ir::Graph& graph, std::span<const ir::Value> outputs,
                                  std::span<const ir::Value> cotangents, std::span<const ir::Value> wrt);

/// The gradient of a scalar: append_vjp with cotangent 1. E0202 when `output` is no scalar.
std::vector<ir::Value> append_gradient(ir::Graph& graph, ir::Value output, std::span<const ir::Value> wrt);

/// Appends the Jacobian-vector product: the tangents of `outputs` for the tangents of `wrt`.
std::vector<ir::Value> append_jvp(ir::Graph& graph, std::span<const ir::Value> outputs, std::span<const ir::Value> wrt,
                                  std::span<const ir::Value> tangents);

/// graph -> graph: (parameters) -> (results of `graph`, gradients of result 0 with respect to the parameters in `wrt`).
std::unique_ptr<ir::Graph> value_and_grad(const ir::Graph& graph, std::span<const int> wrt);

}  // namespace strata::transform
