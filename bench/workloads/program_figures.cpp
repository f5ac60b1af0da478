#include "bench/workloads/program_figures.h"

#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/op.h"

namespace strata::bench {

namespace {

double matrix_flops(const ir::Graph& graph, int64_t batch) {
  double total = 0;
  for (const ir::Node* node : graph.nodes()) {
    if (node->is_parameter()) continue;
    for (const ir::GraphRef& region : node->regions()) total += matrix_flops(*region, batch);
    if (node->op->name != "dot" && node->op->name != "dot_flushed" && node->op->name != "conv") continue;
    total += static_cast<double>(node->op->cost.fn(*node).flops.evaluate([&](std::string_view) { return batch; }));
  }
  return total;
}

}  // namespace

double matrix_flops(const runtime::Executable& program, int64_t batch) {
  return matrix_flops(*program.plan().graph, batch);
}

double all_flops(const runtime::Executable& program, int64_t batch) {
  double total = 0;
  for (const ir::PlanCommand& c : program.plan().commands)
    total += static_cast<double>(c.cost.flops.evaluate([&](std::string_view) { return batch; }));
  return total;
}

double least_bytes(const runtime::Executable& program, int64_t batch) {
  const ir::Plan& plan = program.plan();
  double total = 0;
  const auto add = [&](int buffer) {
    total += static_cast<double>(plan.buffers[buffer].type.bytes().evaluate([&](std::string_view) { return batch; }));
  };
  for (size_t a = 0; a < plan.given_arguments(); ++a) add(plan.arguments[a]);
  for (const int r : plan.results) add(r);
  return total;
}

namespace {

std::vector<std::vector<int64_t>> argument_shapes(const runtime::Executable& program, int64_t batch) {
  std::vector<std::vector<int64_t>> shapes;
  for (const int argument : program.plan().arguments) {
    std::vector<int64_t>& shape = shapes.emplace_back();
    for (const ir::Dim d : program.plan().buffers[argument].type.shape())
      shape.push_back(d.evaluate([&](std::string_view) { return batch; }));
  }
  return shapes;
}

}  // namespace

runtime::MemoryUse memory_use(const runtime::Executable& program, int64_t batch) {
  return program.memory_use(argument_shapes(program, batch));
}

compiler::MemoryPeak memory_peak(const runtime::Executable& program, int64_t batch) {
  return compiler::memory_peak(program, argument_shapes(program, batch));
}

}  // namespace strata::bench
