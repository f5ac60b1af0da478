#include "strata/compiler/kernel_maker.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "strata/base/recent/recent_table.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/base/trace/log.h"
#include "strata/compiler/loop/poly/polyhedral_schedule.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/in_place.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/strict.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/control/fusion.h"
#include "strata/runtime/execute/cancel.h"

namespace strata::compiler {

using ir::Node;

namespace {

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

/// One at a time from the queue: kernels differ much in what they cost to compile.
template <class T, class Do>
void for_each_at_once(const std::vector<T*>& list, const Do& what) {
  base::ThreadPool::shared().run(std::ssize(list),
                                 [&](base::TaskRange range) {
                                   for (int64_t i = range.begin; i < range.end; ++i) what(list[i]);
                                 },
                                 {base::Split::Dynamic, 1});
}

bool is_product(const Node& node) {
  if (node.op != &ops::kFusion) return form_of(node) == Form::Contraction;
  return std::ranges::any_of(node.region(0).nodes(),
                             [](const Node* n) { return !n->is_parameter() && form_of(*n) == Form::Contraction; });
}

}  // namespace

struct KernelMaker::Pending {
  const Node* node;
  std::vector<int> looked_at;
  KernelChoice choice;
  size_t first = 0;  ///< the position of the first one with this key: a loop that was unrolled has one kernel
  ReadyKernel ready;
};

std::vector<ReadyKernel> KernelMaker::make(std::span<const WantedKernel> wanted, const LookedAt& looked_at,
                                           std::vector<std::string>& names, const ir::Facts& facts) const {
  std::vector<Pending> all;
  std::unordered_map<base::Hash128, size_t, base::Hash128Hasher> first;
  for (const auto& [node, rewrites] : wanted) {
    const auto outputs = looked_at.find(node);
    const std::vector<int> params = outputs == looked_at.end() ? std::vector<int>() : outputs->second;
    KernelChoice choice = lowering_.choose(*node, facts, params, rewrites);
    const size_t same = first.emplace(choice.identity, all.size()).first->second;
    names.push_back(choice.name);
    Pending& k = all.emplace_back(Pending{node, params, std::move(choice), same, {}});
    k.ready.identity = k.choice.identity;
    k.ready.name = k.choice.name;
    if (lowering_.is_strict() && same + 1 == all.size()) require_schedule_of(all.back(), facts);
  }
  std::vector<Pending*> missing;
  {
    std::lock_guard hold(ready_kernels().lock);
    for (Pending& k : all) {
      if (const ReadyKernel* known = ready_kernels().by_key.find(k.choice.identity))
        k.ready = *known;
      else if (&k == &all[k.first])
        missing.push_back(&k);
    }
  }
  for_each_at_once(missing, [&](Pending* k) { make_ready(*k, facts); });
  std::lock_guard hold(ready_kernels().lock);
  std::vector<ReadyKernel> ready;
  for (Pending& k : all)
    ready.push_back(&k == &all[k.first] ? ready_kernels().by_key.keep(k.choice.identity, std::move(k.ready))
                                        : ready[k.first]);
  return ready;
}

/// Also of a kernel that a cache has. A claimed composite has no loops.
void KernelMaker::require_schedule_of(const Pending& k, const ir::Facts& facts) const {
  if (ops::is_composite(*k.node)) return;
  const ir::loops::Kernel naive = lower_kernel(*k.node, facts, k.choice.name);
  if (should_have_schedule(*k.node, naive) || !k.choice.schedule.rewrites.empty())
    require_schedule(naive, target_, k.choice.schedule, k.node->where.str());
}

void KernelMaker::make_ready(Pending& k, const ir::Facts& facts) const {
  runtime::require_not_cancelled(
      k.choice.name.c_str());  // a compilation beside must not hold up the end of the process
  std::optional<CachedKernel> known = disk_.read(k.choice.identity);
  CachedKernel made = known ? std::move(*known) : CachedKernel();
  if (ops::is_composite(*k.node)) {
    k.ready.dims = dims_of(*k.node);
    if (!known) made.object = target_.compile_composite(*k.node, k.choice.name, k.ready.dims);
  } else {
    const ir::loops::Kernel naive = known ? lower_kernel(*k.node, facts, k.choice.name) : compile_loops(k, facts, made);
    k.ready.dims = naive.dims;
    // A polyhedral schedule may put all of one result's stores behind all of another's.
    if (!update_in(*k.node).node && !is_polyhedral(parse_rewrites(k.choice.schedule.rewrites)))
      k.ready.in_place = in_place_pairs(naive, is_product(*k.node) ? NestOf::Products : NestOf::Elements);
    k.ready.is_surprise = should_have_schedule(*k.node, naive);
    tell(k.ready, made);
  }
  if (!known) disk_.write(k.choice.identity, made);
  k.ready.object = target_.load(made.object);
  k.ready.code = k.ready.object->find(k.choice.name);
}

/// The loops as lowered.
ir::loops::Kernel KernelMaker::compile_loops(const Pending& k, const ir::Facts& facts, CachedKernel& made) const {
  KernelLoops loops = lowering_.make(*k.node, facts, k.choice, k.looked_at);
  const ir::loops::Kernel* const kernels[] = {&loops.scheduled};
  made = {target_.compile(kernels), std::move(loops.report.refusal), std::move(loops.report.misfit)};
  return std::move(loops.naive);
}

/// What nobody asked for, once per process and kernel.
void KernelMaker::tell(const KnownKernel& k, const CachedKernel& made) {
  if (made.as_written.empty() && made.misfit.empty()) return;
  {
    std::lock_guard hold(ready_kernels().lock);
    if (!ready_kernels().told.insert(k.identity).second) return;
  }
  if (!made.misfit.empty()) base::log_warn("kernel {}: {}; it has the schedule of the heuristic", k.name, made.misfit);
  if (!made.as_written.empty())
    base::log_message(k.is_surprise ? base::LogLevel::Warn : base::LogLevel::Info,
                      "kernel {} runs as written, in scalar code: {}", k.name, made.as_written);
}

/// False where the disk does not have it.
bool KernelMaker::load(ReadyKernel& k) const {
  const std::optional<CachedKernel> known = disk_.read(k.identity);
  if (!known) return false;
  tell(k, *known);
  k.object = target_.load(known->object);
  k.code = k.object->find(k.name);
  return true;
}

std::optional<std::vector<ReadyKernel>> KernelMaker::find(std::span<const KnownKernel> wanted) const {
  std::vector<ReadyKernel> found;
  std::vector<ReadyKernel*> missing;
  found.reserve(wanted.size());
  {
    std::lock_guard hold(ready_kernels().lock);
    for (const KnownKernel& k : wanted) {
      const ReadyKernel* ready = ready_kernels().by_key.find(k.identity);
      found.push_back(ready ? *ready : ReadyKernel{k, {}, {}});
      if (!ready) missing.push_back(&found.back());
    }
  }
  std::atomic<bool> are_there = true;
  for_each_at_once(missing, [&](ReadyKernel* k) {
    if (are_there && !load(*k)) are_there = false;
  });
  if (!are_there) return std::nullopt;
  std::lock_guard hold(ready_kernels().lock);
  for (ReadyKernel* k : missing) *k = ready_kernels().by_key.keep(k->identity, *k);
  return found;
}

}  // namespace strata::compiler
