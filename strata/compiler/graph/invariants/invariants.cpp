#include "strata/compiler/graph/invariants/invariants.h"

#include <algorithm>

#include "strata/compiler/lower/form.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/control/value_checks.h"

namespace strata::compiler {

using ir::Graph;
using ir::Node;

namespace {

bool may_run_at_another_time(const Node& node) {
  if (node.op->effect != ir::Effect::None || ops::has_value_check(node)) return false;
  return node.regions().empty() || node.op == &ops::kFusion || ops::is_composite(node);
}

bool is_literal(const Node& node) { return node.op && node.operand_count == 0; }

/// Elements of the node's results; -1 where they aren't a number.
int64_t elements_of(const Node& node) {
  int64_t total = 0;
  for (ir::Type t : node.types()) {
    const ir::Dim elements = ir::product(t.shape());
    if (!elements.is_constant()) return -1;
    total += elements.constant();
  }
  return total;
}

/// Whether more happens in a node than that elements are put elsewhere.
bool computes(const Node& node) {
  if (node.op->is_pointwise) return true;
  const Form form = form_of(node);
  return form == Form::Reduction || form == Form::Contraction || form == Form::Loops;
}

}  // namespace

std::vector<bool> invariant_nodes(const Graph& graph, std::span<const int> constants) {
  std::vector<bool> is_invariant(graph.nodes().size());
  if (constants.empty()) return is_invariant;
  std::vector<bool> is_constant(graph.nodes().size());
  for (int i : constants) is_constant[graph.parameters()[i]->id] = true;
  const ir::CountBounds counts(graph);
  for (const Node* node : graph.nodes()) {
    if (node->is_parameter() || is_literal(*node) || !may_run_at_another_time(*node)) continue;
    if (!counts.empty() && counts.is_mentioned_by(*node)) continue;  // a count is data of the run
    bool has_constant = false, has_other = false;
    for (const ir::Value& v : node->operands()) {
      const bool is_of_constants = is_constant[v.node->id] || is_invariant[v.node->id];
      has_constant = has_constant || is_of_constants;
      has_other = has_other || !(is_of_constants || is_literal(*v.node));
    }
    is_invariant[node->id] = has_constant && !has_other;
  }
  return is_invariant;
}

std::vector<bool> invariants_to_keep(const Graph& graph, std::span<const int> constants) {
  std::vector<bool> is_kept = invariant_nodes(graph, constants);
  if (constants.empty()) return is_kept;
  const size_t n = graph.nodes().size();
  std::vector<int64_t> largest(n);  // of the parameters that a node depends on
  std::vector<bool> is_computed(n), is_read(n), is_multiplied(n);
  for (const Node* node : graph.nodes()) {
    if (node->is_parameter()) largest[node->id] = elements_of(*node);
    if (!is_kept[node->id]) continue;
    is_computed[node->id] = computes(*node);
    for (const ir::Value& v : node->operands()) {
      largest[node->id] = std::max(largest[node->id], largest[v.node->id]);
      if (is_computed[v.node->id]) is_computed[node->id] = true;
    }
  }
  // From the end: what is read by the rest and isn't worth keeping is part of the rest.
  for (const ir::Value& v : graph.results()) is_read[v.node->id] = true;
  const std::vector<bool> live = ir::live_nodes(graph);
  for (size_t i = n; i-- > 0;) {
    const Node& node = *graph.nodes()[i];
    if (node.is_parameter() || !live[i]) continue;
    const int64_t elements = elements_of(node);
    const bool is_worth_it = is_computed[i] && elements >= 0 && (elements <= largest[i] || is_multiplied[i]);
    if (is_read[i] && !is_worth_it) is_kept[i] = false;
    if (is_kept[i]) continue;
    const bool is_product = node.regions().empty() && form_of(node) == Form::Contraction;
    for (const ir::Value& v : node.operands()) {
      is_read[v.node->id] = true;
      is_multiplied[v.node->id] = is_multiplied[v.node->id] || is_product;
    }
  }
  return is_kept;
}

}  // namespace strata::compiler
