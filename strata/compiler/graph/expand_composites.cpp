#include "strata/compiler/graph/expand_composites.h"

#include <fmt/format.h>

#include "strata/compiler/backends/target.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/composites/computed_form.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;

namespace {

bool is_claimed(const Node& composite, const ir::Location& place, const PassContext& context) {
  if (!context.target) return false;
  const std::optional<std::string> refusal = context.target->composite_refusal(composite);
  if (refusal && context.remarks) {
    const std::string where = place.str();
    context.remarks->push_back(fmt::format("{}{}{}: expanded, {}: {}", ops::composite_name(composite),
                                           where.empty() ? "" : " at ", where, context.target->name(), *refusal));
  }
  return !refusal;
}

/// A call that a body brings in (a formula with a derivative of its own) is put in its place, too.
bool is_expanded(const Node& node, const ir::Location& place, const PassContext& context) {
  return ops::is_composite(node) ? !is_claimed(node, place, context) : node.op->is_call;
}

void put(const Node& node, GraphCopier& copier, Graph& to, const PassContext& context) {
  if (is_expanded(node, to.location(), context)) {
    const ir::GraphRef other = ops::is_composite(node) ? ops::computed_form(node, to.facts()) : nullptr;
    return ops::append_body(node, other ? *other : node.region(0), copier, to,
                            [&](const Node& n, GraphCopier& inner) { put(n, inner, to, context); });
  }
  std::vector<ir::GraphRef> regions;
  for (const ir::GraphRef& region : node.regions())
    regions.push_back(ops::is_composite(node) || !region->has_calls() ? region : expand_composites(*region, context));
  copier.copy(node, regions);
}

}  // namespace

std::unique_ptr<Graph> expand_composites(const Graph& graph, const PassContext& context) {
  return ir::rewrite_graph(graph, [&](const Node& node, GraphCopier& copier, Graph& to) {
    put(node, copier, to, context);
    return true;
  });
}

}  // namespace strata::compiler
