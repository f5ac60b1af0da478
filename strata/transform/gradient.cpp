#include "strata/transform/gradient.h"

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/ir/rewrite.h"
#include "strata/ops/broadcast.h"
#include "strata/ops/elementwise.h"
#include "strata/ops/rules.h"
#include "strata/transform/active_nodes.h"
#include "strata/transform/tangents.h"

namespace strata::transform {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;

namespace {

void require_float(std::span<const Value> values, const char* what) {
  for (const Value& v : values)
    if (!is_float(v.dtype()))
      throw base::Error("E0201", std::string("gradient: ") + what + " should be a float, found " + v.type().str()).note("recorded at " + v.node->where.str());
}

/// The part of a graph between `wrt` and `outputs`, copied to a scratch graph whose parameters are `wrt` and what else is read.
class Linearisation {
 public:
  Linearisation(const Graph& graph, std::span<const Value> outputs, std::span<const Value> wrt)
      : to_scratch(graph, scratch), tangents(scratch), outputs_(outputs.begin(), outputs.end()) {
    const std::vector<bool> active = active_nodes(graph, wrt, outputs);
    for (const Value& v : wrt)
      if (!to_scratch.find(v)) add_outside(v);
    for (const Node* node : graph.nodes())
      if (active[node->id]) copy(*node);
  }

  Graph scratch{"gradient"};
  GraphCopier to_scratch;
  Tangents tangents;
  std::vector<Value> outside;         ///< values of the caller's graph, one per primal parameter of the scratch graph
  std::vector<Value> outside_images;  ///< those parameters
  std::vector<const Node*> copied;    ///< nodes of the caller's graph that have an image

  /// Makes tangents of the copies, given those that were set for `wrt`.
  void differentiate() {
    for (const Node* node : copied) tangents.push_through(*to_scratch.get(node->result()).node);
  }
  /// Where a value of the scratch graph came from: maps primal images back when the result is inlined.
  void map_back(GraphCopier& from_scratch) const {
    for (size_t i = 0; i < outside.size(); ++i) from_scratch.set(outside_images[i], outside[i]);
    for (const Node* node : copied)
      for (uint32_t i = 0; i < node->result_count; ++i) from_scratch.set(to_scratch.get(node->result(static_cast<int>(i))), node->result(static_cast<int>(i)));
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
  void copy(const Node& node) {
    for (const Value& v : node.operands())
      if (!to_scratch.find(v)) add_outside(v);
    if (to_scratch.find(node.result())) return;  // one of `wrt`
    to_scratch.copy(node);
    copied.push_back(&node);
  }
  std::vector<Value> outputs_;
};

/// Walks the tangent nodes of a scratch graph backwards.
class Transposition {
 public:
  Transposition(Graph& graph, std::span<const Value> tangent_parameters) : graph_(graph), linear_(graph.nodes().size()), cotangents_(graph.nodes().size()) {
    for (const Value& v : tangent_parameters) linear_[v.node->id] = true;
    for (const Node* node : graph.nodes())
      for (const Value& v : node->operands()) linear_[node->id] = linear_[node->id] || (linear_[v.node->id] && is_float(v.dtype()));
  }

  void add(Value of, Value cotangent) {
    if (!linear_[of.node->id]) return;
    auto& slots = cotangents_[of.node->id];
    slots.resize(of.node->result_count);
    Value& slot = slots[of.index];
    slot = slot ? graph_.add1(ops::kAdd, {slot, cotangent}) : cotangent;
  }
  Value find(Value of) const {
    const auto& slots = cotangents_[of.node->id];
    return of.index < slots.size() ? slots[of.index] : Value{};
  }
  void run() {
    const std::vector<Node*> nodes(graph_.nodes().begin(), graph_.nodes().begin() + static_cast<ptrdiff_t>(linear_.size()));
    for (size_t i = nodes.size(); i-- > 0;)
      if (linear_[i] && !cotangents_[i].empty() && !nodes[i]->is_parameter()) transpose(*nodes[i]);
  }

 private:
  void transpose(const Node& node) {
    if (!node.op->transpose)
      throw base::Error("E0900", std::string(node.op->name) + ": a JVP rule used it on a tangent, but it has no transpose: " +
                                     (node.op->transpose.reason ? node.op->transpose.reason : "no rule"));
    const ir::LocationScope scope(graph_, node.where);
    std::vector<uint8_t> flags;
    for (const Value& v : node.operands()) flags.push_back(linear_[v.node->id] && is_float(v.dtype()));
    const std::span<const bool> is_linear(reinterpret_cast<const bool*>(flags.data()), flags.size());
    ir::Transpose rule(node, cotangents_[node.id], is_linear);
    node.op->transpose.fn(rule);
    for (uint32_t i = 0; i < node.operand_count; ++i)
      if (const Value c = rule.contributions()[i]; c && flags[i]) add(node.operand(static_cast<int>(i)), c);
  }

  Graph& graph_;
  std::vector<bool> linear_;  ///< by node id, of the nodes that were there at the start
  std::vector<std::vector<Value>> cotangents_;
};

/// Appends to `to` those nodes of `from` that the given values need and that have no image yet.
void copy_needed(const Graph& from, GraphCopier& copier, std::span<const Value> wanted) {
  std::vector<bool> needed(from.nodes().size());
  for (const Value& v : wanted)
    if (v) needed[v.node->id] = true;
  auto is_mapped = [&](const Node& node) { return node.result_count > 0 && copier.find(node.result()); };
  for (size_t i = needed.size(); i-- > 0;) {
    const Node& node = *from.nodes()[i];
    if (!needed[i] || is_mapped(node)) continue;
    for (const Value& v : node.operands()) needed[v.node->id] = true;
  }
  for (size_t i = 0; i < needed.size(); ++i)
    if (needed[i] && !is_mapped(*from.nodes()[i])) copier.copy(*from.nodes()[i]);
}

}  // namespace

std::vector<Value> append_vjp(Graph& graph, std::span<const Value> outputs, std::span<const Value> cotangents, std::span<const Value> wrt) {
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
  copy_needed(scratch, back, found);
  std::vector<Value> gradients;
  for (size_t i = 0; i < wrt.size(); ++i) gradients.push_back(found[i] ? back.get(found[i]) : ops::zeros_like(wrt[i]));
  return gradients;
}

std::vector<Value> append_gradient(Graph& graph, Value output, std::span<const Value> wrt) {
  if (output.rank() != 0)
    throw base::Error("E0202", "gradient: the differentiated value should be a scalar, found " + output.type().str())
        .note("recorded at " + output.node->where.str())
        .hint("reduce it with mean or sum, or give cotangents to vjp");
  require_float({&output, 1}, "what is differentiated");
  const Value one = ops::constant_like(output, 1.0);
  return append_vjp(graph, {&output, 1}, {&one, 1}, wrt);
}

std::vector<Value> append_jvp(Graph& graph, std::span<const Value> outputs, std::span<const Value> wrt, std::span<const Value> tangents) {
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
  copy_needed(linear.scratch, back, found);
  std::vector<Value> results;
  for (size_t i = 0; i < outputs.size(); ++i) results.push_back(found[i] ? back.get(found[i]) : ops::zeros_like(outputs[i]));
  return results;
}

std::unique_ptr<Graph> value_and_grad(const Graph& graph, std::span<const int> wrt) {
  std::unique_ptr<Graph> result = ir::copy_graph(graph);
  std::vector<Value> results(result->results().begin(), result->results().end()), inputs;
  if (results.empty()) throw base::Error("E0202", "gradient: " + graph.name() + " has no result to differentiate");
  for (int i : wrt) inputs.push_back(result->parameter(i));
  for (const Value& v : append_gradient(*result, results[0], inputs)) results.push_back(v);
  result->set_results(results);
  return result;
}

}  // namespace strata::transform
