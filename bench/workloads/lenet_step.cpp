#include "bench/workloads/lenet_step.h"

namespace strata::bench {

LeNetStep::LeNetStep(int64_t batch)
    : model_(nn::init<models::LeNet>(Key(0))),
      optimiser_(optim::Sgd{.lr = 0.01, .momentum = 0.9}.start(model_)),
      x_BCHW_(uniform(Key(1), {batch, 1, 28, 28})),
      y_B_(random_integers(Key(2), {batch}, 0, 10, DType::i64)) {
  x_BCHW_.evaluate();
  y_B_.evaluate();
}

namespace {

double matrix_flops(const ir::Graph& graph, int64_t batch) {
  double total = 0;
  for (const ir::Node* node : graph.nodes()) {
    if (node->is_parameter()) continue;
    for (const ir::GraphRef& region : node->regions()) total += matrix_flops(*region, batch);
    if (node->op->name != "dot" && node->op->name != "conv") continue;
    total += static_cast<double>(node->op->cost.fn(*node).flops.evaluate([&](std::string_view) { return batch; }));
  }
  return total;
}

}  // namespace

double matrix_flops(const runtime::Executable& program, int64_t batch) {
  return matrix_flops(*program.plan().graph, batch);
}

runtime::MemoryUse memory_use(const runtime::Executable& program, int64_t batch) {
  std::vector<std::vector<int64_t>> shapes;
  for (const int argument : program.plan().arguments) {
    std::vector<int64_t>& shape = shapes.emplace_back();
    for (const Dim d : program.plan().buffers[argument].type.shape())
      shape.push_back(d.evaluate([&](std::string_view) { return batch; }));
  }
  return program.memory_use(shapes);
}

}  // namespace strata::bench
