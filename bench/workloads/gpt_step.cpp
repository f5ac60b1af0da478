#include "bench/workloads/gpt_step.h"

#include "bench/workloads/first_call.h"
#include "strata/machine/cpu_target.h"

namespace strata::bench {
namespace {

/// The products of bf16 by the CPU's instruction for them, where it has one, as PyTorch's are.
transform::Algorithms algorithms_of(DType precision) {
  const bool has_instruction = machine::chosen_cpu_target().vectors.has_half_dots;
  return {.dot =
              precision == DType::bf16 && has_instruction ? ops::DotAlgorithm::FlushedBf16 : ops::DotAlgorithm::Direct};
}

models::Gpt initialised(const models::GptConfig& config) {
  models::Gpt model(config);
  nn::init(model, Key(0));
  return model;
}

}  // namespace

GptStep::GptStep(const GptSize& size, std::optional<int64_t> memory_budget_bytes, optim::Commit commit)
    : model_(initialised(size.model)),
      optimiser_(optim::AdamW{.lr = 3e-4, .commit = commit}.start(model_)),
      x_BT_(random_integers(Key(1), {size.batch, size.length}, 0, size.model.vocabulary, DType::i64)),
      y_BT_(random_integers(Key(2), {size.batch, size.length}, 0, size.model.vocabulary, DType::i64)),
      step_(jit(Step{size.precision}, {.name = "gpt_step",
                                       .memory_budget_bytes = memory_budget_bytes,
                                       .algorithms = algorithms_of(size.precision)})) {
  x_BT_.evaluate();
  y_BT_.evaluate();
}

GptSize gpt2_size(int64_t layers) {
  return {.model = {.layers = layers, .width = 768, .heads = 12, .vocabulary = 50257, .context = 1024}, .length = 32};
}

base::Json torch_setup(const GptSize& size) {
  return base::Json::object()
      .set("workload", "gpt")
      .set("batch", size.batch)
      .set("layers", size.model.layers)
      .set("width", size.model.width)
      .set("heads", size.model.heads)
      .set("vocabulary", size.model.vocabulary)
      .set("context", size.length)
      .set("precision", std::string(ir::dtype_name(size.precision)));
}

base::Json measure_gpt_compile(GptSize size) {
  size.batch = 1;  // a symbol of the program: one sequence runs the same code as sixteen
  GptStep step(size);
  return measure_first_call(step);
}

}  // namespace strata::bench
