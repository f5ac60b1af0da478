#include "strata/compiler/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "strata/base/environment/variables.h"
#include "strata/base/error/error.h"
#include "strata/base/recent/recent_table.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/base/trace/log.h"
#include "strata/base/trace/span.h"
#include "strata/compiler/backends/backend.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/cache/kernel_cache.h"
#include "strata/compiler/graph/invariants/prologue.h"
#include "strata/compiler/loop/packing.h"
#include "strata/compiler/loop/schedule_source.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/in_place.h"
#include "strata/compiler/lower/kernel_key.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/pipeline.h"
#include "strata/compiler/plan/command_order.h"
#include "strata/compiler/plan/make_plan.h"
#include "strata/compiler/run_passes.h"
#include "strata/compiler/strict.h"
#include "strata/ir/op.h"
#include "strata/ir/plan/verify.h"
#include "strata/ir/rewrite.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/control/fusion.h"
#include "strata/runtime/execute/own_programs.h"
#include "strata/runtime/machine_code/sources_hash.h"

namespace strata::compiler {

using ir::Graph;
using ir::Node;

namespace {

/// A kernel in memory, shared by all programs that hold it.
struct ReadyKernel {
  LoadedKernel code;
  std::shared_ptr<const LoadedObject> object;
  std::vector<std::string> dims;
  std::vector<std::pair<int, int>> in_place;
};

/// Kernels that are kept for other programs, about 20 kB of machine code and tables each. A program holds its own; one
/// that comes again later reads it from the disk cache.
constexpr size_t kMostReadyKernels = 2048;

/// A listed registry: the kernels that this process used last, by key. Guarded by its lock.
struct ReadyKernels {
  std::mutex lock;
  base::RecentTable<ReadyKernel> by_key{kMostReadyKernels};
  std::unordered_set<base::Hash128, base::Hash128Hasher> told;  ///< those left as written that the log has named
};
ReadyKernels& ready_kernels() {
  static auto* kernels = new ReadyKernels;  // machine code may run until the very end of the process
  return *kernels;
}

/// The symbols in the types of a composite's operands and results.
std::vector<std::string> dims_of(const Node& composite) {
  std::vector<std::string> dims;
  for (const ir::Value& v : composite.operands())
    for (ir::Dim d : v.shape()) d.collect_symbols(dims);
  for (ir::Type t : composite.types())
    for (ir::Dim d : t.shape()) d.collect_symbols(dims);
  return dims;
}

/// A node, and the schedule that its kernel gets; empty: the one that is best.
struct WantedKernel {
  const Node* node;
  std::string rewrites;
};

/// Kernels of one program that are still to be made ready.
struct PendingKernel {
  base::Hash128 key;
  std::string name;
  const Node* node;
  std::vector<int> looked_at;
  ScheduleOptions schedule;
  size_t first = 0;  ///< the position of the first one with this key: a loop that was unrolled has one kernel
  ReadyKernel ready;
};

/// Positions among a kernel's parameters of the results that it looks at, by its node.
using LookedAt = std::map<const Node*, std::vector<int>>;

/// Ops that do mean their loops as they are where nothing of them has a vector form (sort).
bool writes_own_loops(const Node& node) {
  return update_in(node).node || (node.op != &ops::kFusion && form_of(node) == Form::Loops);
}

class KernelMaker {
 public:
  KernelMaker(const Backend& backend, runtime::IsaLevel level, ScheduleOptions schedule, const ScheduleSource* source)
      : backend_(backend), level_(level), schedule_(std::move(schedule)), source_(source) {}

  /// The ready kernels, in order. Compiles those that neither memory nor disk has, on all threads.
  std::vector<ReadyKernel> make(std::span<const WantedKernel> wanted, const LookedAt& looked_at,
                                std::vector<std::string>& names, const ir::Facts& facts) {
    std::vector<PendingKernel> all;
    std::unordered_map<base::Hash128, size_t, base::Hash128Hasher> first;
    for (const auto& [node, rewrites] : wanted) {
      const auto outputs = looked_at.find(node);
      const std::vector<int> params = outputs == looked_at.end() ? std::vector<int>() : outputs->second;
      ScheduleOptions how = schedule_;
      if (rewrites.empty())
        how = schedule_of_node(*node, facts);
      else
        how.rewrites = rewrites;
      const base::Hash128 key = kernel_identity(*node, facts, backend_, level_, how, params);
      all.push_back(
          {key, kernel_name(*node, key), node, params, how, first.emplace(key, all.size()).first->second, {}});
      names.push_back(all.back().name);
      // Also for kernels that a cache has, before any is compiled. A claimed composite has no loops.
      const bool is_first = all.back().first + 1 == all.size();
      const bool needs_schedule = !ops::is_composite(*node) && (!writes_own_loops(*node) || !how.rewrites.empty());
      if (schedule_.is_strict && is_first && needs_schedule)
        require_schedule(lower_kernel(*node, facts, names.back()), level_, how, node->where.str());
    }
    std::vector<PendingKernel*> missing;
    {
      std::lock_guard hold(ready_kernels().lock);
      for (PendingKernel& k : all) {
        if (const ReadyKernel* known = ready_kernels().by_key.find(k.key))
          k.ready = *known;
        else if (&k == &all[k.first])
          missing.push_back(&k);
      }
    }
    // One at a time from the queue: kernels differ much in what they cost to compile.
    base::ThreadPool::shared().run(static_cast<int64_t>(missing.size()),
                                   [&](base::TaskRange range) {
                                     for (int64_t i = range.begin; i < range.end; ++i)
                                       make_ready(*missing[static_cast<size_t>(i)], facts);
                                   },
                                   {base::Split::Dynamic, 1});
    std::lock_guard hold(ready_kernels().lock);
    std::vector<ReadyKernel> ready;
    for (PendingKernel& k : all)
      ready.push_back(&k == &all[k.first] ? ready_kernels().by_key.keep(k.key, std::move(k.ready)) : ready[k.first]);
    return ready;
  }

 private:
  ScheduleOptions schedule_of_node(const Node& node, const ir::Facts& facts) const {
    if (!source_ || ops::is_composite(node)) return schedule_;
    return with_schedule_of(source_, lower_kernel(node, facts, std::string(node.op->name)), level_, schedule_);
  }

  void make_ready(PendingKernel& k, const ir::Facts& facts) const {
    std::optional<CachedKernel> known = disk_.read(k.key);
    const bool is_new = !known;
    CachedKernel made = is_new ? CachedKernel() : std::move(*known);
    if (ops::is_composite(*k.node)) {
      k.ready.dims = dims_of(*k.node);
      if (is_new) made.object = backend_.compile_composite(*k.node, k.name, k.ready.dims);
    } else {
      ir::loops::Kernel naive = lower_kernel(*k.node, facts, k.name);
      naive.looked_at = k.looked_at;
      k.ready.dims = naive.dims;
      if (!update_in(*k.node).node) k.ready.in_place = in_place_pairs(naive);
      if (is_new) made = compile_loops(naive, k.schedule);
    }
    if (is_new) disk_.write(k.key, made);
    tell(k, made);
    k.ready.object = backend_.load(made.object);
    k.ready.code = k.ready.object->find(k.name);
  }

  CachedKernel compile_loops(const ir::loops::Kernel& naive, const ScheduleOptions& how) const {
    ScheduleReport report;
    const ir::loops::Kernel scheduled = schedule(naive, level_, &report, how);
    const ir::loops::Kernel* const kernels[] = {&scheduled};
    return {backend_.compile(kernels), std::move(report.refusal), std::move(report.misfit)};
  }

  /// What nobody asked for, once per process and kernel. An op that means its loops as they are is no surprise.
  void tell(const PendingKernel& k, const CachedKernel& made) const {
    if (made.as_written.empty() && made.misfit.empty()) return;
    {
      std::lock_guard hold(ready_kernels().lock);
      if (!ready_kernels().told.insert(k.key).second) return;
    }
    if (!made.misfit.empty())
      base::log_warn("kernel {}: {}; it has the schedule of the heuristic", k.name, made.misfit);
    if (!made.as_written.empty())
      base::log_message(writes_own_loops(*k.node) ? base::LogLevel::Info : base::LogLevel::Warn,
                        "kernel {} runs as written, in scalar code: {}", k.name, made.as_written);
  }

  const Backend& backend_;
  runtime::IsaLevel level_;
  ScheduleOptions schedule_;      ///< where the source says nothing
  const ScheduleSource* source_;  ///< null: none
  KernelCache disk_;
};

bool is_strict_by_environment() { return base::environment("STRATA_STRICT") == "1"; }

/// Whether a node becomes one kernel: not an alias, nor a command of the host. Composites are still there where the
/// back end claimed them, and where their pass was disabled.
bool is_kernel(const Node& node, Form form, const Backend& backend) {
  if (node.op->name == "fusion") return true;
  if (ops::is_composite(node)) return !backend.composite_refusal(node);
  return form != Form::Alias && form != Form::Command;
}

/// The results that kernels look at themselves. One with checks of its own has but one status word, so the executor
/// reads its results again, as it does those of composites and of the host.
LookedAt looked_at_by_kernels(const PlanRequest& request, const Backend& backend) {
  LookedAt looked_at;
  if (!backend.looks_at_results()) return looked_at;
  for (const ir::FiniteResult& f : request.finite) {
    const ir::Value v = written_value(request.graph->results()[static_cast<size_t>(f.result)]);
    const Node& node = *v.node;
    if (update_in(node).node) continue;  // it stores a part of what is to be looked at
    if (!request.kernels.contains(node.id) || ops::is_composite(node) || can_fail(node, /*is_kernel=*/true)) continue;
    if (!ir::is_float(v.type().dtype())) continue;
    std::vector<int>& params = looked_at[&node];
    const int param = static_cast<int>(node.operand_count + v.index);
    if (std::ranges::find(params, param) == params.end()) params.push_back(param);
  }
  return looked_at;
}

std::vector<int> dim_positions(const std::vector<std::string>& kernel_dims, const std::vector<std::string>& plan_dims) {
  std::vector<int> positions;
  for (const std::string& d : kernel_dims)
    positions.push_back(static_cast<int>(std::find(plan_dims.begin(), plan_dims.end(), d) - plan_dims.begin()));
  return positions;
}

runtime::OwnProgram own_program(const std::shared_ptr<const Graph>& graph, const std::vector<ir::EntryCondition>& entry,
                                const CompileOptions& options) {
  if (entry.empty()) return nullptr;
  auto programs = std::make_shared<runtime::OwnPrograms>(
      [graph] { return graph; }, entry, [options](const auto& written) { return compile(written, options); });
  return [programs](const ir::DimBinding& dims) { return programs->of(dims); };
}

std::shared_ptr<const runtime::Executable> build(const std::shared_ptr<const Graph>& recorded,
                                                 const std::shared_ptr<const Graph>& fused,
                                                 const FinishedRegions& finished, const CompileOptions& options,
                                                 std::span<const PrologueValue> prologue = {});

/// The program of a region, on which the passes have run where it is one of a loop.
std::shared_ptr<const runtime::Executable> build_region(const ir::GraphRef& region, const FinishedRegions& finished,
                                                        const CompileOptions& options) {
  const auto known = finished.find(region.get());
  if (known == finished.end()) return compile(region, options);
  return build(known->second.recorded, known->second.finished, finished, options);
}

/// Whether a kernel reads one of the last so many parameters.
bool reads_prepared(const Node& node, size_t prepared) {
  if (ops::is_composite(node) || prepared == 0) return false;
  const auto last = node.graph->parameters().last(prepared);
  return std::ranges::any_of(node.operands(),
                             [&](const ir::Value& v) { return std::ranges::find(last, v.node) != last.end(); });
}

/// The kernels that do a product's work where its rows are few.
void add_variants(const Node& node, const ir::Facts& facts, runtime::IsaLevel level, KernelUse& use,
                  std::vector<WantedKernel>& wanted) {
  for (FewRows& few : schedules_for_few_rows(lower_kernel(node, facts, "variant"), level)) {
    use.variants.push_back({few.rows, few.most, static_cast<int>(wanted.size())});
    wanted.push_back({&node, std::move(few.rewrites)});
  }
}

/// The constants that are left: what is donated changes.
std::vector<int> constants_of(const Graph& graph, const CompileOptions& options) {
  std::vector<int> constants;
  for (int i : options.constants) {
    if (i < 0 || i >= static_cast<int>(graph.parameters().size()))
      throw base::Error("E0116", fmt::format("{}: constant {} is none of its {} parameters", graph.name(), i,
                                             graph.parameters().size()));
    const bool is_donated =
        std::ranges::any_of(options.donations, [&](const ir::Donation& d) { return d.argument == i; });
    if (!is_donated && std::ranges::find(constants, i) == constants.end()) constants.push_back(i);
  }
  return constants;
}

runtime::IsaLevel level_of(const CompileOptions& options) { return options.isa.value_or(runtime::chosen_isa_level()); }
const Backend& backend_of(const CompileOptions& options) {
  return options.backend ? *options.backend : llvm_backend_for(level_of(options));
}

}  // namespace

base::Hash128 kernel_identity(const Node& node, const ir::Facts& facts, const Backend& backend, runtime::IsaLevel level,
                              const ScheduleOptions& schedule, std::span<const int> looked_at) {
  base::Hash128 maker =
      base::combine(base::combine(base::hash_text(backend.fingerprint()), base::hash_text(runtime::sources_hash())),
                    static_cast<uint64_t>(level) + (schedule.variation << 8));
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
  const std::vector<int> constants = constants_of(*graph, options);
  FinishedRegions finished;
  const auto fused = run_passes(*graph, pipeline(),
                                {.disabled = options.disabled_passes,
                                 .dump_folder = dump_folder_from_environment(*graph),
                                 .backend = &backend_of(options),
                                 .level = level_of(options),
                                 .constants = constants,
                                 .regions = &finished})
                         .graph;
  if (constants.empty()) return build(graph, fused, finished, options);
  const Prologue parts = split_prologue(*fused, constants, graph->parameters().size());
  return build(graph, parts.rest, finished, options, parts.values);
}

namespace {

std::shared_ptr<const runtime::Executable> build(const std::shared_ptr<const Graph>& graph,
                                                 const std::shared_ptr<const Graph>& fused,
                                                 const FinishedRegions& finished, const CompileOptions& options,
                                                 std::span<const PrologueValue> prologue) {
  const runtime::IsaLevel level = level_of(options);
  const Backend& backend = backend_of(options);
  PlanRequest request;
  request.graph = fused;
  request.entry = ir::entry_conditions(*graph, *request.graph);
  request.donations = options.donations;
  request.finite = options.finite;

  std::vector<WantedKernel> wanted;
  std::vector<std::shared_ptr<const runtime::Executable>> regions, prologue_programs;
  CompileOptions region_options = options;
  region_options.donations.clear();
  region_options.finite.clear();
  region_options.constants.clear();
  for (const PrologueValue& v : prologue) {
    prologue_programs.push_back(build(v.program, v.program, finished, region_options));
    const auto& made = prologue_programs.back();
    request.prologue.push_back({v.parameters, std::shared_ptr<const ir::Plan>(made, &made->plan())});
  }
  const std::vector<bool> live = live_nodes(*request.graph);
  const std::vector<Form> forms = forms_of(*request.graph);
  for (const Node* node : request.graph->nodes()) {
    if (node->is_parameter() || !live[node->id] || node->op->name == "constant") continue;
    if (is_kernel(*node, forms[node->id], backend)) {
      KernelUse& use = request.kernels[node->id];
      use.kernel = static_cast<int>(wanted.size());
      if (ops::is_composite(*node))
        use.workspace_bytes = backend.workspace_bytes(*node);
      else
        use.update = update_in(*node);
      wanted.push_back({node, ""});
      if (reads_prepared(*node, prologue.size())) add_variants(*node, fused->facts(), level, use, wanted);
      continue;
    }
    for (const ir::GraphRef& region : node->regions()) {
      regions.push_back(build_region(region, finished, region_options));
      request.regions.emplace(region.get(), std::shared_ptr<const ir::Plan>(regions.back(), &regions.back()->plan()));
    }
  }

  const std::shared_ptr<const ScheduleSource> source =
      options.schedules ? options.schedules : schedules_from_environment();
  KernelMaker maker(
      backend, level,
      {.variation = options.schedule_variation, .is_strict = options.is_strict || is_strict_by_environment()},
      source.get());
  const LookedAt looked_at = looked_at_by_kernels(request, backend);
  const std::vector<ReadyKernel> ready = maker.make(wanted, looked_at, request.kernel_names, request.graph->facts());
  for (auto& [id, use] : request.kernels) use.in_place = ready[static_cast<size_t>(use.kernel)].in_place;
  std::shared_ptr<const ir::Plan> plan = make_plan(request);
  if (const auto fault = ir::find_fault_outside_regions(*plan))
    throw base::Error("E0900", fmt::format("plan {}: {}", plan->name, *fault));
  std::vector<runtime::BoundKernel> bound;
  for (size_t i = 0; i < ready.size(); ++i) {
    const ReadyKernel& k = ready[i];
    bound.push_back({k.code.run, k.code.needs, looked_at.contains(wanted[i].node), dim_positions(k.dims, plan->dims),
                     k.object, k.object->native()});
  }
  return std::make_shared<const runtime::Executable>(
      plan, std::move(bound), std::move(regions), own_program(graph, plan->entry, options),
      runtime::ProgramOrigin{[graph] { return graph; }, level}, std::move(prologue_programs));
}

}  // namespace

}  // namespace strata::compiler
