#include "strata/compiler/compile.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/trace/span.h"
#include "strata/compiler/cache/cached_compilation.h"
#include "strata/compiler/kernel_maker.h"
#include "strata/compiler/loop/few_rows.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/kernel_key.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/plan/budgeted_programs.h"
#include "strata/compiler/plan/command_order.h"
#include "strata/compiler/plan/make_plan.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/compiler/plan/program_parts.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/plan/verify.h"
#include "strata/ops/composites/composite.h"
#include "strata/runtime/execute/own_programs.h"
#include "strata/runtime/execute/region_loops.h"
#include "strata/runtime/machine_code/sources_hash.h"

namespace strata::compiler {

using ir::Graph;
using ir::Node;

namespace {

/// The results that kernels look at themselves. One with checks of its own has but one status word, so the executor
/// reads its results again, as it does those of composites and of the host.
LookedAt looked_at_by_kernels(const PlanRequest& request, const Target& target) {
  LookedAt looked_at;
  if (!target.looks_at_results()) return looked_at;
  for (const ir::FiniteResult& f : request.finite) {
    const ir::Value v = written_value(request.graph->results()[f.result]);
    const Node& node = *v.node;
    if (update_in(node).node) continue;  // it stores a part of what is to be looked at
    if (!request.kernels.contains(node.id) || ops::is_composite(node) || can_fail(node, /*is_kernel=*/true)) continue;
    if (!ir::is_float(v.type().dtype())) continue;
    std::vector<int>& params = looked_at[&node];
    const int param = node.operand_count + v.index;
    if (std::ranges::find(params, param) == params.end()) params.push_back(param);
  }
  return looked_at;
}

runtime::OwnProgram program_of_empty_axes(const std::shared_ptr<const Graph>& graph,
                                          const std::vector<ir::EntryCondition>& entry, const CompileOptions& options) {
  if (entry.empty()) return nullptr;
  auto programs = std::make_shared<runtime::OwnPrograms>(
      [graph] { return graph; }, entry, [options](const auto& written) { return compile(written, options); });
  return [programs](const ir::DimBinding& dims) { return programs->of(dims); };
}

std::shared_ptr<const ProgramParts> build(const std::shared_ptr<const Graph>& recorded,
                                          const std::shared_ptr<const Graph>& fused, const FinishedRegions& finished,
                                          const CompileOptions& options, std::span<const PrologueValue> prologue = {});

std::shared_ptr<const runtime::Executable> as_planned(const ProgramParts& parts) {
  return assemble(parts, parts.plan, parts.region_programs, {.empty_axes = parts.empty_axes});
}

/// The program of a region, on which the passes have run where it is one of a loop.
std::shared_ptr<const ProgramParts> build_region(const ir::GraphRef& region, const FinishedRegions& finished,
                                                 const CompileOptions& options) {
  const auto known = finished.find(region.get());
  if (known != finished.end()) return build(known->second.recorded, known->second.finished, finished, options);
  const FinishedProgram own = finish_program(*region, options);
  return build(region, own.graph, own.regions, options, own.prologue);
}

/// Whether a kernel reads one of the last so many parameters.
bool reads_prepared(const Node& node, size_t prepared) {
  if (prepared == 0) return false;
  const auto last = node.graph->parameters().last(prepared);
  return std::ranges::any_of(node.operands(),
                             [&](const ir::Value& v) { return std::ranges::find(last, v.node) != last.end(); });
}

/// The kernels that do a product's work where its rows are few, or there is one image.
void add_variants(const Node& node, const ir::Facts& facts, const Target& target, size_t prepared, KernelUse& use,
                  std::vector<WantedKernel>& wanted) {
  const auto vectors = target.vector_unit();
  if (!vectors || ops::is_composite(node)) return;
  std::vector<FewRows> variants;
  const ir::loops::Kernel naive = lower_kernel(node, facts, "variant");
  if (reads_prepared(node, prepared)) variants = schedules_for_few_rows(naive, *vectors);
  if (variants.empty())
    if (auto one = schedule_for_one_image(naive, *vectors)) variants.push_back(*std::move(one));
  for (FewRows& few : variants) {
    use.variants.push_back({few.rows, few.most, static_cast<int>(wanted.size())});
    wanted.push_back({&node, std::move(few.rewrites)});
  }
}

}  // namespace

base::Hash128 kernel_identity(const Node& node, const ir::Facts& facts, const Target& target,
                              const ScheduleOptions& schedule, std::span<const int> looked_at) {
  base::Hash128 maker =
      base::combine(base::combine(base::hash_text(target.fingerprint()), base::hash_text(runtime::sources_hash())),
                    schedule.variation);
  if (!schedule.rewrites.empty()) maker = base::combine(maker, base::hash_text(schedule.rewrites));
  if (!looked_at.empty()) maker = base::combine(maker, base::hash_span(looked_at));
  return base::combine(kernel_key(node, facts), maker);
}

std::string kernel_name(const Node& node, base::Hash128 identity) {
  return std::string(node.op->name) + "." + identity.hex().substr(0, 8);
}

std::shared_ptr<const runtime::Executable> compile(const std::shared_ptr<const Graph>& graph,
                                                   const CompileOptions& options) {
  base::trace_as_environment_asks();
  const base::Span span("compile", "compiler");
  if (options.memory_budget_bytes) require_usable_budget(graph->name(), *options.memory_budget_bytes);
  const CachedCompilation cached(graph, options);
  if (auto known = cached.find()) return known;
  const FinishedProgram finished = finish_program(*graph, options);
  const auto parts = build(graph, finished.graph, finished.regions, options, finished.prologue);
  runtime::OwnProgramOf own{.empty_axes = parts->empty_axes};
  if (options.memory_budget_bytes)
    own.budget = [programs = std::make_shared<const BudgetedPrograms>(parts, *options.memory_budget_bytes)](
                     const ir::DimBinding& dims) { return programs->of(dims); };
  const auto program = assemble(*parts, parts->plan, parts->region_programs, std::move(own));
  cached.keep(*program, parts->known_kernels);
  return program;
}

namespace {

/// Adds what the nodes become to the parts, and gives the kernels that are wanted.
std::vector<WantedKernel> add_nodes(ProgramParts& parts, const Target& target, const FinishedRegions& finished,
                                    const CompileOptions& options, std::span<const PrologueValue> prologue) {
  std::vector<WantedKernel> wanted;
  PlanRequest& request = parts.request;
  CompileOptions inner = options_of_parts(options);
  for (const PrologueValue& v : prologue) {
    const auto own = build(v.program, v.program, finished, inner);
    parts.known_kernels.insert(own->known_kernels.begin(), own->known_kernels.end());
    const auto& made = parts.prologue.emplace_back(as_planned(*own));
    request.prologue.push_back({v.parameters, std::shared_ptr<const ir::Plan>(made, &made->plan())});
  }
  for (const auto& [node, is_kernel] : nodes_of_program(*request.graph, target)) {
    if (is_kernel) {
      KernelUse& use = request.kernels[node->id];
      use.kernel = wanted.size();
      if (ops::is_composite(*node))
        use.workspace_bytes = target.workspace_bytes(*node);
      else
        use.update = update_in(*node);
      wanted.push_back({node, ""});
      if (!options.constants.empty()) add_variants(*node, request.graph->facts(), target, prologue.size(), use, wanted);
      continue;
    }
    for (const ir::GraphRef& region : node->regions()) {
      const auto [at, is_new] = parts.regions.try_emplace(region.get());
      if (!is_new) continue;
      inner.donations.clear();
      if (region == node->regions().back()) inner.donations = runtime::carry_donations(*node);
      at->second = build_region(region, finished, inner);
      parts.known_kernels.insert(at->second->known_kernels.begin(), at->second->known_kernels.end());
      parts.region_programs.emplace(region.get(), as_planned(*at->second));
    }
  }
  request.regions = plans_of(parts.region_programs);
  return wanted;
}

/// Each kernel with its dimensions by name: where those stand is the plan's.
std::vector<std::pair<runtime::BoundKernel, std::vector<std::string>>> bound_kernels(
    const std::vector<ReadyKernel>& ready, const std::vector<WantedKernel>& wanted, const LookedAt& looked_at) {
  std::vector<std::pair<runtime::BoundKernel, std::vector<std::string>>> bound;
  for (size_t i = 0; i < ready.size(); ++i) {
    const ReadyKernel& k = ready[i];
    bound.push_back(
        {{k.code.run, k.code.needs, looked_at.contains(wanted[i].node), {}, k.object, k.object->native()}, k.dims});
  }
  return bound;
}

std::shared_ptr<const ProgramParts> build(const std::shared_ptr<const Graph>& graph,
                                          const std::shared_ptr<const Graph>& fused, const FinishedRegions& finished,
                                          const CompileOptions& options, std::span<const PrologueValue> prologue) {
  const KernelLowering lowering(options);
  const Target& target = lowering.target();
  auto parts = std::make_shared<ProgramParts>();
  PlanRequest& request = parts->request;
  request.graph = fused;
  request.entry = ir::entry_conditions(*graph, *request.graph);
  request.donations = options.donations;
  request.finite = options.finite;
  const std::vector<WantedKernel> wanted = add_nodes(*parts, target, finished, options, prologue);
  const LookedAt looked_at = looked_at_by_kernels(request, target);
  const std::vector<ReadyKernel> ready =
      KernelMaker(lowering).make(wanted, looked_at, request.kernel_names, request.graph->facts());
  for (auto& [id, use] : request.kernels) use.in_place = ready[use.kernel].in_place;
  parts->kernels = bound_kernels(ready, wanted, looked_at);
  for (const ReadyKernel& k : ready)
    if (const auto code = k.object->native()) parts->known_kernels.emplace(code.get(), k);
  parts->plan = make_plan(request);
  if (const auto fault = ir::find_fault_outside_regions(*parts->plan))
    throw base::Error(base::code::kBug, fmt::format("plan {}: {}", parts->plan->name, *fault));
  parts->empty_axes = program_of_empty_axes(graph, parts->plan->entry, options);
  parts->origin = {[graph] { return graph; }, std::string(target.isa()), &target.device()};
  return parts;
}

}  // namespace

}  // namespace strata::compiler
