#include "strata/runtime/execute/binding.h"

#include <algorithm>
#include <map>

#include "strata/base/error/error.h"
#include "strata/ir/plan/dependences.h"

namespace strata::runtime {

using ir::CommandKind;
using ir::PlanBuffer;
using ir::PlanBufferKind;
using ir::PlanCommand;

namespace {

/// Work below which a second thread costs more than it brings: about 20 us of arithmetic or of traffic.
constexpr int64_t kSmallestParallelFlops = 400'000;
constexpr int64_t kSmallestParallelBytes = 200'000;
/// Work below which handing a kernel to another core costs more than it brings: about 2 us.
constexpr int64_t kSmallestFlopsBeside = 40'000;
constexpr int64_t kSmallestBytesBeside = 20'000;
/// Work above which threads share a kernel better than they share out kernels, and what kernels that run side by side
/// may hold each of the arena, which they hold at once.
constexpr int64_t kLargestFlopsBeside = 8'000'000;
constexpr int64_t kLargestBytesBeside = 400'000;
constexpr int64_t kLargestHeldBeside = 64 << 10;
/// Commands of a step at most.
constexpr int kMostBeside = 16;
/// Threads share out kernels that could be shared, too, where each is at most one part in so many of all: the last one
/// keeps the others waiting.
constexpr int kFewestShared = 8;
/// Bindings kept; the one that was not used for longest makes room. A few hundred bytes for each command.
constexpr size_t kMostBindings = 64;

/// Ascending over all programs: which binding was used last.
uint64_t next_use() {
  static std::atomic<uint64_t> uses{0};
  return uses.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

Bindings::Bindings(const ir::Plan& plan, std::span<const BoundKernel> kernels, OwnProgramOf own)
    : plan_(plan), kernels_(kernels), own_(std::move(own)), counts_(*plan.graph), formulas_(plan.dims) {
  for (const std::string& name : plan.dims) symbols_.push_back(ir::Dim::symbol(name));
  for (const ir::EntryCondition& c : plan.entry) {
    entry_.push_back(formulas_.add(c.value));
    counts_of_entry_.push_back(counts_in(c.value));
  }
  for (const PlanBuffer& b : plan.buffers) {
    buffer_bytes_.push_back(formulas_.add(b.type.bytes()));
    room_.push_back(formulas_.add(counts_.largest(b.type.bytes())));
  }
  for (const std::vector<int>& needed : ir::dependences(plan))
    latest_needed_.push_back(needed.empty() ? -1 : needed.back());
  is_looked_at_.resize(plan.commands.size());
  for (const ir::FiniteResult& f : plan.finite)
    if (f.command >= 0) is_looked_at_[f.command] = true;
  for (const PlanCommand& c : plan.commands) {
    work_.push_back({formulas_.add(c.cost.flops), formulas_.add(c.cost.bytes)});
    variant_sizes_.emplace_back();
    for (const ir::KernelVariant& v : c.variants) variant_sizes_.back().push_back(formulas_.add(v.value));
  }
  size_t dims = 0;
  std::map<std::pair<const void*, std::vector<int>>, size_t> first;
  for (size_t i = 0; i < kernels.size(); ++i) {
    first_dim_.push_back(dims);
    dims += kernels[i].dims.size();
    twin_.push_back(
        first.emplace(std::pair(reinterpret_cast<const void*>(kernels[i].needs), kernels[i].dims), i).first->second);
  }
}

std::vector<int> Bindings::counts_in(ir::Dim d) const {
  std::vector<int> counts;
  std::vector<std::string> symbols;
  if (!counts_.empty()) d.collect_symbols(symbols);
  for (const std::string& symbol : symbols)
    if (counts_.is_count(symbol)) counts.push_back(std::ranges::find(plan_.dims, symbol) - plan_.dims.begin());
  return counts;
}

std::shared_ptr<const Binding> Bindings::known(std::span<const int64_t> values) const {
  const std::shared_lock hold(table_);
  for (const auto& b : bindings_) {
    if (!std::ranges::equal(b->dims, values)) continue;
    if (bindings_.size() > 1) b->last_use.store(next_use(), std::memory_order_relaxed);
    return b;
  }
  return nullptr;
}

std::vector<int64_t> Bindings::values_of(const ir::DimBinding& dims) const {
  std::vector<int64_t> values;
  values.reserve(symbols_.size());
  for (ir::Dim symbol : symbols_)
    values.push_back(dims(counts_.mentions(symbol) && !dims.knows(symbol) ? counts_.largest(symbol) : symbol));
  return values;
}

std::shared_ptr<const Binding> Bindings::find(const ir::DimBinding& dims) const {
  std::vector<int64_t> values = values_of(dims);
  if (auto binding = known(values)) return binding;

  const std::lock_guard making(making_);
  if (auto binding = known(values)) return binding;  // of a run that came first
  auto binding = make(dims, std::move(values));
  const std::lock_guard hold(table_);
  if (bindings_.size() >= kMostBindings)
    bindings_.erase(std::ranges::min_element(bindings_, {}, [](const auto& b) { return b->last_use.load(); }));
  bindings_.push_back(binding);
  return binding;
}

std::shared_ptr<const Binding> Bindings::make(const ir::DimBinding& dims, std::vector<int64_t> values) const {
  auto binding = std::make_shared<Binding>();
  binding->last_use = next_use();
  const std::vector<int64_t> of_formulas = formulas_.evaluate(values);
  binding->dims = std::move(values);
  if (own_.empty_axes && !may_enter(of_formulas)) binding->own = own_.empty_axes(dims);
  if (!binding->own && own_.budget) binding->own = own_.budget(dims);
  if (!binding->own) fill(*binding, of_formulas);
  return binding;
}

bool Bindings::may_enter(std::span<const int64_t> values) const {
  for (size_t i = 0; i < entry_.size(); ++i)
    if (counts_of_entry_[i].empty() && values[entry_[i]] < plan_.entry[i].lowest) return false;
  return true;
}

/// By dimension of the plan: a count in a condition that its value breaks. Empty: none is.
std::vector<bool> Bindings::broken_counts(std::span<const int64_t> values) const {
  std::vector<bool> broken;
  for (size_t i = 0; i < entry_.size(); ++i) {
    if (counts_of_entry_[i].empty() || values[entry_[i]] >= plan_.entry[i].lowest) continue;
    broken.resize(symbols_.size());
    for (int d : counts_of_entry_[i]) broken[d] = true;
  }
  return broken;
}

std::unique_ptr<Binding> Bindings::to_count_in(const Binding& binding) const {
  if (counts_.empty()) return nullptr;
  auto own = std::make_unique<Binding>();
  own->dims = binding.dims;
  own->buffer_bytes = binding.buffer_bytes;
  own->offsets = binding.offsets;
  own->layout.bytes = binding.layout.bytes;
  own->layout.largest_live = binding.layout.largest_live;
  own->needs = binding.needs;
  own->kernel_dims = binding.kernel_dims;
  own->kernel_of = binding.kernel_of;
  own->is_parallel = binding.is_parallel;
  own->step_end = binding.step_end;
  own->is_emptied = binding.is_emptied;
  own->scratch_bytes = binding.scratch_bytes;
  return own;
}

/// Steps stay: what names a count can fail, and shares none.
void Bindings::count(Binding& binding, const ir::DimBinding& dims) const {
  binding.dims = values_of(dims);
  const std::vector<int64_t> of_formulas = formulas_.evaluate(binding.dims);
  choose_kernels(binding, of_formulas);
  for (size_t i = 0; i < buffer_bytes_.size(); ++i) binding.buffer_bytes[i] = of_formulas[buffer_bytes_[i]];
}

int Bindings::kernel_for(size_t command, std::span<const int64_t> values) const {
  const PlanCommand& c = plan_.commands[command];
  for (size_t i = 0; i < c.variants.size(); ++i)
    if (values[variant_sizes_[command][i]] <= c.variants[i].most) return c.variants[i].kernel;
  return c.kernel;
}

int64_t Bindings::held_bytes(const PlanCommand& command, std::span<const int64_t> values) const {
  int64_t held = 0;
  for (const int b : command.writes)
    if (plan_.buffers[plan_.buffers[b].root].kind == PlanBufferKind::Arena) held += values[buffer_bytes_[b]];
  return held;
}

/// Enough work for another core to take over, and nothing that the host looks at in between.
std::optional<Bindings::Beside> Bindings::may_share_step(const Binding& binding, size_t command,
                                                         std::span<const int64_t> values) const {
  const PlanCommand& c = plan_.commands[command];
  if (c.kind != CommandKind::Kernel || c.can_fail || !c.copied_because.empty() || is_looked_at_[command])
    return std::nullopt;
  const int kernel = binding.kernel_of[command];
  if (binding.needs[kernel].tasks == 0 || kernels_[kernel].looks_at_results) return std::nullopt;
  const Beside work{values[work_[command].flops], values[work_[command].bytes]};
  if (work.flops < kSmallestFlopsBeside && work.bytes < kSmallestBytesBeside) return std::nullopt;
  if (!binding.is_parallel[command]) return work;
  const bool is_small = work.flops <= kLargestFlopsBeside && work.bytes <= kLargestBytesBeside &&
                        held_bytes(c, values) <= kLargestHeldBeside;
  return is_small ? std::optional(work) : std::nullopt;
}

/// The end of the commands from `first` on that need none of each other. Those that threads could share are among them
/// where they are many and alike.
int Bindings::end_of_step(const Binding& binding, int first, std::span<const int64_t> values) const {
  int end = first, end_of_serial = first;
  Beside all{}, largest{};
  for (; end < std::ssize(plan_.commands) && end - first < kMostBeside && latest_needed_[end] < first; ++end) {
    const auto work = may_share_step(binding, end, values);
    if (!work) break;
    all = {all.flops + work->flops, all.bytes + work->bytes};
    largest = {std::max(largest.flops, work->flops), std::max(largest.bytes, work->bytes)};
    if (end_of_serial == end && !binding.is_parallel[end]) end_of_serial = end + 1;
  }
  const bool are_alike = kFewestShared * largest.flops <= all.flops && kFewestShared * largest.bytes <= all.bytes;
  return std::max(are_alike ? end : end_of_serial, first + 1);
}

/// Runs of commands in their order: what they hold of the arena at once is small, since each is small.
void Bindings::choose_steps(Binding& binding, std::span<const int64_t> values) const {
  const int count = plan_.commands.size();
  binding.step_end.resize(count);
  for (int first = 0; first < count;) {
    const int end = end_of_step(binding, first, values);
    std::fill(binding.step_end.begin() + first, binding.step_end.begin() + end, end);
    first = end;
  }
}

void Bindings::choose_kernels(Binding& binding, std::span<const int64_t> values) const {
  const auto value = [&](int place) { return values[place]; };
  binding.kernel_dims.clear();
  for (const BoundKernel& kernel : kernels_)
    for (int d : kernel.dims) binding.kernel_dims.push_back(binding.dims[d]);
  const std::vector<bool> broken = broken_counts(values);
  const auto is_broken = [&](int d) { return broken[d]; };
  binding.is_emptied.assign(broken.empty() ? 0 : kernels_.size(), false);
  binding.needs.assign(kernels_.size(), {});
  for (size_t i = 0; i < kernels_.size(); ++i) {
    KernelNeeds& needs = binding.needs[i];
    if (!broken.empty() && std::ranges::any_of(kernels_[i].dims, is_broken))
      binding.is_emptied[i] = true;  // it is not asked: it takes extents to be 1 or more
    else if (twin_[i] < i)
      needs = binding.needs[twin_[i]];
    else
      kernels_[i].needs(binding.kernel_dims.data() + first_dim_[i], &needs);
    binding.scratch_bytes = std::max(binding.scratch_bytes, needs.scratch_bytes);
  }
  binding.kernel_of.clear();
  binding.is_parallel.clear();
  for (size_t c = 0; c < plan_.commands.size(); ++c) {
    const bool is_kernel = plan_.commands[c].kind == CommandKind::Kernel;
    binding.kernel_of.push_back(is_kernel ? kernel_for(c, values) : -1);
    binding.is_parallel.push_back(
        is_kernel && binding.needs[binding.kernel_of.back()].tasks > 1 &&
        (value(work_[c].flops) >= kSmallestParallelFlops || value(work_[c].bytes) >= kSmallestParallelBytes));
  }
}

/// What is alive at one command of a step is alive at all of them.
void Bindings::fill(Binding& binding, std::span<const int64_t> values) const {
  choose_kernels(binding, values);
  choose_steps(binding, values);
  const auto end_of = [&](int command) {
    return command >= 0 && command < std::ssize(binding.step_end) ? binding.step_end[command] : command + 1;
  };
  std::vector<ir::ArenaRequest> requests;
  requests.reserve(plan_.buffers.size());
  binding.buffer_bytes.reserve(plan_.buffers.size());
  std::vector<size_t> owners;
  for (int i = 0; i < std::ssize(plan_.buffers); ++i) {
    const PlanBuffer& buffer = plan_.buffers[i];
    binding.buffer_bytes.push_back(values[buffer_bytes_[i]]);
    if (buffer.kind != PlanBufferKind::Arena || buffer.root != i) continue;
    int first = buffer.first;
    while (first > 0 && end_of(first - 1) == end_of(first)) --first;
    requests.push_back({first, end_of(buffer.last) - 1, values[room_[i]]});
    owners.push_back(i);
  }
  binding.layout = ir::lay_out_arena(requests);
  binding.offsets.assign(plan_.buffers.size(), 0);
  for (size_t k = 0; k < owners.size(); ++k) binding.offsets[owners[k]] = binding.layout.offsets[k];
}

}  // namespace strata::runtime
