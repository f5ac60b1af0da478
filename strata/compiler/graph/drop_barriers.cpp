#include "strata/compiler/graph/drop_barriers.h"

#include "strata/ir/graph/rewrite.h"
#include "strata/ops/creation/creation.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> drop_barriers(const ir::Graph& graph) {
  return rewrite_graph(graph, [](const ir::Node& node, ir::GraphCopier& copier, ir::Graph&) {
    if (node.op != &ops::kBarrier) return false;
    for (uint32_t i = 0; i < node.result_count; ++i) copier.set(node.result(i), copier.get(node.operand(i)));
    return true;
  });
}

}  // namespace strata::compiler
