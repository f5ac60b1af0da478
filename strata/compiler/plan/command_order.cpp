#include "strata/compiler/plan/command_order.h"

#include <algorithm>

#include "strata/compiler/lower/form.h"
#include "strata/ir/op.h"
#include "strata/ops/value_checks.h"

namespace strata::compiler {
namespace {

using ir::Node;

/// Nodes that some node which can fail needs, itself included.
std::vector<bool> needed_by_what_fails(const OrderRequest& request) {
  std::vector<bool> is_needed = request.fails;
  for (auto n = request.nodes.rbegin(); n != request.nodes.rend(); ++n)
    if (is_needed[(*n)->id])
      for (const ir::Value& v : (*n)->operands()) is_needed[v.node->id] = true;
  return is_needed;
}

}  // namespace

bool can_fail(const Node& node, bool is_kernel) { return !is_kernel || ops::has_value_check(node); }

ir::Value written_value(ir::Value v) {
  while (!v.node->is_parameter() && v.node->op->name != "fusion" && v.node->op->name != "constant" &&
         form_of(*v.node) == Form::Alias)
    v = v.node->operand(0);
  return v;
}

std::vector<const Node*> order_commands(const OrderRequest& request) {
  std::vector<const Node*> order(request.nodes.begin(), request.nodes.end());
  const auto behind_last =
      std::find_if(order.rbegin(), order.rend(), [&](const Node* n) { return request.fails[n->id]; }).base();
  if (behind_last == order.begin() || request.donations.empty()) return order;
  const std::vector<bool> is_needed = needed_by_what_fails(request);
  std::vector<bool> is_put_off(request.graph.nodes().size());
  for (const ir::Donation& d : request.donations) {
    const Node* writer = written_value(request.graph.results()[static_cast<size_t>(d.result)]).node;
    if (!writer->is_parameter() && !is_needed[writer->id]) is_put_off[writer->id] = true;
  }
  for (const Node* n : order)
    if (std::ranges::any_of(n->operands(), [&](const ir::Value& v) { return is_put_off[v.node->id]; }))
      is_put_off[n->id] = true;
  std::stable_partition(order.begin(), behind_last, [&](const Node* n) { return !is_put_off[n->id]; });
  return order;
}

}  // namespace strata::compiler
