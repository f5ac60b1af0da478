// Runs of programs that count (ir/counts/counts.h): memory lies where the capacities need it, and from each count on
// everything else goes by the number that was found. What names a count stands in front of all writes to donated
// memory, so that it may still fail here.
#include <algorithm>

#include "strata/ir/graph/with_extents.h"
#include "strata/runtime/execute/buffer_pool.h"
#include "strata/runtime/execute/execution.h"

namespace strata::runtime {

using ir::HostArray;
using ir::PlanCommand;

/// Whether its shape waits for a count.
bool Executable::Execution::is_unknown(int buffer) const {
  return counting && !dims.knows(self.plan_->buffers[buffer].type.shape());
}

void Executable::Execution::count(const PlanCommand& command) {
  ir::bind_count(*command.node, view(command.reads[0]), counting->dims);
  const int64_t before = binding.scratch_bytes;
  self.bindings_.count(*counting->binding, counting->dims);
  if (const int64_t bytes = binding.scratch_bytes * slots; binding.scratch_bytes > before)
    scratch = device().shares_host_memory() ? context.scratch(bytes) : allocate(bytes);
  place_counted();
}

/// The results of which the last dimension was counted just now.
void Executable::Execution::place_counted() {
  for (size_t r = 0; r < results.size(); ++r) {
    const int b = self.plan_->results[r];
    if (results[r].storage() || is_unknown(b)) continue;
    results[r] = make_array(self.plan_->buffers[b].type.encoding(), shape_of(b));
    std::byte* const at = device().shares_host_memory() ? results[r].data() : allocate(results[r].bytes());
    for (int member : self.result_members_[r]) memory[member] = at;
  }
}

/// A kernel takes extents to be 1 or more (docs/decisions/0012).
bool Executable::Execution::is_emptied(const PlanCommand& command) const {
  return !binding.is_emptied.empty() && binding.is_emptied[command.kernel];
}

/// Where a count leaves an extent empty, there is nothing to write, or so little to compute that the interpreter does
/// it (docs/decisions/0031).
void Executable::Execution::run_emptied(const PlanCommand& command) {
  ir::ask_rules(*command.node, dims);
  const auto is_empty = [this](int b) { return binding.buffer_bytes[b] == 0; };
  const auto written = std::span(command.writes).first(command.node->result_count);
  if (std::ranges::all_of(written, is_empty)) return;
  const std::vector<HostArray> found = ir::interpret_node(*command.node, operands_of(command), dims);
  for (size_t i = 0; i < found.size(); ++i)
    if (const int64_t bytes = found[i].bytes(); bytes > 0)
      device().copy_in(memory[command.writes[i]], found[i].data(), bytes);
}

void Executable::Execution::ask_rules_of_nothing(const PlanCommand& command) const {
  const auto is_empty = [this](int b) { return binding.buffer_bytes[b] == 0; };
  if (!command.node->op->counts && std::ranges::any_of(command.reads, is_empty)) ir::ask_rules(*command.node, dims);
}

}  // namespace strata::runtime
