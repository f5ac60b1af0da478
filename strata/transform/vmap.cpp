#include "strata/transform/vmap.h"

#include <algorithm>
#include <memory>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/codes/transform_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/facets/rules.h"
#include "strata/ops/operands/broadcast.h"

namespace strata::transform {

using ir::Dim;
using ir::Graph;
using ir::Node;
using ir::Value;

namespace {

/// Walks a body and keeps for each of its values the image and whether that is batched.
class Batching {
 public:
  Batching(const Graph& body, Graph& to, Dim size)
      : to_(to), size_(size), copier_(body, to), is_batched_(body.nodes().size()) {}

  void set(Value of, Value image, bool is_batched) {
    copier_.set(of, image);
    auto& slots = is_batched_[of.node->id];
    slots.resize(of.node->result_count);
    slots[of.index] = is_batched;
  }
  bool is_batched(Value of) const { return is_batched_[of.node->id][of.index]; }
  Value image(Value of) const { return copier_.get(of); }

  void push_through(const Node& node) {
    const auto flags = std::make_unique<bool[]>(node.operand_count);
    bool any = false;
    for (uint32_t i = 0; i < node.operand_count; ++i) any |= flags[i] = is_batched(node.operand(i));
    if (!any) {
      copier_.copy(node);
      is_batched_[node.id].assign(node.result_count, false);
      return;
    }
    if (!node.op->vmap)
      throw base::Error(base::code::kNoBatchingRule, std::string(node.op->name) + ": can't be batched: " +
                                                         (node.op->vmap.reason ? node.op->vmap.reason : "no rule"))
          .note("recorded at " + node.where.str());
    const ir::LocationScope scope(to_, node.where.file || node.where.path ? node.where : to_.location());
    const std::vector<Value> operands = copier_.get(node.operands());
    ir::Vmap rule(node, to_, operands, {flags.get(), node.operand_count}, size_);
    rule.vmap_region = [this](const Graph& region, std::span<const bool> marked) {
      return vmap_region(region, marked, size_);
    };
    node.op->vmap.fn(rule);
    for (uint32_t i = 0; i < node.result_count; ++i) {
      const Value result = rule.results()[i];
      if (!result)
        throw base::Error(base::code::kBug,
                          std::string(node.op->name) + ": its vmap rule left out result " + std::to_string(i));
      set(node.result(i), result, true);
    }
  }

 private:
  Graph& to_;
  Dim size_;
  ir::GraphCopier copier_;
  std::vector<std::vector<bool>> is_batched_;
};

}  // namespace

Value with_batch(Value x, Dim size) {
  ir::Shape dims{size};
  dims.insert(dims.end(), x.shape().begin(), x.shape().end());
  std::vector<int64_t> axes;
  for (int a = 0; a < x.rank(); ++a) axes.push_back(a + 1);
  return ops::broadcast(x, dims, axes);
}

Batched append_vmap(const Graph& body, Graph& to, std::span<const Value> arguments, std::span<const bool> is_batched,
                    Dim size) {
  for (const ir::SymbolFact& fact : body.facts().all()) to.facts().add(fact);
  Batching batching(body, to, size);
  for (size_t i = 0; i < arguments.size(); ++i) batching.set(body.parameter(i), arguments[i], is_batched[i]);
  for (const Node* node : body.nodes())
    if (!node->is_parameter()) batching.push_through(*node);
  Batched results;
  for (const Value& v : body.results()) {
    results.values.push_back(batching.image(v));
    results.is_batched.push_back(batching.is_batched(v));
  }
  return results;
}

std::unique_ptr<Graph> vmap(const Graph& graph, std::span<const bool> is_batched, Dim size) {
  auto result = std::make_unique<Graph>(graph.name() + ".vmap");
  std::vector<Value> arguments;
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    ir::Type type = graph.parameters()[i]->type();
    if (is_batched[i]) {
      ir::Shape dims{size};
      dims.insert(dims.end(), type.shape().begin(), type.shape().end());
      type = type.with_shape(dims);
    }
    arguments.push_back(result->add_parameter(type, graph.parameter_name(i)));
  }
  Batched batched = append_vmap(graph, *result, arguments, is_batched, size);
  for (size_t i = 0; i < batched.values.size(); ++i)
    if (!batched.is_batched[i]) batched.values[i] = with_batch(batched.values[i], size);
  result->set_results(batched.values);
  return result;
}

ir::GraphRef vmap_region(const Graph& region, std::span<const bool> is_batched, Dim size) {
  return vmap(region, is_batched, size);
}

}  // namespace strata::transform
