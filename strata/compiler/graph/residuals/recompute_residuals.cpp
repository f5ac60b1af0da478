#include "strata/compiler/graph/residuals/recompute_residuals.h"

#include <algorithm>
#include <map>

#include "strata/compiler/graph/residuals/residuals.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"

namespace strata::compiler {

using ir::Node;
using ir::Value;

std::unique_ptr<ir::Graph> recompute_residuals(const ir::Graph& graph) {
  const Residuals residuals(graph, forms_of(graph));
  const auto& again = residuals.again();
  std::map<std::pair<const Node*, int>, Value> images;  // of what is computed again, by node and level of its users
  return ir::rewrite_graph(graph, [&](const Node& node, ir::GraphCopier& copier, ir::Graph& to) {
    const int level = residuals.level(node);
    const auto here = again.find(level);
    if (here == again.end()) return false;
    const auto is_again = [&](const Value& v) {
      return here->second.contains(v.node) && residuals.is_late(node, *v.node);
    };
    if (std::ranges::none_of(node.operands(), is_again)) return false;
    const auto image = [&](auto& self, const Value& v) -> Value {
      if (!here->second.contains(v.node)) return copier.get(v);
      const auto [at, is_new] = images.try_emplace({v.node, level});
      if (!is_new) return at->second;
      std::vector<Value> operands;
      for (const Value& operand : v.node->operands()) operands.push_back(self(self, operand));
      const ir::LocationScope scope(to, v.node->where);
      return images[{v.node, level}] = to.add(*v.node->op, operands, v.node->attrs.all(), v.node->regions())->result();
    };
    std::vector<Value> operands;
    for (const Value& v : node.operands()) operands.push_back(is_again(v) ? image(image, v) : copier.get(v));
    const ir::LocationScope scope(to, node.where);
    const Node* made = to.add(*node.op, operands, node.attrs.all(), node.regions());
    for (uint32_t i = 0; i < node.result_count; ++i) copier.set(node.result(i), made->result(i));
    return true;
  });
}

}  // namespace strata::compiler
