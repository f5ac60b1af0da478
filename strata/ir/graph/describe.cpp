#include "strata/ir/graph/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "strata/ir/graph/op.h"

namespace strata::ir {

std::vector<std::string> parameter_symbols(const Graph& graph) {
  std::vector<std::string> symbols;
  for (const Node* parameter : graph.parameters())
    for (const Dim d : parameter->type().shape()) d.collect_symbols(symbols);
  return symbols;
}

std::string op_at(const Node& node) {
  const std::string where = node.where.str();
  return std::string(node.op->name) + (where.empty() ? "" : " at " + where);
}

std::string ops_within(const Node& node) {
  constexpr std::string_view kPlain[] = {"broadcast", "reshape", "constant", "cast", "slice", "transpose"};
  if (node.op->name != "fusion") return std::string(node.op->name);
  std::vector<std::string_view> names;
  for (const Node* inner : node.region(0).nodes())
    if (!inner->is_parameter() && std::ranges::find(kPlain, inner->op->name) == std::end(kPlain) &&
        std::ranges::find(names, inner->op->name) == names.end())
      names.push_back(inner->op->name);
  return names.empty() ? "fusion" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace strata::ir
