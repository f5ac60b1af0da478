// For tests: samples of op blocks as f64 programs, and derivatives by differences through the tensor interpreter.
#pragma once

#include <string>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/host_array.h"

namespace strata::transform::checks {

using ir::Graph;
using ir::HostArray;
using ir::Value;

/// A program with arguments at which it is smooth.
struct Case {
  std::string name;
  const ir::Op* op = nullptr;
  std::shared_ptr<Graph> graph;
  std::vector<HostArray> arguments;
};

/// The samples of every op of the table that have operands with elements and no special values, floats as f64.
std::vector<Case> table_cases();

/// The program with every float in f64.
std::shared_ptr<Graph> in_f64(const Graph& graph);

std::vector<int> float_parameters(const Graph& graph);
std::vector<int> float_results(const Graph& graph);

/// Standard normal numbers of a shape.
HostArray normal_like(const HostArray& shape, uint64_t seed);
/// x + by * t.
HostArray moved(const HostArray& x, const HostArray& t, double by);
/// Sum of a * b over the elements where b is not zero.
double inner(const HostArray& a, const HostArray& b);

/// (arguments, cotangents of the float results) -> (gradients of the float parameters).
std::unique_ptr<Graph> vjp_program(const Graph& graph);
/// (arguments, tangents of the float parameters) -> (tangents of the float results).
std::unique_ptr<Graph> jvp_program(const Graph& graph);

/// Derivative along `direction` in argument `wrt` of the sum over float results of <result, weight>, by differences of
/// order 4.
double directional_difference(const Graph& graph, std::span<const HostArray> arguments, int wrt,
                              const HostArray& direction, std::span<const HostArray> weights);

/// Checks the gradient of every float argument against differences to 1e-6, element by element where there are few.
void expect_gradient_matches_differences(const Graph& graph, std::span<const HostArray> arguments);
/// <cotangent, jvp> == <vjp, tangent>.
void expect_jvp_vjp_identity(const Graph& graph, std::span<const HostArray> arguments);
/// Batches over marked arguments equal runs one at a time.
void expect_vmap_matches_loop(const Graph& graph, std::span<const HostArray> arguments,
                              const std::vector<bool>& is_batched);

}  // namespace strata::transform::checks
