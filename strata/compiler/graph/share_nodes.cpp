#include "strata/compiler/graph/share_nodes.h"

#include <unordered_map>

#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/scan_parts.h"
#include "strata/ops/control/value_checks.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;

namespace {

/// How often each result of a node is used, or of one that is equal to it.
using UsesByHash = std::unordered_map<base::Hash128, std::vector<uint32_t>, base::Hash128Hasher>;

UsesByHash uses_by_hash(const Graph& graph) {
  const std::vector<std::vector<uint32_t>> of_nodes = ir::use_counts(graph);
  UsesByHash uses;
  for (const Node* n : graph.nodes()) {
    if (n->is_parameter() || of_nodes[n->id].empty()) continue;
    std::vector<uint32_t>& sums = uses[n->hash];
    sums.resize(n->result_count);
    for (uint32_t r = 0; r < n->result_count; ++r) sums[r] += of_nodes[n->id][r];
  }
  return uses;
}

/// By result of a scan, which of its results stands for it; -1: nothing reads it. Carries stay.
std::vector<int> kept_results(const Node& scan, const std::vector<uint32_t>& uses) {
  const size_t carries = ops::ScanParts(scan).carries;
  const std::span<const Value> of_step = scan.region(0).results();
  std::vector<int> kept(scan.result_count, -1);
  for (size_t r = 0; r < kept.size(); ++r) {
    if (r >= carries && uses[r] == 0) continue;
    kept[r] = static_cast<int>(r);
    for (size_t first = carries; first < r; ++first)
      if (r >= carries && kept[first] == static_cast<int>(first) && of_step[first] == of_step[r])
        kept[r] = static_cast<int>(first);
  }
  return kept;
}

/// Appends a scan without the results that have another one, or no reader.
void add_smaller_scan(const Node& scan, const std::vector<int>& kept, GraphCopier& copier, Graph& to) {
  std::vector<Value> results;
  std::vector<int> place(kept.size(), -1);
  for (size_t r = 0; r < kept.size(); ++r) {
    if (kept[r] != static_cast<int>(r)) continue;
    place[r] = static_cast<int>(results.size());
    results.push_back(scan.region(0).results()[r]);
  }
  const ir::GraphRef step = ir::copy_graph_with_results(scan.region(0), results);
  const ir::LocationScope scope(to, scan.where);
  const Node* made = to.add(*scan.op, copier.get(scan.operands()), scan.attrs.all(), {&step, 1});
  for (size_t r = 0; r < kept.size(); ++r)
    if (kept[r] >= 0) copier.set(scan.result(r), made->result(place[kept[r]]));
}

}  // namespace

std::unique_ptr<Graph> share_nodes(const Graph& graph) {
  std::unordered_map<base::Hash128, const Node*, base::Hash128Hasher> first;
  UsesByHash uses = uses_by_hash(graph);
  return rewrite_graph(graph, [&](const Node& node, GraphCopier& copier, Graph& to) {
    if (node.op->effect != ir::Effect::None) return false;
    // The 128-bit hash covers op, operands, attributes, regions and types, so equal hashes are equal nodes.
    auto [it, is_new] = first.emplace(node.hash, &node);
    if (is_new && node.op == &ops::kScan && !ops::has_value_check(node)) {
      const std::vector<int> kept = kept_results(node, uses[node.hash]);
      for (size_t r = 0; r < kept.size(); ++r)
        if (kept[r] != static_cast<int>(r)) return add_smaller_scan(node, kept, copier, to), true;
    }
    if (is_new) return false;
    for (uint32_t i = 0; i < node.result_count; ++i)
      if (const Value v = copier.find(it->second->result(i))) copier.set(node.result(i), v);
    return true;
  });
}

}  // namespace strata::compiler
