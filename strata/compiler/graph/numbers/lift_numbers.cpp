#include "strata/compiler/graph/numbers/lift_numbers.h"

#include <unordered_map>
#include <unordered_set>

#include "strata/compiler/graph/numbers/free_numbers.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/creation/creation.h"

namespace strata::compiler {

using base::Hash128;
using base::Hash128Hasher;
using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;

namespace {

/// So many kernels that differ in numbers only compile in a few tens of milliseconds.
constexpr size_t kMostAlike = 8;

/// The numbers of one fusion, and what is the same in all that differ from it in them only.
struct Numbers {
  std::vector<const Node*> nodes;
  Hash128 family;
};

Numbers numbers_of(const Graph& region) {
  Numbers numbers{free_numbers(region), {}};
  numbers.family = hash_without(region, numbers.nodes);
  for (const Node* p : region.parameters()) numbers.family = base::combine(numbers.family, p->type().hash());
  return numbers;
}

/// Constants of the new graph, each value once.
class Literals {
 public:
  explicit Literals(Graph& graph) : graph_(graph) {}
  Value of(const Node& number) {
    Value& known = by_value_[number.attrs.all()[0].hash()];
    if (!known) known = ops::constant(graph_, number.attrs.array("value"));
    return known;
  }

 private:
  Graph& graph_;
  std::unordered_map<Hash128, Value, Hash128Hasher> by_value_;
};

}  // namespace

std::unique_ptr<Graph> lift_numbers(const Graph& graph) {
  std::unordered_map<uint32_t, Numbers> numbers;  // by node id
  std::unordered_map<Hash128, std::unordered_set<Hash128, Hash128Hasher>, Hash128Hasher> members;
  for (const Node* node : graph.nodes()) {
    if (node->op != &ops::kFusion) continue;
    Numbers of_node = numbers_of(node->region(0));
    if (of_node.nodes.empty()) continue;
    members[of_node.family].insert(node->region(0).hash());
    numbers.emplace(node->id, std::move(of_node));
  }
  std::unique_ptr<Literals> literals;
  return rewrite_graph(graph, [&](const Node& node, GraphCopier& copier, Graph& to) {
    const auto found = numbers.find(node.id);
    if (found == numbers.end() || members.at(found->second.family).size() <= kMostAlike) return false;
    if (!literals) literals = std::make_unique<Literals>(to);
    std::vector<Value> operands = copier.get(node.operands());
    for (const Node* number : found->second.nodes) operands.push_back(literals->of(*number));
    const ir::GraphRef region = with_parameters(node.region(0), found->second.nodes);
    const Node* lifted = to.add(ops::kFusion, operands, {}, {&region, 1});
    for (uint32_t i = 0; i < node.result_count; ++i) copier.set(node.result(i), lifted->result(i));
    return true;
  });
}

}  // namespace strata::compiler
