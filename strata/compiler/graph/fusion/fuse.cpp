#include "strata/compiler/graph/fusion/fuse.h"

#include <algorithm>
#include <map>
#include <utility>

#include "strata/compiler/graph/fusion/fusion_groups.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/creation/creation.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;

namespace {

/// Makes the region of one group: parameters for what comes from outside, the group's nodes, and the roots that are
/// used outside. Its map holds what the group touches and no more: there may be thousands of groups.
struct RegionMaker {
  const Graph& graph;
  const FusionGroups& groups;
  const FusionGroup& group;
  std::unique_ptr<Graph> region = std::make_unique<Graph>("fusion");
  std::map<std::pair<uint32_t, uint32_t>, Value> images;  ///< by node and index
  std::vector<Value> outside;                             ///< operands of the fusion node
  std::vector<Value> results;                             ///< values of `graph` that it defines

  static std::pair<uint32_t, uint32_t> key(Value v) { return {v.node->id, v.index}; }
  std::vector<Value> images_of(std::span<const Value> values) const {
    std::vector<Value> list;
    for (const Value& v : values) list.push_back(images.at(key(v)));
    return list;
  }

  static Value barrier_behind(Value v) { return ops::barrier({&v, 1})[0]; }

  void visit(Value v) {
    if (images.contains(key(v))) return;
    const bool is_member = std::find(group.roots.begin(), group.roots.end(), v.node) != group.roots.end();
    if (!is_member && !groups.is_inlined(*v.node)) {
      images.emplace(key(v), region->add_parameter(v.type()));
      outside.push_back(v);
      return;
    }
    for (const Value& operand : v.node->operands()) visit(operand);
    const ir::LocationScope scope(*region, v.node->where);
    const Node* image = region->add(*v.node->op, images_of(v.node->operands()), v.node->attrs.all(), v.node->regions());
    for (uint32_t i = 0; i < image->result_count; ++i) images.emplace(key(v.node->result(i)), image->result(i));
  }

  void make() {
    for (const ir::SymbolFact& fact : graph.facts().all()) region->facts().add(fact);
    for (const Node* root : group.roots) {
      for (uint32_t i = 0; i < root->result_count; ++i) visit(root->result(i));
      if (groups.is_kept_for_row(*root, group) && !groups.is_used_outside(root->result(), group))
        images.at(key(root->result())) = barrier_behind(images.at(key(root->result())));
      for (uint32_t i = 0; i < root->result_count; ++i)
        if (groups.is_used_outside(root->result(i), group) || groups.is_stored_for_rows(*root, group))
          results.push_back(root->result(i));
    }
    region->set_results(images_of(results));
  }
};

}  // namespace

std::unique_ptr<Graph> fuse(const Graph& graph, const PassContext& context) {
  const FusionGroups groups(graph, context.constants);
  auto result = std::make_unique<Graph>(graph.name());
  GraphCopier copier(graph, *result);
  copier.copy_parameters();
  for (const FusionGroup& group : groups.in_order()) {
    const Node& last = *group.roots.back();
    const ir::LocationScope scope(*result, last.where);
    const bool is_alone =
        group.roots.size() == 1 && std::none_of(last.operands().begin(), last.operands().end(),
                                                [&](const Value& v) { return groups.is_inlined(*v.node); });
    if (is_alone) {
      copier.copy(last);
      continue;
    }
    RegionMaker maker{.graph = graph, .groups = groups, .group = group};
    maker.make();
    const std::vector<Value> operands = copier.get(maker.outside);
    const ir::GraphRef region = std::move(maker.region);
    const Node* fusion = result->add(ops::kFusion, operands, {}, {&region, 1});
    for (size_t i = 0; i < maker.results.size(); ++i) copier.set(maker.results[i], fusion->result(i));
  }
  copier.copy_results();
  return result;
}

}  // namespace strata::compiler
