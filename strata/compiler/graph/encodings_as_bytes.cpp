#include "strata/compiler/graph/encodings_as_bytes.h"

#include <algorithm>

#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/encoding/encoding.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;

namespace {

/// What a movement made of bytes before is read there.
Value bytes_of(Value v) { return v.node->op == &ops::kFromEncodedBytes ? v.node->operand(0) : ops::encoded_bytes(v); }

bool moves_blocks(const Node& node) {
  return !node.is_parameter() && node.op->encoded && node.op->encoded->on_bytes &&
         std::ranges::any_of(node.operands(), [](const Value& v) { return v.type().is_encoded(); });
}

}  // namespace

std::unique_ptr<Graph> encodings_as_bytes(const Graph& graph) {
  const auto moved = rewrite_graph(graph, [](const Node& node, GraphCopier& copier, Graph& to) {
    if (node.op == &ops::kEncodedBytes && copier.get(node.operand(0)).node->op == &ops::kFromEncodedBytes) {
      copier.set(node.result(), bytes_of(copier.get(node.operand(0))));
      return true;
    }
    if (!moves_blocks(node)) return false;
    const ir::LocationScope scope(to, node.where);
    std::vector<Value> operands;
    for (const Value& v : node.operands())
      operands.push_back(v.type().is_encoded() ? bytes_of(copier.get(v)) : copier.get(v));
    const ir::Type type = node.type();
    copier.set(node.result(), ops::from_encoded_bytes(node.op->encoded->on_bytes(node, operands), type.encoding(),
                                                      ir::Shape(type.shape().begin(), type.shape().end())));
    return true;
  });
  return copy_graph(*moved);
}

}  // namespace strata::compiler
