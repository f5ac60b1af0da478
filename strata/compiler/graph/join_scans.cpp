#include "strata/compiler/graph/join_scans.h"

#include <algorithm>
#include <map>

#include "strata/compiler/run_passes.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/scan_parts.h"
#include "strata/ops/control/value_checks.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::GraphRef;
using ir::Node;
using ir::Value;

namespace {

bool same_operands(const Node& a, const Node& b) {
  const bool same = std::ranges::equal(a.operands(), b.operands());
  return same && std::ranges::equal(a.attrs.all(), b.attrs.all(), {}, &ir::Attr::hash, &ir::Attr::hash);
}

/// The body of a scan that does the work of both: the carries, the stacked results of the first, then of the second.
/// Null if their states may differ.
GraphRef joined_body(const Node& scan, const GraphRef& first, const GraphRef& second, const PassContext& context) {
  const ptrdiff_t carries = ops::ScanParts(scan).carries;
  std::vector<ir::Type> types;
  for (const Node* p : first->parameters()) types.push_back(p->type());
  const GraphRef both = ops::make_region(first->name(), types, [&](Graph& g, const std::vector<Value>& p) {
    std::vector<Value> results = ir::inline_graph(*first, g, p);
    const std::vector<Value> more = ir::inline_graph(*second, g, p);
    results.insert(results.end(), more.begin(), more.end());
    return results;
  });
  const std::span<const Pass> passes = pipeline();
  const size_t fusing = std::ranges::find(passes, "fuse", &Pass::name) - passes.begin();
  const GraphRef shared =
      run_passes(*both, passes.first(fusing),
                 {.disabled = {context.disabled.begin(), context.disabled.end()}, .target = context.target})
          .graph;
  const auto all = shared->results();
  const auto of_second = all.begin() + std::ssize(first->results());
  if (!std::equal(all.begin(), all.begin() + carries, of_second)) return nullptr;
  std::vector<Value> results(all.begin(), of_second);
  results.insert(results.end(), of_second + carries, all.end());
  return ir::copy_graph_with_results(*shared, results);
}

/// A scan that stands for several, and where the stacked results of each begin among its own.
struct JoinedScan {
  GraphRef body;
  std::vector<std::pair<const Node*, size_t>> members;
  const Node* made = nullptr;  ///< in the new graph
};

/// By the id of the first of them.
std::map<uint32_t, JoinedScan> scans_to_join(const Graph& graph, const PassContext& context) {
  std::map<uint32_t, JoinedScan> found;
  std::vector<const Node*> firsts;
  const std::vector<bool> live = ir::live_nodes(graph);
  for (const Node* node : graph.nodes()) {
    if (!live[node->id] || node->op != &ops::kScan || ops::has_value_check(*node)) continue;
    bool is_joined = false;
    for (const Node* first : firsts) {
      if (!same_operands(*first, *node)) continue;
      JoinedScan& scan = found[first->id];
      if (scan.members.empty()) scan = {first->regions()[0], {{first, ops::ScanParts(*first).carries}}};
      GraphRef body = joined_body(*node, scan.body, node->regions()[0], context);
      if (!body) continue;
      scan.members.emplace_back(node, scan.body->results().size());
      scan.body = std::move(body);
      is_joined = true;
      break;
    }
    if (!is_joined) firsts.push_back(node);
  }
  std::erase_if(found, [](const auto& entry) { return entry.second.members.size() < 2; });
  return found;
}

void map_results(const Node& member, size_t stacked, const Node& made, GraphCopier& copier) {
  const size_t carries = ops::ScanParts(member).carries;
  for (size_t r = 0; r < member.result_count; ++r) {
    const size_t at = r < carries ? r : stacked + r - carries;
    copier.set(member.result(r), made.result(at));
  }
}

}  // namespace

std::unique_ptr<Graph> join_scans(const Graph& graph, const PassContext& context) {
  std::map<uint32_t, JoinedScan> joined = scans_to_join(graph, context);
  std::map<uint32_t, JoinedScan*> scan_of;  // by the ids of its members
  for (auto& [first, scan] : joined)
    for (const auto& [member, stacked] : scan.members) scan_of[member->id] = &scan;
  return ir::rewrite_graph(graph, [&](const Node& node, GraphCopier& copier, Graph& to) {
    const auto found = scan_of.find(node.id);
    if (found == scan_of.end()) return false;
    JoinedScan& scan = *found->second;
    if (!scan.made) {
      const ir::LocationScope scope(to, node.where);
      scan.made = to.add(*node.op, copier.get(node.operands()), node.attrs.all(), {&scan.body, 1});
    }
    for (const auto& [member, stacked] : scan.members)
      if (member == &node) map_results(node, stacked, *scan.made, copier);
    return true;
  });
}

}  // namespace strata::compiler
