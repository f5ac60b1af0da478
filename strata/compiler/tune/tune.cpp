#include "strata/compiler/tune/tune.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "strata/base/environment/cache_folder.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/backends/kernel_work.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/program_kernels.h"
#include "strata/compiler/tune/task_scheduler.h"
#include "strata/ir/graph/describe.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/op.h"
#include "strata/machine/machine_word.h"
#include "strata/machine/peaks.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/control/control.h"

namespace strata::compiler::tune {

namespace {

using Clock = std::chrono::steady_clock;

/// Arrays of kernels that are larger are made anew for each round: those of all of a program's kernels would not fit.
constexpr int64_t kKeptBytes = int64_t{16} << 20;

/// A node that becomes a kernel, and how often it runs.
struct PlacedKernel {
  const ir::Node* node;
  const ir::Facts* facts;
  int64_t launches;
};

/// The kernels of a program and of its regions, in the order of explain(). Owns the graphs that their nodes are of.
class PlacedKernels {
 public:
  PlacedKernels(const ir::Graph& graph, const Target& target, const ir::DimBinding& dims)
      : target_(target), dims_(dims) {
    how_.target = &target;
    walk(graph, 1);
  }

  std::vector<PlacedKernel> all;

 private:
  void walk(const ir::Graph& graph, int64_t launches) {
    programs_.push_back(std::make_unique<FinishedProgram>(finish_program(graph, how_)));
    walk_finished(*programs_.back()->graph, programs_.back()->regions, launches);
  }

  void walk_finished(const ir::Graph& graph, const FinishedRegions& finished, int64_t launches) {
    for (const auto& [node, is_kernel] : nodes_of_program(graph, target_)) {
      if (is_kernel) {
        all.push_back({node, &graph.facts(), launches});
        continue;
      }
      for (const ir::GraphRef& region : node->regions()) {
        const auto known = finished.find(region.get());
        if (known == finished.end())
          walk(*region, launches * steps_of(*node));
        else
          walk_finished(*known->second.finished, finished, launches * steps_of(*node));
      }
    }
  }

  /// Of a loop; one where only a run can tell.
  int64_t steps_of(const ir::Node& node) const {
    if (node.op != &ops::kScan) return 1;
    const ir::Dim length = node.attrs.dims("length")[0];
    return dims_.knows(length) ? std::max<int64_t>(1, dims_(length)) : 1;
  }

  const Target& target_;
  const ir::DimBinding& dims_;
  CompileOptions how_;
  std::vector<std::unique_ptr<FinishedProgram>> programs_;
};

[[noreturn]] void refuse(std::string message, std::string hint) {
  throw base::Error(base::code::kOpenSize, std::move(message)).hint(std::move(hint));
}

/// The sizes that were given, one for each symbol of the parameters.
ir::DimBinding binding_of(const ir::Graph& graph, const TuneOptions& options) {
  const std::vector<std::string> symbols = ir::parameter_symbols(graph);
  const std::set<std::string> wanted(symbols.begin(), symbols.end());
  ir::DimBinding dims;
  for (const auto& [symbol, size] : options.dims) {
    if (!wanted.contains(symbol))
      refuse(fmt::format("{} has no size {}; it has {}", graph.name(), symbol,
                         wanted.empty() ? "none that is open" : fmt::format("{}", fmt::join(wanted, ", "))),
             "a size is named as in the program's types: f32[N, 7] has N");
    if (size < 1)
      refuse(fmt::format("tune: the size {} is {}, expected 1 or more", symbol, size),
             "kernels of empty arrays take no time");
    dims.bind(symbol, size);
  }
  for (const std::string& symbol : wanted)
    if (!dims.knows(ir::Dim::symbol(symbol)))
      refuse(fmt::format("{} leaves the size {} open", graph.name(), symbol),
             fmt::format("say for which size to tune: --dim {}=16", symbol));
  for (const ir::SymbolFact& fact : graph.facts().all())
    if (dims.knows(ir::Dim::symbol(fact.name)))
      ir::require_fact(std::string(graph.name()), fact, dims(ir::Dim::symbol(fact.name)));
  return dims;
}

/// Seconds that no schedule goes below: operations at the peak, and bytes beyond all caches at the speed of memory.
double bound_seconds(const ir::loops::Kernel& naive, std::span<const int64_t> dims, int64_t bytes, int threads,
                     const machine::MachinePeaks& peaks) {
  constexpr int64_t kCaches = int64_t{64} << 20;
  const double operations = static_cast<double>(count_work(naive, dims).operations);
  const double gflops = threads > 1 ? peaks.fma_gflops_all_threads : peaks.fma_gflops;
  const double speed = threads > 1 ? peaks.memory_gbytes_per_s_all_threads : peaks.memory_gbytes_per_s;
  return std::max(operations / (1e9 * gflops), bytes > kCaches ? static_cast<double>(bytes) / (1e9 * speed) : 0);
}

/// One nest on its way.
struct Task {
  TunedKernel kernel;
  NaiveKernel naive;
  std::vector<int64_t> dims;
  int64_t bytes = 0;         ///< of its arrays
  std::string obstacle;      ///< what ended its search early; empty: nothing did
  size_t told = 0;           ///< trials that on_measured knows of
  double told_relative = 1;  ///< the best that on_better knows of
  std::unique_ptr<KernelSearch> search;
  std::unique_ptr<Bench> bench;
};

ScheduleEntry entry_of(base::Hash128 nest, std::string_view target, const std::string& rewrites,
                       const ScheduleMeasurement& measured) {
  return {.nest = nest,
          .target = std::string(target),
          .machine = machine::machine_word(),
          .rewrites = rewrites,
          .measured = measured};
}

class Tuning {
 public:
  Tuning(const ir::Graph& graph, const TuneOptions& options)
      : options_(options),
        target_(options.target ? *options.target : chosen_target()),
        dims_(binding_of(graph, options)),
        placed_(graph, target_, dims_) {
    if (options.kernel && (*options.kernel < 0 || *options.kernel >= std::ssize(placed_.all)))
      throw base::Error(base::code::kNoSuchKernel,
                        fmt::format("tune: --kernel is {}, but {} has {} kernels, counted from 0", *options.kernel,
                                    graph.name(), placed_.all.size()));
  }

  TuneResult run() {
    collect();
    begin_all();
    search();
    for (Task& task : tasks_) finish(task);
    TuneResult result;
    for (Task& task : tasks_) result.kernels.push_back(std::move(task.kernel));
    result.target = target_.isa();
    result.threads = options_.threads;
    result.seconds = seconds();
    result.trials = trials_;
    result.was_stopped = was_stopped_;
    return result;
  }

 private:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  /// What is found is measured once more in the end: time is kept for that.
  bool is_over() {
    was_stopped_ = was_stopped_ || (options_.should_stop && options_.should_stop());
    return was_stopped_ || seconds() > 0.9 * options_.seconds || (options_.trials > 0 && trials_ >= options_.trials);
  }

  void collect() {
    std::map<base::Hash128, size_t> known;
    for (size_t i = 0; i < placed_.all.size(); ++i) {
      const PlacedKernel& placed = placed_.all[i];
      if (options_.kernel && static_cast<size_t>(*options_.kernel) != i) continue;
      Task task;
      task.kernel.launches = placed.launches;
      const std::string where = placed.node->where.str();
      task.kernel.node = std::string(placed.node->op->name) + (where.empty() ? "" : " @ " + where);
      task.kernel.name = std::string(placed.node->op->name);
      if (ops::is_composite(*placed.node)) {
        task.kernel.untuned = fmt::format("claimed by {}", target_.name());
        tasks_.push_back(std::move(task));
        continue;
      }
      open(task, placed);
      const auto [same, is_new] = known.emplace(task.kernel.nest, tasks_.size());
      if (is_new)
        tasks_.push_back(std::move(task));
      else
        tasks_[same->second].kernel.launches += placed.launches;
    }
  }

  void open(Task& task, const PlacedKernel& placed) const {
    const base::Hash128 identity = kernel_identity(*placed.node, *placed.facts, target_);
    task.kernel.name = kernel_name(*placed.node, identity);
    task.naive = [placed, name = task.kernel.name] { return lower_kernel(*placed.node, *placed.facts, name); };
    const ir::loops::Kernel naive = task.naive();
    task.kernel.nest = nest_key(naive);
    for (const std::string& symbol : naive.dims) {
      const ir::Dim dim = ir::Dim::symbol(symbol);
      if (!dims_.knows(dim)) {
        task.kernel.untuned = fmt::format("its size {} is known when it runs", symbol);
        return;
      }
      task.dims.push_back(dims_(dim));
    }
    for (const ir::loops::Buffer* buffer : naive.params) {
      int64_t bytes = ir::dtype_bytes(buffer->dtype);
      for (const ir::Dim d : buffer->shape) bytes *= dims_(d);
      task.bytes += bytes;
    }
    task.kernel.bound_seconds = bound_seconds(naive, task.dims, task.bytes, options_.threads, peaks_);
  }

  std::unique_ptr<Bench> make_bench(const Task& task) const {
    if (options_.make_bench) return options_.make_bench(task.naive, task.dims);
    return std::make_unique<KernelBench>(task.naive, target_, task.dims,
                                         BenchOptions{.threads = options_.threads, .limits = options_.limits});
  }

  Bench& bench_of(Task& task) {
    if (!task.bench) {
      task.bench = make_bench(task);
      const bool has_better = task.search && task.search->best_relative() < 1;
      if (has_better && !task.bench->promote(task.search->best().rewrites)) {
        task.bench.reset();
        throw base::Error(base::code::kBug, "the best schedule so far can no longer be measured");
      }
    }
    return *task.bench;
  }

  /// The kernels with the most work first, as far as some part of the time allows.
  void begin_all() {
    std::vector<Task*> order;
    for (Task& task : tasks_)
      if (task.kernel.untuned.empty()) order.push_back(&task);
    std::ranges::stable_sort(order, std::greater<>(), [](const Task* task) {
      constexpr double kBytesPerSecond = 10e9;
      return static_cast<double>(task->kernel.launches) *
             std::max(task->kernel.bound_seconds, static_cast<double>(task->bytes) / kBytesPerSecond);
    });
    constexpr double kPartOfTime = 0.4;
    for (Task* task : order) {
      if (task == order.front() || seconds() < kPartOfTime * options_.seconds)
        begin(*task);
      else
        task->kernel.untuned = "the time went to kernels with more work";
    }
  }

  void begin(Task& task) {
    const auto vectors = target_.vector_unit();
    auto search = vectors ? std::make_unique<KernelSearch>(ScheduleSpace(task.naive, *vectors, task.dims),
                                                           static_cast<int>(&task - tasks_.data()), options_.seed,
                                                           options_.search)
                          : nullptr;
    if (!search || search->heuristic().rewrites.empty()) {
      task.kernel.untuned = "it has no schedule";
      return;
    }
    if (is_over()) {
      task.kernel.untuned = "the time was up";
      return;
    }
    try {
      std::string failure;
      if (!search->begin(bench_of(task), failure)) task.kernel.untuned = failure;
    } catch (const base::Error& error) {
      task.kernel.untuned = error.message();
    }
    if (options_.known)
      if (const auto known = options_.known->find(task.kernel.nest, target_.isa())) search->suggest(known->rewrites);
    task.search = std::move(search);
    drop_large(task);
  }

  static void drop_large(Task& task) {
    if (task.bytes > kKeptBytes) task.bench.reset();
  }

  void search() {
    std::vector<TaskProgress> progress(tasks_.size());
    for (size_t t = 0; t < tasks_.size(); ++t) {
      progress[t].launches = static_cast<double>(tasks_[t].kernel.launches);
      // Peaks that were measured on a busy machine are too low, and work that a select hides is counted.
      constexpr double kDoubted = 0.7;
      progress[t].bound_seconds =
          tasks_[t].search ? std::min(tasks_[t].kernel.bound_seconds, kDoubted * tasks_[t].search->heuristic_seconds())
                           : 0;
      progress[t].is_exhausted = !tasks_[t].kernel.untuned.empty();
      if (tasks_[t].search) progress[t].rounds = {tasks_[t].search->heuristic_seconds()};
    }
    while (!is_over()) {
      const auto next = next_task(progress);
      if (!next) return;
      Task& task = tasks_[*next];
      const auto stop = [&] {
        tell(task);
        tell();
        return is_over();
      };
      // What was found so far is worth more than this kernel's next round.
      try {
        progress[*next].is_exhausted = !task.search->round(bench_of(task), model_, stop);
      } catch (const base::Error& error) {
        progress[*next].is_exhausted = true;
        task.obstacle = error.message();
      }
      tell(task);
      progress[*next].rounds.push_back(task.search->best_seconds());
      drop_large(task);
    }
  }

  /// What this kernel's search did since the last time. Whoever listens can keep it, should the process be killed.
  void tell(Task& task) {
    const KernelSearch& search = *task.search;
    for (; task.told < search.measured().size(); ++task.told) {
      const MeasuredCandidate& m = search.measured()[task.told];
      if (options_.on_measured) options_.on_measured({task.kernel, m.candidate.rewrites, m.relative});
    }
    if (search.best_relative() >= task.told_relative) return;
    task.told_relative = search.best_relative();
    if (!options_.on_better) return;
    ScheduleDatabase better;
    better.set(entry_of(task.kernel.nest, target_.isa(), search.best().rewrites,
                        {search.best_seconds(), search.heuristic_seconds(), options_.threads, search.trials()}));
    options_.on_better(better);
  }

  /// Between two trials: counts those so far, and says so.
  void tell() {
    trials_ = 0;
    TuneProgress now;
    for (const Task& t : tasks_) {
      if (!t.search || !t.kernel.untuned.empty()) continue;
      trials_ += t.search->trials();
      now.heuristic_seconds += static_cast<double>(t.kernel.launches) * t.search->heuristic_seconds();
      now.program_seconds += static_cast<double>(t.kernel.launches) * t.search->best_seconds();
    }
    if (!options_.on_trial) return;
    now.seconds = seconds();
    now.trials = trials_;
    options_.on_trial(now);
  }

  static void note(TunedKernel& kernel, Outcome outcome, const std::string& reason) {
    const auto at = static_cast<size_t>(outcome);
    ++kernel.outcomes[at];
    if (kernel.reasons[at].empty()) kernel.reasons[at] = reason;
  }

  /// What was found against the heuristic's once more, if there is time: what is written down is that measurement.
  void finish(Task& task) {
    if (!task.search || !task.kernel.untuned.empty()) return;
    const KernelSearch& search = *task.search;
    TunedKernel& kernel = task.kernel;
    kernel.heuristic = kernel.best = search.heuristic().rewrites;
    kernel.heuristic_seconds = kernel.best_seconds = search.heuristic_seconds();
    kernel.bound_seconds = std::min(kernel.bound_seconds, kernel.heuristic_seconds);
    kernel.trials = search.trials();
    kernel.outcomes = search.outcomes();
    kernel.reasons = search.reasons();
    if (!task.obstacle.empty()) note(kernel, Outcome::Failed, task.obstacle);
    kernel.progress = search.progress();
    if (search.best_relative() >= 1) return;
    double relative = search.best_relative();
    was_stopped_ = was_stopped_ || (options_.should_stop && options_.should_stop());
    if (!was_stopped_ && seconds() < options_.seconds) {
      task.bench.reset();
      try {
        const Trial trial = make_bench(task)->measure(search.best().rewrites, Effort::Thorough);
        if (trial.outcome != Outcome::Measured) {
          return note(kernel, trial.outcome, trial.reason);
        }
        relative = trial.quotient;
      } catch (const base::Error& error) {
        return note(kernel, Outcome::Failed, error.message());
      }
    }
    if (relative > 1 - options_.search.least_gain) return;
    kernel.best = search.best().rewrites;
    kernel.best_seconds = kernel.heuristic_seconds * relative;
  }

  const TuneOptions& options_;
  const Target& target_;
  const ir::DimBinding dims_;
  PlacedKernels placed_;
  const machine::MachinePeaks peaks_ = machine::machine_peaks(machine::host_cpu_target(), base::cache_folder());
  CostModel model_;
  std::vector<Task> tasks_;
  const Clock::time_point start_ = Clock::now();
  int trials_ = 0;
  bool was_stopped_ = false;
};

}  // namespace

ScheduleDatabase TuneResult::faster() const {
  ScheduleDatabase made;
  for (const TunedKernel& kernel : kernels) {
    if (kernel.best == kernel.heuristic) continue;
    made.set(entry_of(kernel.nest, target, kernel.best,
                      {kernel.best_seconds, kernel.heuristic_seconds, threads, kernel.trials}));
  }
  return made;
}

TuneResult tune(const ir::Graph& graph, const TuneOptions& options) { return Tuning(graph, options).run(); }

}  // namespace strata::compiler::tune
