#include "strata/train/layer_costs.h"

#include <map>

namespace strata::train {
namespace {

class Summation {
 public:
  explicit Summation(int64_t batch) : batch_(batch) {}

  void add(const ir::Graph& graph) {
    for (const ir::Node* node : graph.nodes()) {
      if (node->is_parameter()) continue;
      if (!node->regions().empty())
        for (const ir::GraphRef& region : node->regions()) add(*region);
      else
        add(*node);
    }
  }
  std::vector<LayerCost> costs;

 private:
  void add(const ir::Node& node) {
    if (!node.op->cost.fn) return;
    const ir::Cost cost = node.op->cost.fn(node);
    LayerCost& layer = layer_at(node.where.path ? node.where.path : "");
    const double flops = value(cost.flops);
    layer.flops += flops;
    layer.bytes += value(cost.bytes);
    const std::string_view name = node.op->name;
    if (name == "dot" || name == "dot_flushed" || name == "conv") layer.matrix_flops += flops;
  }
  double value(ir::Dim d) const {
    return static_cast<double>(d.evaluate([this](std::string_view) { return batch_; }));
  }
  LayerCost& layer_at(const std::string& path) {
    const auto [it, is_new] = places_.emplace(path, costs.size());
    if (is_new) costs.push_back({.path = path});
    return costs[it->second];
  }

  int64_t batch_;
  std::map<std::string, size_t> places_;
};

}  // namespace

std::vector<LayerCost> layer_costs(const runtime::Executable& program, int64_t batch) {
  Summation sum(batch);
  sum.add(*program.plan().graph);
  return std::move(sum.costs);
}

double matrix_flops(const runtime::Executable& program, int64_t batch) {
  double total = 0;
  for (const LayerCost& layer : layer_costs(program, batch)) total += layer.matrix_flops;
  return total;
}

}  // namespace strata::train
