#include "strata/transform/regions.h"

#include "strata/ir/rewrite.h"
#include "strata/transform/tangents.h"

namespace strata::transform {

using ir::Graph;
using ir::Value;

ir::GraphRef jvp_region(const Graph& region, std::span<const bool> has_tangent, std::vector<bool>& result_has_tangent) {
  auto result = std::make_shared<Graph>(region.name() + ".jvp");
  ir::GraphCopier copier(region, *result);
  copier.copy_parameters();
  Tangents tangents(*result);
  for (size_t i = 0; i < has_tangent.size(); ++i)
    if (has_tangent[i]) {
      const Value primal = result->parameter(static_cast<int>(i));
      tangents.set(primal, result->add_parameter(primal.type(), "d_" + std::string(region.parameter_name(static_cast<int>(i)))));
    }
  for (const ir::Node* node : region.nodes())
    if (!node->is_parameter()) tangents.push_through(*copier.copy(*node));
  std::vector<Value> results = copier.get(region.results());
  result_has_tangent.assign(results.size(), false);
  for (size_t i = 0, n = results.size(); i < n; ++i)
    if (const Value t = tangents.find(results[i])) {
      result_has_tangent[i] = true;
      results.push_back(t);
    }
  result->set_results(results);
  return result;
}

}  // namespace strata::transform
