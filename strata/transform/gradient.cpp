#include "strata/transform/gradient.h"

#include <algorithm>
#include <unordered_map>

#include "strata/base/error/codes/transform_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/transform/active_nodes.h"
#include "strata/transform/tangents.h"
#include "strata/transform/transposition.h"

namespace strata::transform {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;

namespace {

void require_float(std::span<const Value> values, const char* what) {
  for (const Value& v : values)
    if (!is_float(v.dtype()))
      throw base::Error(base::code::kNotDifferentiable,
                        std::string("gradient: ") + what + " should be a float, found " + v.type().str())
          .note("recorded at " + v.node->where.str());
}

/// The part of a graph between `wrt` and `outputs`, copied to a scratch graph whose parameters are `wrt` and what else
/// is read. Composites are copied as their bodies, so that derivatives are those of the body, node for node. What a
/// derivative reads of a body is appended to the caller's graph anew; the compiler merges it with the composite once
/// that is expanded. A second derivative meets both: `of_bodies_` makes them one here, or it would go through each.
class Linearisation {
 public:
  Linearisation(const Graph& graph, std::span<const Value> outputs, std::span<const Value> wrt)
      : to_scratch(graph, scratch), tangents(scratch), is_looked_at_(graph.nodes().size()) {
    const std::vector<bool> active = active_nodes(graph, wrt, outputs);
    for (const Value& v : wrt)
      if (!to_scratch.find(v)) add_outside(v);
    for (const Node* node : graph.nodes())
      if (active[node->id] || is_read_through(*node, active)) copy(*node);
  }

  Graph scratch{"gradient"};
  GraphCopier to_scratch;
  Tangents tangents;
  std::vector<Value> outside;         ///< values of the caller's graph, one per primal parameter of the scratch graph
  std::vector<Value> outside_images;  ///< those parameters
  std::vector<const Node*> copied;    ///< nodes of the caller's graph that have an image
  std::vector<const Node*> primal;    ///< nodes of the scratch graph that are differentiated, in order

  /// Makes tangents of the copies, given those that were set for `wrt`.
  void differentiate() {
    first_of_rules_ = scratch.nodes().size();
    for (const Node* node : primal) tangents.push_through(*node);
  }
  /// Where a value of the scratch graph came from: maps primal images back when the result is inlined.
  void map_back(GraphCopier& from_scratch) const {
    for (size_t i = 0; i < outside.size(); ++i) from_scratch.set(outside_images[i], outside[i]);
    for (const Node* node : copied)
      for (uint32_t i = 0; i < node->result_count; ++i) {
        const Value image = to_scratch.get(node->result(i));
        if (!from_scratch.find(image)) from_scratch.set(image, node->result(i));
      }
  }
  /// Prints and checks that the rules brought in: of functions that a user gave for a derivative. Those of what is
  /// differentiated run with it, and what sees a tangent has no value in reverse mode.
  std::vector<const Node*> effects(std::span<const Value> unknown) const {
    return effects_between(scratch, first_of_rules_, scratch.nodes().size(), unknown);
  }
  /// An output in the scratch graph; null if it does not depend on `wrt`.
  Value image(Value output) const { return to_scratch.find(output); }

 private:
  void add_outside(Value v) {
    const Value parameter = scratch.add_parameter(v.type());
    to_scratch.set(v, parameter);
    outside.push_back(v);
    outside_images.push_back(parameter);
  }
  /// A constant comes along, so that rules can look at it (the first state of a loop, from which its trip count
  /// follows).
  void bring(Value v) {
    if (to_scratch.find(v) || is_of_a_body(*v.node)) return;
    if (v.node->is_parameter() || v.node->operand_count > 0 || v.node->op->effect != ir::Effect::None)
      return add_outside(v);
    copy(*v.node);
  }
  void copy(const Node& node) {
    for (const Value& v : node.operands()) bring(v);
    if (to_scratch.find(node.result())) return;  // one of `wrt`
    copied.push_back(&node);
    if (ops::is_composite(node))
      ops::append_core(node, to_scratch, scratch,
                       [this](const Node& n, GraphCopier& copier) { copy_of_body(n, copier); });
    else
      copy_alone(node);
  }
  /// A composite that the outputs don't read, though they may read what a first derivative has appended of its body:
  /// that then stands where the body would, and cotangents are summed in the same order.
  bool is_read_through(const Node& node, const std::vector<bool>& active) const {
    return !node.is_parameter() && ops::is_composite(node) &&
           std::any_of(node.operands().begin(), node.operands().end(),
                       [&](const Value& v) { return active[v.node->id] || to_scratch.find(v); });
  }
  void copy_of_body(const Node& node, GraphCopier& copier) {
    const Node* image = copier.copy(node);
    primal.push_back(image);
    if (node.op->effect == ir::Effect::None) of_bodies_.emplace(image->hash, image);
  }
  void copy_alone(const Node& node) {
    if (!is_of_a_body(node)) primal.push_back(to_scratch.copy(node));
  }
  /// Whether a node computes what a copied body has computed; it is mapped to that. Looks through operands that have no
  /// image yet, as deep as bodies go, not as programs do: this recurses.
  bool is_of_a_body(const Node& node, int depth = 64) {
    if (of_bodies_.empty() || node.is_parameter() || depth == 0 || is_looked_at_[node.id]) return false;
    is_looked_at_[node.id] = true;
    std::vector<Value> operands;
    for (const Value& v : node.operands()) {
      if (!to_scratch.find(v) && !is_of_a_body(*v.node, depth - 1)) return false;
      operands.push_back(to_scratch.get(v));
    }
    const auto same =
        of_bodies_.find(ir::node_hash(*node.op, operands, node.attrs.all(), node.regions(), node.types()));
    if (same == of_bodies_.end()) return false;
    for (uint32_t i = 0; i < node.result_count; ++i) to_scratch.set(node.result(i), same->second->result(i));
    return true;
  }

  std::unordered_map<base::Hash128, const Node*, base::Hash128Hasher> of_bodies_;
  std::vector<bool> is_looked_at_;  ///< by is_of_a_body, in vain
  size_t first_of_rules_ = 0;       ///< nodes of the scratch graph from here on were made by derivative rules
};

}  // namespace

std::vector<Value> append_vjp(Graph& graph, std::span<const Value> outputs, std::span<const Value> cotangents,
                              std::span<const Value> wrt) {
  require_float(wrt, "what is differentiated with respect to");
  require_float(outputs, "what is differentiated");
  Linearisation linear(graph, outputs, wrt);
  Graph& scratch = linear.scratch;
  std::vector<Value> inputs;
  for (const Value& v : wrt) {
    inputs.push_back(scratch.add_parameter(v.type()));
    linear.tangents.set(linear.to_scratch.get(v), inputs.back());
  }
  linear.differentiate();

  Transposition backward(scratch, inputs);
  std::vector<Value> seeds;
  for (size_t i = 0; i < outputs.size(); ++i) {
    seeds.push_back(scratch.add_parameter(outputs[i].type()));
    const Value image = linear.image(outputs[i]);
    if (const Value tangent = image ? linear.tangents.find(image) : Value{}) backward.add(tangent, seeds.back());
  }
  backward.run();

  GraphCopier back(scratch, graph);
  linear.map_back(back);
  for (size_t i = 0; i < seeds.size(); ++i) back.set(seeds[i], cotangents[i]);
  std::vector<Value> found;
  for (const Value& v : inputs) found.push_back(backward.find(v));
  copy_needed(scratch, back, found, linear.effects(inputs));
  std::vector<Value> gradients;
  for (size_t i = 0; i < wrt.size(); ++i) gradients.push_back(found[i] ? back.get(found[i]) : ops::zeros_like(wrt[i]));
  return gradients;
}

std::vector<Value> append_gradient(Graph& graph, Value output, std::span<const Value> wrt) {
  if (output.rank() != 0)
    throw base::Error(base::code::kNotScalar,
                      "gradient: the differentiated value should be a scalar, found " + output.type().str())
        .note("recorded at " + output.node->where.str())
        .hint("reduce it with mean or sum, or give cotangents to vjp");
  require_float({&output, 1}, "what is differentiated");
  const Value one = ops::constant_like(output, 1.0);
  return append_vjp(graph, {&output, 1}, {&one, 1}, wrt);
}

std::vector<Value> append_jvp(Graph& graph, std::span<const Value> outputs, std::span<const Value> wrt,
                              std::span<const Value> tangents) {
  require_float(wrt, "what is differentiated with respect to");
  Linearisation linear(graph, outputs, wrt);
  std::vector<Value> inputs;
  for (const Value& v : wrt) {
    inputs.push_back(linear.scratch.add_parameter(v.type()));
    linear.tangents.set(linear.to_scratch.get(v), inputs.back());
  }
  linear.differentiate();
  GraphCopier back(linear.scratch, graph);
  linear.map_back(back);
  for (size_t i = 0; i < inputs.size(); ++i) back.set(inputs[i], tangents[i]);
  std::vector<Value> found;
  for (const Value& v : outputs) {
    const Value image = linear.image(v);
    found.push_back(image ? linear.tangents.find(image) : Value{});
  }
  copy_needed(linear.scratch, back, found, linear.effects({}));
  std::vector<Value> results;
  for (size_t i = 0; i < outputs.size(); ++i)
    results.push_back(found[i] ? back.get(found[i]) : ops::zeros_like(outputs[i]));
  return results;
}

std::unique_ptr<Graph> value_and_grad(const Graph& graph, std::span<const int> wrt) {
  std::unique_ptr<Graph> result = ir::copy_graph(graph);
  std::vector<Value> results(result->results().begin(), result->results().end()), inputs;
  if (results.empty())
    throw base::Error(base::code::kNotScalar, "gradient: " + graph.name() + " has no result to differentiate");
  for (int i : wrt) inputs.push_back(result->parameter(i));
  for (const Value& v : append_gradient(*result, results[0], inputs)) results.push_back(v);
  result->set_results(results);
  return result;
}

}  // namespace strata::transform
