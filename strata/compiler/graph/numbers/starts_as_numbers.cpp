#include "strata/compiler/graph/numbers/starts_as_numbers.h"

#include <algorithm>

#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::Node;
using ir::Value;

namespace {

/// A program that cuts more often is unrolled; its blocks are cut by the host, which a block at a number can't be.
constexpr int64_t kMostBlocks = 64;

bool all_are(std::span<const Dim> dims, int64_t number) {
  return std::ranges::all_of(dims, [&](Dim d) { return d == Dim(number); });
}

bool are_places(std::span<const Dim> dims) {
  return std::ranges::all_of(dims, [](Dim d) { return d.is_constant() && d.constant() >= 0; });
}

bool is_block(const Node& n) {
  if (n.op == &ops::kSlice) return are_places(n.attrs.dims("start")) && all_are(n.attrs.dims("stride"), 1);
  return n.op == &ops::kPad && are_places(n.attrs.dims("lo")) && are_places(n.attrs.dims("hi")) &&
         all_are(n.attrs.dims("interior"), 0);
}

std::vector<Value> numbers(ir::Graph& graph, std::span<const Dim> dims) {
  std::vector<Value> made;
  for (Dim d : dims) made.push_back(ops::scalar(graph, ir::DType::i64, d.constant()));
  return made;
}

}  // namespace

std::shared_ptr<ir::Graph> with_starts_as_numbers(const ir::Graph& graph) {
  const auto blocks = std::ranges::count_if(graph.nodes(), [](const Node* n) { return is_block(*n); });
  if (blocks == 0 || blocks > kMostBlocks) return nullptr;
  return ir::rewrite_graph(graph, [](const Node& n, ir::GraphCopier& copier, ir::Graph& to) {
    if (!is_block(n)) return false;
    const Value x = copier.get(n.operand(0));
    const auto shape = ops::shape_of(n.type());
    if (n.op == &ops::kSlice) {
      copier.set(n.result(), ops::dynamic_slice(x, numbers(to, n.attrs.dims("start")), shape));
    } else {
      const Value around = copier.get(n.operand(1));
      copier.set(n.result(), ops::dynamic_pad(x, around, numbers(to, n.attrs.dims("lo")), shape));
    }
    return true;
  });
}

}  // namespace strata::compiler
