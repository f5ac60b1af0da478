#include "strata/compiler/program_kernels.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/environment/variables.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/loop/schedule_database.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/run_passes.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/creation/creation.h"

namespace strata::compiler {

using ir::Node;

namespace {

bool is_strict_by_environment() {
  const std::string word = base::environment("STRATA_STRICT").value_or("");
  if (word.empty() || word == "0" || word == "1") return word == "1";
  throw base::Error(base::code::kAttributeValue, fmt::format("STRATA_STRICT is '{}', expected 0 or 1", word));
}

/// Whether a node becomes one kernel: not an alias, nor a command of the host. Composites are still there where the
/// target claimed them, and where their pass was disabled.
bool is_kernel(const Node& node, Form form, const Target& target) {
  if (node.op == &ops::kFusion) return true;
  if (ops::is_composite(node)) return !target.composite_refusal(node);
  return form != Form::Alias && form != Form::Command;
}

/// The constants that are left: what is donated changes.
std::vector<int> constants_of(const ir::Graph& graph, const CompileOptions& options) {
  std::vector<int> constants;
  for (int i : options.constants) {
    if (i < 0 || i >= std::ssize(graph.parameters()))
      throw base::Error(base::code::kAttributeValue, fmt::format("{}: constant {} is none of its {} parameters",
                                                                 graph.name(), i, graph.parameters().size()));
    const bool is_donated =
        std::ranges::any_of(options.donations, [&](const ir::Donation& d) { return d.argument == i; });
    if (!is_donated && std::ranges::find(constants, i) == constants.end()) constants.push_back(i);
  }
  return constants;
}

}  // namespace

const Target& target_of(const CompileOptions& options) { return options.target ? *options.target : chosen_target(); }

CompileOptions options_of_parts(const CompileOptions& options) {
  CompileOptions inner = options;
  inner.donations.clear();
  inner.finite.clear();
  inner.constants.clear();
  inner.memory_budget_bytes.reset();
  return inner;
}

FinishedProgram finish_program(const ir::Graph& graph, const CompileOptions& options) {
  const std::vector<int> constants = constants_of(graph, options);
  FinishedProgram made;
  PassResults passed = run_passes(graph, pipeline(),
                                  {.disabled = options.disabled_passes,
                                   .dump_folder = dump_folder_from_environment(graph),
                                   .target = &target_of(options),
                                   .constants = constants,
                                   .regions = &made.regions,
                                   .keep_before = std::string(kFusingPass)});
  made.unfused = std::move(passed.kept);
  made.graph = std::move(passed.graph);
  made.remarks = std::move(passed.remarks);
  if (constants.empty()) return made;
  Prologue parts = split_prologue(*made.graph, constants, graph.parameters().size());
  made.graph = std::move(parts.rest);
  made.prologue = std::move(parts.values);
  return made;
}

std::vector<ProgramNode> nodes_of_program(const ir::Graph& graph, const Target& target) {
  std::vector<ProgramNode> nodes;
  const std::vector<bool> live = ir::live_nodes(graph);
  const std::vector<Form> forms = forms_of(graph);
  for (const Node* node : graph.nodes())
    if (!node->is_parameter() && live[node->id] && node->op != &ops::kConstant) {
      const bool becomes_kernel = is_kernel(*node, forms[node->id], target);
      if (becomes_kernel || forms[node->id] != Form::Alias) nodes.push_back({node, becomes_kernel});
    }
  return nodes;
}

KernelLowering::KernelLowering(const CompileOptions& options)
    : target_(target_of(options)),
      plain_{.variation = options.schedule_variation, .is_strict = options.is_strict || is_strict_by_environment()},
      source_(options.schedules ? options.schedules : schedules_from_environment()) {}

KernelChoice KernelLowering::choose(const Node& node, const ir::Facts& facts, std::span<const int> looked_at,
                                    const std::string& rewrites) const {
  KernelChoice made{.schedule = plain_, .identity = {}, .name = {}};
  if (!rewrites.empty())
    made.schedule.rewrites = rewrites;
  else if (source_ && !ops::is_composite(node))
    made.schedule =
        with_schedule_of(source_.get(), lower_kernel(node, facts, std::string(node.op->name)), target_.isa(), plain_);
  made.identity = kernel_identity(node, facts, target_, made.schedule, looked_at);
  made.name = kernel_name(node, made.identity);
  return made;
}

KernelLoops KernelLowering::make(const Node& node, const ir::Facts& facts, const KernelChoice& choice,
                                 std::span<const int> looked_at) const {
  KernelLoops made;
  made.naive = lower_kernel(node, facts, choice.name);
  made.naive.looked_at.assign(looked_at.begin(), looked_at.end());
  made.scheduled = target_.schedule(made.naive, &made.report, choice.schedule);
  return made;
}

}  // namespace strata::compiler
