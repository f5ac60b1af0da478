#include "strata/compiler/plan/memory_budget.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/terminal/format.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/describe.h"
#include "strata/ir/graph/interpret.h"
#include "strata/machine/memory.h"
#include "strata/runtime/execute/region_loops.h"

namespace strata::compiler {

using ir::Plan;
using ir::PlanBuffer;
using ir::PlanBufferKind;
using ir::PlanCommand;

namespace {

constexpr size_t kTensorsInMessage = 12;

std::string described(const PlanCommand& command) {
  if (!command.node) return "copy";
  const std::string where = command.node->where.str();
  const std::string name = command.node->op ? std::string(command.node->op->name) : "parameter";
  return where.empty() ? name : name + " at " + where;
}

class PeakFinder {
 public:
  PeakFinder(const runtime::Executable& program, const ir::DimBinding& dims)
      : program_(program), plan_(program.plan()), use_(program.memory_use(dims)), counts_(*plan_.graph), dims_(dims) {}

  MemoryPeak find() {
    std::vector<int64_t> live(plan_.commands.size() + 1);  // changes first, then their sums
    for (size_t i = 0; i < plan_.buffers.size(); ++i) {
      if (!is_arena(i)) continue;
      const PlanBuffer& b = plan_.buffers[i];
      if (b.last < std::max(0, b.first)) continue;
      live[std::max(0, b.first)] += bytes_of(i);
      live[b.last + 1] -= bytes_of(i);
    }
    std::partial_sum(live.begin(), live.end(), live.begin());
    live.pop_back();
    MemoryPeak peak;
    peak.arena_bytes = use_.arena_bytes;
    peak.region_bytes = use_.region_bytes;
    peak.bytes = peak.arena_bytes + peak.region_bytes;
    if (!live.empty()) {
      peak.command = std::max_element(live.begin(), live.end()) - live.begin();
      peak.at = described(plan_.commands[peak.command]);
    }
    find_writers(peak.command);
    is_donated_.assign(plan_.results.size(), false);
    for (const ir::Donation& d : plan_.donations) is_donated_[d.result] = true;
    for (size_t i = 0; i < plan_.buffers.size(); ++i) add(i, peak);
    add_regions(peak);
    std::stable_sort(peak.live.begin(), peak.live.end(),
                     [](const LiveTensor& a, const LiveTensor& b) { return a.bytes > b.bytes; });
    return peak;
  }

 private:
  int64_t bytes_of(size_t i) const { return dims_(counts_.largest(plan_.buffers[i].type.bytes())); }
  bool is_root(int i) const { return plan_.buffers[i].root == i; }
  bool is_arena(int i) const { return is_root(i) && plan_.buffers[i].kind == PlanBufferKind::Arena; }

  /// Buffers that own memory during the peak's command.
  void add(size_t i, MemoryPeak& peak) const {
    const PlanBuffer& b = plan_.buffers[i];
    if (!is_root(i)) return;
    if (b.kind == PlanBufferKind::Arena) {
      if (b.first <= peak.command && peak.command <= b.last) peak.live.push_back(tensor(i, name_of(i)));
      return;
    }
    if (b.kind == PlanBufferKind::Result && is_donated_[b.index]) return;
    peak.bytes += bytes_of(i);
    peak.live.push_back(tensor(i, outer_name(b)));
    peak.live.back().is_outside = true;
  }
  std::string outer_name(const PlanBuffer& b) const {
    if (b.kind == PlanBufferKind::Argument) {
      const std::string_view name = plan_.graph->parameter_name(b.index);
      return name.empty() ? fmt::format("argument {}", b.index) : fmt::format("argument {}", name);
    }
    return fmt::format("{} {}", b.kind == PlanBufferKind::Result ? "result" : "constant", b.index);
  }
  /// The command that has written last, up to this one, what stands in each root.
  void find_writers(int command) {
    writers_.assign(plan_.buffers.size(), -1);
    for (int c = 0; c <= command; ++c)
      for (const int w : plan_.commands[c].writes) writers_[plan_.buffers[w].root] = c;
  }
  std::string name_of(size_t root) const {
    return writers_[root] < 0 ? "nothing yet" : described(plan_.commands[writers_[root]]);
  }
  LiveTensor tensor(size_t i, std::string name) const {
    const ir::Type type = plan_.buffers[i].type;
    std::vector<int64_t> shape;
    for (const ir::Dim d : type.shape()) shape.push_back(dims_(counts_.largest(d)));
    return {std::move(name), fmt::format("{}[{}]", type.encoding().name(), fmt::join(shape, ",")), bytes_of(i)};
  }

  /// What the regions of the command have whose regions take most.
  void add_regions(MemoryPeak& peak) const {
    const ir::DimBinding within = dims_within();
    std::vector<LiveTensor> most;
    int64_t most_bytes = 0;
    for (const PlanCommand& c : plan_.commands) {
      if (c.kind != ir::CommandKind::Host || runtime::control_of(*c.node->op) == runtime::Control::None) continue;
      std::vector<LiveTensor> tensors = of_regions(c, within);
      int64_t bytes = 0;
      for (const LiveTensor& t : tensors) bytes += t.bytes;
      if (bytes <= most_bytes) continue;
      most = std::move(tensors);
      most_bytes = bytes;
    }
    peak.live.insert(peak.live.end(), most.begin(), most.end());
  }
  /// Frames of loops within a loop are there together.
  std::vector<LiveTensor> of_regions(const PlanCommand& command, const ir::DimBinding& within) const try {
    std::vector<LiveTensor> tensors;
    if (const int64_t spare =
            runtime::RegionLoop(*command.node, within, program_.regions()[command.regions.back()]->plan())
                .spare_bytes();
        spare > 0)
      tensors.push_back({"carries of " + described(command), "spare", spare});
    for (const int r : command.regions) {
      const runtime::Executable& region = *program_.regions()[r];
      if (region.own_program(within)) continue;  // of empty axes
      const MemoryPeak inner = PeakFinder(region, within).find();
      for (const LiveTensor& t : inner.live)
        if (!t.is_outside) tensors.push_back({"in " + described(command) + ": " + t.name, t.type, t.bytes});
    }
    return tensors;
  } catch (const base::Error& error) {
    // Extents that a rule refuses are an error of the run, if it comes to that region at all.
    if (error.kind() != base::ErrorKind::User) throw;
    return {};
  }
  /// What is counted in the run counts with its capacity.
  ir::DimBinding dims_within() const {
    ir::DimBinding largest = dims_;
    for (const std::string& d : plan_.dims)
      if (const ir::Dim symbol = ir::Dim::symbol(d); !largest.knows(symbol))
        largest.bind(d, dims_(counts_.largest(symbol)));
    return largest;
  }

  const runtime::Executable& program_;
  const Plan& plan_;
  runtime::MemoryUse use_;
  const ir::CountBounds counts_;
  const ir::DimBinding& dims_;
  std::vector<int> writers_;      ///< by root
  std::vector<bool> is_donated_;  ///< by result
};

}  // namespace

MemoryPeak memory_peak(const runtime::Executable& program, std::span<const std::vector<int64_t>> argument_shapes) {
  return memory_peak(program, program.dims_of(argument_shapes));
}

MemoryPeak memory_peak(const runtime::Executable& program, const ir::DimBinding& dims) {
  if (const auto own = program.own_program(dims)) return memory_peak(*own, dims);
  return PeakFinder(program, dims).find();
}

ir::DimBinding largest_dims(const ir::Graph& graph) {
  ir::DimBinding dims;
  for (const std::string& symbol : ir::parameter_symbols(graph)) {
    const ir::SymbolFact fact = graph.facts().of(symbol);
    if (fact.highest == INT64_MAX)
      throw base::Error(
          base::code::kArgumentMismatch,
          fmt::format("{}: nothing bounds {}, so there is no largest size to plan for", graph.name(), symbol))
          .hint(fmt::format("say `where {} in [1, 64]` in the program", symbol));
    dims.bind(symbol, fact.highest / fact.multiple * fact.multiple);
  }
  return dims;
}

void require_usable_budget(std::string_view owner, int64_t budget_bytes, std::string_view field) {
  const base::OptionCheck check(base::code::kOptionOutOfRange, owner);
  check.integer(field, budget_bytes, base::Bounds::at_least(1));
  const int64_t machine = machine::memory_bytes();
  if (budget_bytes > machine)
    check.refuse(field, std::to_string(budget_bytes), fmt::format("at most the {} bytes of this machine", machine));
}

void refuse_budget(const runtime::Executable& program, const MemoryPeak& peak, int64_t budget_bytes) {
  // Rounded alike, two numbers seem to be one.
  const bool is_close = base::bytes_text(peak.bytes) == base::bytes_text(budget_bytes);
  const auto text_of = [&](int64_t bytes) {
    return is_close ? fmt::format("{} bytes", bytes) : base::bytes_text(bytes);
  };
  base::Error error(
      base::code::kMemoryLimit,
      fmt::format(
          "{}: takes {}, of which {} are the arena{}; the budget is {}", program.plan().name, text_of(peak.bytes),
          base::bytes_text(peak.arena_bytes),
          peak.region_bytes > 0 ? fmt::format(" and {} are for regions", base::bytes_text(peak.region_bytes)) : "",
          text_of(budget_bytes)));
  if (peak.command >= 0) error.note(fmt::format("most is alive at command {}, {}", peak.command, peak.at));
  int64_t rest = 0;
  for (size_t i = 0; i < peak.live.size(); ++i) {
    const LiveTensor& t = peak.live[i];
    if (i < kTensorsInMessage)
      error.note(fmt::format("live then: {} {}  {}", base::bytes_text(t.bytes), t.type, t.name));
    else
      rest += t.bytes;
  }
  if (rest > 0)
    error.note(fmt::format("and {} smaller ones, {}", peak.live.size() - kTensorsInMessage, base::bytes_text(rest)));
  throw error.hint("that is the least that was found with kernels run twice; a smaller batch takes less");
}

}  // namespace strata::compiler
