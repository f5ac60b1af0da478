#include "strata/compiler/graph/fusion/fuse_siblings.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "strata/compiler/graph/costly_op.h"
#include "strata/compiler/graph/fusion/fusion_groups.h"
#include "strata/compiler/graph/invariants/invariants.h"
#include "strata/compiler/graph/share_nodes.h"
#include "strata/compiler/lower/form.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/uses.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/control/value_checks.h"
#include "strata/ops/creation/creation.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::GraphRef;
using ir::Node;
using ir::Value;

namespace {

/// Nodes of a kernel: with kMostCostly its expressions stay far from the deepest that the loop program takes.
constexpr size_t kLargestKernel = 96;

/// The body of a kernel of elements alone whose results have one shape; null for any other node.
GraphRef body_of_elements(const Node& node) {
  if (node.is_parameter() || node.op == &ops::kConstant || ops::has_value_check(node)) return nullptr;
  GraphRef body;
  if (node.op == &ops::kFusion) {
    body = node.regions()[0];
  } else if (node.regions().empty() && form_of(node) == Form::Element) {
    auto single = std::make_shared<Graph>("fusion");
    std::vector<Value> operands;
    for (const Value& v : node.operands()) operands.push_back(single->add_parameter(v.type()));
    const Node* copy = single->add(*node.op, operands, node.attrs.all());
    std::vector<Value> results;
    for (uint32_t i = 0; i < copy->result_count; ++i) results.push_back(copy->result(i));
    single->set_results(results);
    body = std::move(single);
  }
  if (!body || body->nodes().size() > kLargestKernel) return nullptr;
  const auto shape = body->results()[0].shape();
  const bool has_one_shape =
      std::ranges::all_of(body->results(), [&](const Value& v) { return std::ranges::equal(v.shape(), shape); });
  const bool is_of_elements = std::ranges::all_of(body->nodes(), [](const Node* n) {
    return n->is_parameter() || (n->regions().empty() && n->op != &ops::kBarrier && form_of(*n) == Form::Element);
  });
  return has_one_shape && is_of_elements ? body : nullptr;
}

/// By parameter of a body: whether each result reads it at its own index alone.
std::vector<bool> read_at_own_index(const Graph& body) {
  const auto nodes = body.nodes();
  std::vector<bool> at_own(nodes.size()), at_other(nodes.size());
  for (const Value& v : body.results()) at_own[v.node->id] = true;
  for (size_t i = nodes.size(); i-- > 0;) {
    const Node& node = *nodes[i];
    if (node.is_parameter()) continue;
    for (const Value& v : node.operands()) {
      if (at_own[i] && node.op->is_pointwise) at_own[v.node->id] = true;
      if (at_other[i] || (at_own[i] && !node.op->is_pointwise)) at_other[v.node->id] = true;
    }
  }
  std::vector<bool> own;
  for (const Node* p : body.parameters()) own.push_back(at_own[p->id] && !at_other[p->id]);
  return own;
}

/// A kernel of elements, and what of its operands it reads at the index of its results alone.
struct ElementKernel {
  const Node* node;
  GraphRef body;
  std::vector<Value> own;
  uint32_t costly = 0;

  bool reads_at_own_index(Value v) const { return std::ranges::find(own, v) != own.end(); }
  bool reads(Value v) const { return std::ranges::find(node->operands(), v) != node->operands().end(); }
};

class Siblings {
 public:
  Siblings(const Graph& graph, std::span<const int> constants)
      : results_(graph.results().begin(), graph.results().end()), is_invariant_(invariant_nodes(graph, constants)) {
    const std::vector<bool> live = ir::live_nodes(graph);
    uses_ = ir::uses_of(graph, live);
    for (const Node* node : graph.nodes()) {
      if (!live[node->id] || node->is_parameter()) continue;
      if (const UpdateInKernel update = update_in(*node); update.node)
        written_over_.insert(written_value(node->operand(update.operand)).node);
      add_kernel(*node);
    }
    for (const auto& [id, kernel] : kernels_) pair_up(kernel);
  }

  /// The kernel that computes what `node` does as well; null: none does.
  const ElementKernel* second_of(const Node& node) const { return found(second_, node); }
  const ElementKernel* first_of(const Node& node) const { return found(first_, node); }
  bool is_empty() const { return second_.empty(); }
  bool is_result(Value v) const { return std::ranges::find(results_, v) != results_.end(); }

 private:
  using Pairs = std::unordered_map<const Node*, const ElementKernel*>;
  static const ElementKernel* found(const Pairs& pairs, const Node& node) {
    const auto at = pairs.find(&node);
    return at == pairs.end() ? nullptr : at->second;
  }

  void add_kernel(const Node& node) {
    GraphRef body = body_of_elements(node);
    if (!body) return;
    ElementKernel kernel{&node, std::move(body), {}};
    const std::vector<bool> at_own = read_at_own_index(*kernel.body);
    for (size_t i = 0; i < at_own.size(); ++i)
      if (const Value v = node.operand(static_cast<int>(i)); at_own[i] && v.rank() > 0) kernel.own.push_back(v);
    kernel.costly = static_cast<uint32_t>(
        std::ranges::count_if(kernel.body->nodes(), [](const Node* n) { return !n->is_parameter() && is_costly(*n); }));
    kernels_.emplace(node.id, std::move(kernel));
  }

  /// With the first kernel behind it that fits.
  void pair_up(const ElementKernel& first) {
    if (first_.contains(first.node) || second_.contains(first.node)) return;
    std::vector<const Node*> seconds;
    for (const Value& v : first.own)
      for (const ir::Use& use : uses_[v.node->id]) seconds.push_back(use.user);
    std::ranges::sort(seconds, {}, &Node::id);
    for (const Node* node : seconds) {
      const auto second = kernels_.find(node->id);
      if (node->id <= first.node->id || second == kernels_.end() || !fits(first, second->second)) continue;
      first_.emplace(node, &first);
      second_.emplace(first.node, &second->second);
      return;
    }
  }

  bool fits(const ElementKernel& first, const ElementKernel& second) const {
    if (first_.contains(second.node) || second_.contains(second.node)) return false;
    if (!std::ranges::equal(first.node->type().shape(), second.node->type().shape())) return false;
    if (first.node->result_count + second.node->result_count > FusionGroups::kMostRoots) return false;
    if (first.costly + second.costly > FusionGroups::kMostCostly) return false;
    if (first.body->nodes().size() + second.body->nodes().size() > kLargestKernel) return false;
    if (is_invariant_[first.node->id] != is_invariant_[second.node->id]) return false;
    return may_wait(first, second) && share_an_array(first, second);
  }

  /// Whether the first can as well be computed where the second stands, and holds no memory for longer then.
  bool may_wait(const ElementKernel& first, const ElementKernel& second) const {
    if (std::ranges::any_of(uses_[first.node->id], [&](const ir::Use& use) { return use.user != second.node; }))
      return false;
    return std::ranges::all_of(first.node->operands(), [&](const Value& v) {
      const bool lives = v.node->is_parameter() || v.rank() == 0 || second.reads(v);
      return lives && !written_over_.contains(written_value(v).node);
    });
  }

  /// Whether both go through the same array, and the second reads what the first makes at its own index, if at all.
  static bool share_an_array(const ElementKernel& first, const ElementKernel& second) {
    for (uint32_t i = 0; i < first.node->result_count; ++i)
      if (const Value v = first.node->result(static_cast<int>(i)); second.reads(v) && !second.reads_at_own_index(v))
        return false;
    return std::ranges::any_of(first.own, [&](const Value& v) { return second.reads_at_own_index(v); });
  }

  std::vector<Value> results_;
  std::vector<std::vector<ir::Use>> uses_;  ///< by node id
  std::vector<bool> is_invariant_;
  std::unordered_set<const Node*> written_over_;  ///< by updates
  std::map<uint32_t, ElementKernel> kernels_;     ///< by node id
  Pairs first_, second_;                          ///< the other of a pair, by the second and by the first
};

/// The kernel that does the work of both, in the place of the second. What the first makes for the second alone is none
/// of its results.
void add_pair(const Siblings& siblings, const ElementKernel& first, const ElementKernel& second, GraphCopier& copier,
              Graph& to) {
  auto body = std::make_shared<Graph>("fusion");
  for (const ir::SymbolFact& fact : to.facts().all()) body->facts().add(fact);
  std::vector<Value> outside, images;  // operands of the new node, and the body's parameters for them
  const auto image_of = [&](Value v) {
    const auto at = std::ranges::find(outside, v);
    if (at != outside.end()) return images[at - outside.begin()];
    outside.push_back(v);
    return images.emplace_back(body->add_parameter(v.type()));
  };
  std::vector<Value> of_first, of_second;
  for (const Value& v : first.node->operands()) of_first.push_back(image_of(v));
  for (const Value& v : second.node->operands())
    if (v.node != first.node) image_of(v);  // parameters stand in front
  const std::vector<Value> made = ir::inline_graph(*first.body, *body, of_first);
  for (const Value& v : second.node->operands())
    of_second.push_back(v.node == first.node ? made[v.index] : image_of(v));
  const std::vector<Value> more = ir::inline_graph(*second.body, *body, of_second);
  std::vector<Value> results, replaced;
  for (int i = 0; i < std::ssize(made); ++i) {
    if (!siblings.is_result(first.node->result(i))) continue;
    results.push_back(made[i]);
    replaced.push_back(first.node->result(i));
  }
  for (int i = 0; i < std::ssize(more); ++i) {
    results.push_back(more[i]);
    replaced.push_back(second.node->result(i));
  }
  body->set_results(results);
  const ir::LocationScope scope(to, second.node->where);
  const GraphRef region = share_nodes(*body);
  const Node* fusion = to.add(ops::kFusion, copier.get(outside), {}, {&region, 1});
  for (int i = 0; i < std::ssize(results); ++i) copier.set(replaced[i], fusion->result(i));
}

/// Null if there are none.
std::unique_ptr<Graph> with_pairs_joined(const Graph& graph, const PassContext& context) {
  const Siblings siblings(graph, context.constants);
  if (siblings.is_empty()) return nullptr;
  return ir::rewrite_graph(graph, [&](const Node& node, GraphCopier& copier, Graph& to) {
    if (siblings.second_of(node)) return true;
    const ElementKernel* first = siblings.first_of(node);
    if (first) add_pair(siblings, *first, *siblings.second_of(*first->node), copier, to);
    return first != nullptr;
  });
}

}  // namespace

std::unique_ptr<Graph> fuse_siblings(const Graph& graph, const PassContext& context) {
  std::unique_ptr<Graph> made = ir::copy_graph(graph);
  if (!ir::counts_before(graph).empty()) return made;
  while (std::unique_ptr<Graph> next = with_pairs_joined(*made, context)) made = std::move(next);
  return made;
}

}  // namespace strata::compiler
