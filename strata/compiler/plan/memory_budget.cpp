#include "strata/compiler/plan/memory_budget.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/base/terminal/format.h"
#include "strata/ir/interpret.h"
#include "strata/ir/plan/arena.h"

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
  PeakFinder(const Plan& plan, std::span<const std::vector<int64_t>> shapes)
      : plan_(plan), dims_(*plan.graph, types_of(plan), shapes) {}

  MemoryPeak find() {
    std::vector<ir::ArenaRequest> requests;
    std::vector<int64_t> live(plan_.commands.size());
    for (size_t i = 0; i < plan_.buffers.size(); ++i) {
      if (!is_arena(i)) continue;
      const PlanBuffer& b = plan_.buffers[i];
      requests.push_back({b.first, b.last, bytes_of(i)});
      for (int c = std::max(0, b.first); c <= b.last; ++c) live[static_cast<size_t>(c)] += bytes_of(i);
    }
    MemoryPeak peak;
    peak.arena_bytes = ir::lay_out_arena(requests).bytes;
    peak.bytes = peak.arena_bytes;
    if (!live.empty()) {
      peak.command = static_cast<int>(std::max_element(live.begin(), live.end()) - live.begin());
      peak.at = described(plan_.commands[static_cast<size_t>(peak.command)]);
    }
    for (size_t i = 0; i < plan_.buffers.size(); ++i) add(i, peak);
    std::stable_sort(peak.live.begin(), peak.live.end(),
                     [](const LiveTensor& a, const LiveTensor& b) { return a.bytes > b.bytes; });
    return peak;
  }

 private:
  static std::vector<ir::Type> types_of(const Plan& plan) {
    std::vector<ir::Type> types;
    for (const int a : plan.arguments) types.push_back(plan.buffers[static_cast<size_t>(a)].type);
    return types;
  }
  int64_t bytes_of(size_t i) const { return dims_(plan_.buffers[i].type.bytes()); }
  bool is_root(size_t i) const { return plan_.buffers[i].root == static_cast<int>(i); }
  bool is_arena(size_t i) const { return is_root(i) && plan_.buffers[i].kind == PlanBufferKind::Arena; }

  /// Buffers that own memory during the peak's command.
  void add(size_t i, MemoryPeak& peak) const {
    const PlanBuffer& b = plan_.buffers[i];
    if (!is_root(i)) return;
    if (b.kind == PlanBufferKind::Arena) {
      if (b.first <= peak.command && peak.command <= b.last) peak.live.push_back(tensor(i, name_at(i, peak.command)));
      return;
    }
    const auto is_this = [&](const ir::Donation& d) { return d.result == b.index; };
    if (b.kind == PlanBufferKind::Result && std::ranges::any_of(plan_.donations, is_this)) return;
    peak.bytes += bytes_of(i);
    peak.live.push_back(tensor(i, outer_name(b)));
  }
  std::string outer_name(const PlanBuffer& b) const {
    if (b.kind == PlanBufferKind::Argument) {
      const std::string_view name = plan_.graph->parameter_name(b.index);
      return name.empty() ? fmt::format("argument {}", b.index) : fmt::format("argument {}", name);
    }
    return fmt::format("{} {}", b.kind == PlanBufferKind::Result ? "result" : "constant", b.index);
  }
  /// The op that has written last what stands there.
  std::string name_at(size_t root, int command) const {
    for (int c = command; c >= 0; --c)
      for (const int w : plan_.commands[static_cast<size_t>(c)].writes)
        if (plan_.buffers[static_cast<size_t>(w)].root == static_cast<int>(root))
          return described(plan_.commands[static_cast<size_t>(c)]);
    return "nothing yet";
  }
  LiveTensor tensor(size_t i, std::string name) const {
    const ir::Type type = plan_.buffers[i].type;
    std::vector<int64_t> shape;
    for (const ir::Dim d : type.shape()) shape.push_back(dims_(d));
    return {std::move(name), fmt::format("{}[{}]", ir::dtype_name(type.dtype()), fmt::join(shape, ",")), bytes_of(i)};
  }

  const Plan& plan_;
  ir::DimBinding dims_;
};

std::string bytes_text(int64_t bytes) { return base::bytes_text(static_cast<double>(bytes)); }

}  // namespace

MemoryPeak memory_peak(const Plan& plan, std::span<const std::vector<int64_t>> argument_shapes) {
  return PeakFinder(plan, argument_shapes).find();
}

void require_memory(const Plan& plan, std::span<const std::vector<int64_t>> argument_shapes, int64_t limit_bytes) {
  const MemoryPeak peak = memory_peak(plan, argument_shapes);
  if (peak.bytes <= limit_bytes) return;
  base::Error error("E0314",
                    fmt::format("{}: takes {}, of which {} are the arena; the limit is {}", plan.name,
                                bytes_text(peak.bytes), bytes_text(peak.arena_bytes), bytes_text(limit_bytes)));
  if (peak.command >= 0) error.note(fmt::format("most is alive at command {}, {}", peak.command, peak.at));
  int64_t rest = 0;
  for (size_t i = 0; i < peak.live.size(); ++i) {
    const LiveTensor& t = peak.live[i];
    if (i < kTensorsInMessage)
      error.note(fmt::format("live then: {} {}  {}", bytes_text(t.bytes), t.type, t.name));
    else
      rest += t.bytes;
  }
  if (rest > 0)
    error.note(fmt::format("and {} smaller ones, {}", peak.live.size() - kTensorsInMessage, bytes_text(rest)));
  throw error.hint("a smaller batch takes less, and so does strata::checkpoint around what can be computed twice");
}

}  // namespace strata::compiler
