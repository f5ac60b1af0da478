#include "strata/compiler/explain.h"

#include "strata/compiler/backends/backends.h"
#include "strata/compiler/backends/llvm/code_generator.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/run_passes.h"
#include "strata/ir/loops/text_form.h"
#include "strata/ir/op.h"
#include "strata/ir/rewrite.h"
#include "strata/ir/text/text_form.h"

namespace strata::compiler {
namespace {

bool is_kernel(const ir::Node& node) {
  if (node.op->name == "fusion") return true;
  const Form form = form_of(node);
  return form != Form::Alias && form != Form::Command;
}

KernelExplanation explain_kernel(const ir::Node& node, const ir::Facts& facts, runtime::IsaLevel level,
                                 const llvm_backend::CodeGenerator& generator) {
  KernelExplanation e;
  const Backend& backend = llvm_backend_for(level);
  e.name = kernel_name(node, kernel_identity(node, facts, backend, level));
  e.node = ir::print_node(node);
  for (const ir::GraphRef& region : node.regions()) e.node += "\n" + ir::print_graph(*region);
  const ir::loops::Kernel naive = lower_kernel(node, facts, e.name);
  e.naive = ir::loops::print(naive);
  const ir::loops::Kernel scheduled = schedule(naive, level, &e.notes);
  e.scheduled = ir::loops::print(scheduled);
  if (const auto refusal = backend.refusal(scheduled)) {
    e.refusal = *refusal;
    return e;
  }
  const ir::loops::Kernel* const kernels[] = {&scheduled};
  e.assembly = generator.listing(kernels, level, llvm_backend::Listing::Assembly);
  return e;
}

}  // namespace

std::vector<KernelExplanation> explain(const ir::Graph& graph, runtime::IsaLevel level) {
  const std::shared_ptr<const ir::Graph> fused = run_passes(graph, pipeline()).graph;
  const llvm_backend::CodeGenerator generator;
  const std::vector<bool> live = live_nodes(*fused);
  std::vector<KernelExplanation> kernels;
  for (const ir::Node* node : fused->nodes())
    if (!node->is_parameter() && live[node->id] && node->op->name != "constant" && is_kernel(*node))
      kernels.push_back(explain_kernel(*node, fused->facts(), level, generator));
  return kernels;
}

}  // namespace strata::compiler
