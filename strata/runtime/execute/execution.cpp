#include "strata/runtime/execute/execution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/trace/span.h"
#include "strata/ir/graph/describe.h"
#include "strata/runtime/execute/buffer_pool.h"
#include "strata/runtime/execute/cancel.h"
#include "strata/runtime/execute/finite.h"
#include "strata/runtime/execute/print_line.h"

namespace strata::runtime {

using ir::CommandKind;
using ir::HostArray;
using ir::PlanBuffer;
using ir::PlanBufferKind;
using ir::PlanCommand;

namespace {

/// Memory that somebody else keeps.
std::shared_ptr<std::byte> unowned(std::byte* memory) { return {std::shared_ptr<std::byte>(), memory}; }

HostArray copy_of(const HostArray& a) {
  HostArray b = make_array(a.encoding(), a.shape());
  std::memcpy(b.data(), a.data(), a.bytes());
  return b;
}

}  // namespace

std::vector<int64_t> Executable::Execution::shape_of(int buffer) const {
  std::vector<int64_t> shape;
  for (ir::Dim d : self.plan_->buffers[buffer].type.shape()) shape.push_back(dims(d));
  return shape;
}

Executable::Execution::~Execution() {
  if (!device().shares_host_memory()) device().wait();
}

void Executable::Execution::place() {
  const bool is_shared = device().shares_host_memory();
  std::byte* const arena = is_shared ? context.arena(binding.layout.bytes) : allocate(binding.layout.bytes);
  slots = context.slots();
  const int64_t scratch_bytes = binding.scratch_bytes * slots;
  scratch = is_shared ? context.scratch(scratch_bytes) : allocate(scratch_bytes);
  results.resize(self.plan_->results.size());
  take_donations();
  place_own(arena);
  if (is_shared)
    place_on_host();
  else
    place_on_device();
  for (size_t i = 0; i < memory.size(); ++i)
    if (!memory[i]) memory[i] = memory[self.plan_->buffers[i].root];
}

void Executable::Execution::take_donations() {
  for (const ir::Donation& d : self.plan_->donations) {
    HostArray& argument = arguments[d.argument];
    results[d.result] = argument.storage().use_count() == 1 ? argument : copy_of(argument);
    if (argument.storage() != results[d.result].storage())
      argument = results[d.result];
    else
      note_written(argument);
  }
  for (size_t r = 0; r < results.size(); ++r)
    if (const int b = self.plan_->results[r]; results[r].storage() == nullptr && !is_unknown(b))
      results[r] = make_array(self.plan_->buffers[b].type.encoding(), shape_of(b));
}

void Executable::Execution::place_on_host() {
  const ir::Plan& plan = *self.plan_;
  for (size_t i = 0; i < plan.buffers.size(); ++i) {
    const PlanBuffer& b = plan.buffers[i];
    if (b.kind == PlanBufferKind::Argument) memory[i] = arguments[b.index].data();
  }
  for (size_t r = 0; r < plan.results.size(); ++r) {
    const int b = plan.results[r];
    if (is_unknown(b)) continue;
    memory[b] = results[r].data();
    memory[plan.buffers[b].root] = memory[b];  // a reshape of what the result's memory is
  }
}

/// Arguments and literals are copied in for this run, the results are copied out at its end.
void Executable::Execution::place_on_device() {
  const ir::Plan& plan = *self.plan_;
  std::vector<std::byte*> of_arguments, of_constants;
  for (const HostArray& a : arguments) of_arguments.push_back(copied_in(a));
  for (const HostArray& a : plan.constants) of_constants.push_back(copied_in(a));
  for (size_t i = 0; i < plan.buffers.size(); ++i) {
    const PlanBuffer& b = plan.buffers[i];
    if (b.kind == PlanBufferKind::Constant) memory[i] = of_constants[b.index];
    if (b.kind == PlanBufferKind::Argument) memory[i] = of_arguments[b.index];
  }
  for (int r = 0; r < std::ssize(plan.results); ++r) {
    const int b = plan.results[r];
    if (is_unknown(b)) continue;
    const auto donated = std::ranges::find(plan.donations, r, &ir::Donation::result);
    memory[b] = donated == plan.donations.end() ? allocate(results[r].bytes()) : of_arguments[donated->argument];
    memory[plan.buffers[b].root] = memory[b];
  }
}

std::byte* Executable::Execution::allocate(int64_t bytes) {
  return own_memory.emplace_back(device().allocate(bytes)).get();
}

std::byte* Executable::Execution::copied_in(const HostArray& array) {
  const int64_t bytes = is_handed_over(array) ? 0 : array.bytes();
  std::byte* to = allocate(bytes);
  if (bytes > 0) device().copy_in(to, array.data(), bytes);
  return to;
}

void Executable::Execution::copy_results_out() {
  device().wait();
  if (device().shares_host_memory()) return;
  for (size_t r = 0; r < results.size(); ++r)
    if (results[r].bytes() > 0)
      device().copy_out(results[r].data(), memory[self.plan_->results[r]], results[r].bytes());
}

void Executable::Execution::place_own(std::byte* arena) {
  const ir::Plan& plan = *self.plan_;
  memory.assign(plan.buffers.size(), nullptr);
  for (size_t i = 0; i < plan.buffers.size(); ++i) {
    const PlanBuffer& b = plan.buffers[i];
    if (b.kind == PlanBufferKind::Constant) memory[i] = const_cast<std::byte*>(plan.constants[b.index].data());
    if (b.kind == PlanBufferKind::Arena) memory[i] = arena + binding.offsets[b.root];
  }
  pointers.resize(self.first_pointer_.back());
  statuses.resize(plan.commands.size());
  host_calls.resize(plan.commands.size());
  region_calls.resize(plan.commands.size());
}

void Executable::Execution::run() {
  const size_t count = self.plan_->commands.size(), committed = self.first_donated_write_;
  const char* name = self.plan_->name.c_str();
  if (count == 0) require_not_cancelled(name);
  require_finite(-1);
  for (size_t c = 0; c < count;) {
    if (c <= committed) require_not_cancelled(name);
    const size_t next = run_step(c);
    const PlanCommand& command = self.plan_->commands[c];
    if (command.kind != CommandKind::Kernel || !self.kernels_[command.kernel].looks_at_results)
      require_finite(c);  // in a step of several there is nothing to look at
    c = next;
  }
  copy_results_out();
}

size_t Executable::Execution::run_step(size_t first) {
  const size_t end = binding.step_end[first];
  if (look || end == first + 1 || slots == 1 || is_better_alone(first)) {
    run_command(first);
    return first + 1;
  }
  launches.clear();
  for (size_t c = first; c < end; ++c) launches.push_back(launch_of(c));
  launches[0].most_slots = slots;
  device().launch(launches);
  return end;
}

/// Kernels that threads can share are shared out only where each thread has several.
bool Executable::Execution::is_better_alone(size_t first) const {
  const size_t count = binding.step_end[first] - first;
  return count < 2 * static_cast<size_t>(slots) && binding.is_parallel[first];
}

void Executable::Execution::require_finite(int c) const {
  if (look) return;
  const auto [first, behind] = std::ranges::equal_range(self.finite_, c, {}, &ir::FiniteResult::command);
  for (auto at = first; at != behind; ++at) {
    const ir::FiniteResult& f = **at;
    const HostArray value = view(f.buffer);
    const int64_t i = first_not_finite(value.data(), value.dtype(), value.elements());
    if (i < 0) continue;
    const double found = value.get(i);
    NotFinite error(self.plan_->name, f.name,
                    fmt::format("{}{} would become {}", f.name, value.rank() > 0 ? fmt::format("[{}]", i) : "",
                                std::isnan(found) ? "nan"
                                : found > 0       ? "inf"
                                                  : "-inf"));
    if (c >= 0) error.note("made by " + ir::op_at(*self.plan_->commands[c].node));
    error.note("nothing that the call was given has changed");
    throw error;
  }
}

void Executable::Execution::run_command(size_t c) {
  if (!look) return run_unseen(c);
  (*look)({self, c, dims, [this](const std::vector<int>& buffers) { return views(buffers); },
           [this, c] { run_unseen(c); }});
}

void Executable::Execution::run_unseen(size_t c) {
  const PlanCommand& command = self.plan_->commands[c];
  if (command.kind == CommandKind::Kernel) return run_kernel(command, c);
  const base::Span span(self.span_names_[c], "command");
  if (counting && command.node->op && command.node->op->counts) count(command);
  if (command.kind == CommandKind::Copy)
    copy_buffer(command.reads[0], command.writes[0]);
  else if (control_of(*command.node->op) != Control::None && device().shares_host_memory())
    run_regions(command, c);
  else
    run_host(command, c);
}

void Executable::Execution::copy_buffer(int from, int to) const {
  device().copy(memory[to], memory[from], binding.buffer_bytes[to]);
}

std::vector<HostArray> Executable::Execution::views(const std::vector<int>& buffers) const {
  std::vector<HostArray> list;
  for (int b : buffers) list.push_back(view(b));
  return list;
}

/// Copies of a command's operands, which it may overwrite.
std::vector<HostArray> Executable::Execution::operands_of(const PlanCommand& command) const {
  std::vector<HostArray> operands;
  for (int b : command.reads) operands.push_back(copy_of(view(b)));
  return operands;
}

HostArray Executable::Execution::view(int b) const {
  const ir::Encoding encoding = self.plan_->buffers[b].type.encoding();
  if (device().shares_host_memory()) return HostArray(encoding, shape_of(b), unowned(memory[b]));
  HostArray copy = make_array(encoding, shape_of(b));
  device().wait();
  if (copy.bytes() > 0) device().copy_out(copy.data(), memory[b], copy.bytes());
  return copy;
}

Launch Executable::Execution::launch_of(size_t c) {
  const PlanCommand& command = self.plan_->commands[c];
  const int chosen = binding.kernel_of[c];
  void** const first = pointers.data() + self.first_pointer_[c];
  void** next = first;
  for (int b : command.reads) *next++ = memory[b];
  for (int b : command.writes) *next++ = memory[b];
  statuses[c] = {};
  return {.run = self.kernels_[chosen].run,
          .buffers = first,
          .dims = self.bindings_.dims_of(binding, chosen),
          .tasks = binding.needs[chosen].tasks,
          .wave_tasks = binding.needs[chosen].wave_tasks,
          .most_slots = binding.is_parallel[c] ? slots : 1,
          .scratch_bytes = binding.scratch_bytes,
          .scratch = scratch,
          .status = &statuses[c],
          .name = self.span_names_[c]};
}

void Executable::Execution::run_kernel(const PlanCommand& command, size_t c) {
  if (is_emptied(command)) {
    run_emptied(command);
    return require_finite(c);
  }
  if (!command.copied_because.empty()) copy_buffer(command.reads[command.updates], command.writes[0]);
  const Launch launch = launch_of(c);
  if (launch.tasks == 0) return;
  device().launch({&launch, 1});
  if (!command.can_fail && !self.kernels_[command.kernel].looks_at_results) return;
  device().wait();
  const KernelStatus& status = statuses[c];
  if (status.code == kStatusNotFinite) return require_finite(c);
  if (status.code != 0) fail(command, status);
}

/// A kernel can only say that a check failed. The interpreter is given the same operands and says it in full, with
/// the code and the text that it has there; a status without such an error is a kernel that checks too much.
void Executable::Execution::fail(const PlanCommand& command, const KernelStatus& status) const {
  ir::interpret_node(*command.node, views(command.reads), dims);
  base::Error error(base::code::kBug, std::string(command.node->op->name) + ": a check failed at element " +
                                          std::to_string(status.index) + " (code " + std::to_string(status.code) + ")");
  if (const std::string where = command.node->where.str(); !where.empty()) error.note("recorded at " + where);
  throw error;
}

namespace {

/// A region's arguments and results move from step to step.
void look_at(HostArray& view, std::byte* memory) {
  if (view.data() != memory) view = HostArray(view.encoding(), view.shape(), unowned(memory));
}

}  // namespace

Executable::HostCall::HostCall(Execution& run, const PlanCommand& command)
    : operands(run.views(command.reads)),
      results(run.views(command.writes)),
      rule{*command.node, operands, results, nullptr, nullptr, print_line} {
  rule.dim = [&run](ir::Dim d) { return run.dims(d); };
  rule.run = [&run, &command](const ir::Graph& region, std::span<const HostArray> inputs) {
    const auto regions = command.node->regions();
    for (size_t i = 0; i < regions.size(); ++i)
      if (regions[i].get() == &region)
        return run.self.regions_[command.regions[i]]->run_within({inputs.begin(), inputs.end()}, &run.dims,
                                                                 run.context.inner(), run.look);
    throw base::Error(base::code::kBug, "a region is not part of the plan");
  };
}

void Executable::Execution::run_host(const PlanCommand& command, size_t c) {
  if (counting) ask_rules_of_nothing(command);
  const bool is_shared = device().shares_host_memory();
  if (!host_calls[c] || !is_shared) host_calls[c] = std::make_unique<HostCall>(*this, command);
  HostCall& call = *host_calls[c];
  if (is_shared) {
    for (size_t i = 0; i < call.operands.size(); ++i) look_at(call.operands[i], memory[command.reads[i]]);
    for (size_t i = 0; i < call.results.size(); ++i) look_at(call.results[i], memory[command.writes[i]]);
  }
  command.node->op->reference.fn(call.rule);
  for (size_t i = 0; i < call.results.size(); ++i)  // a rule may have replaced its result by another array
    if (const HostArray& r = call.results[i]; r.data() != memory[command.writes[i]] && r.bytes() > 0)
      device().copy_in(memory[command.writes[i]], r.data(), r.bytes());
}

Executable::RegionFrame::RegionFrame(const Executable& region, const Execution& outer)
    : dims(region.dims_within(outer.dims)), binding(region.bindings_.find(dims)), own(binding->own) {
  for (; binding->own; binding = own->bindings_.find(dims)) own = binding->own;
  const Executable& program = own ? *own : region;
  execution.reset(new Execution{program, *binding, outer.context, dims, none, none});
  try {
    execution->slots = outer.slots;
    execution->look = outer.look;
    execution->scratch = outer.context.regions_.take(binding->scratch_bytes * outer.slots);
    execution->place_own(outer.context.regions_.take(binding->layout.bytes));
  } catch (base::Error& error) {
    throw error.note(fmt::format("{}: its region takes {} bytes", program.plan_->name, binding->layout.bytes));
  }
}

void Executable::RegionFrame::run(Pointers arguments, Pointers results) {
  const Executable& program = execution->self;
  for (size_t a = 0; a < arguments.size(); ++a)
    for (int b : program.argument_members_[a]) execution->memory[b] = arguments[a];
  for (size_t r = 0; r < results.size(); ++r)
    for (int b : program.result_members_[r]) execution->memory[b] = results[r];
  const char* name = program.plan_->name.c_str();
  for (size_t c = 0, count = program.plan_->commands.size(); c < count;) {
    require_not_cancelled(name);
    c = execution->run_step(c);
  }
}

std::vector<std::unique_ptr<Executable::RegionFrame>> Executable::RegionCall::frames_of(const Execution& run,
                                                                                        const PlanCommand& command) {
  std::vector<std::unique_ptr<RegionFrame>> frames;
  for (int r : command.regions) frames.push_back(std::make_unique<RegionFrame>(*run.self.regions_[r], run));
  return frames;
}

Executable::RegionCall::RegionCall(const Execution& run, const PlanCommand& command)
    : frames(frames_of(run, command)),
      loop(*command.node, run.dims, *frames.back()->execution->self.plan_),
      operands(command.reads.size()),
      results(command.writes.size()),
      spare(run.context.regions_.take(loop.spare_bytes())) {
  for (const auto& frame : frames) regions.push_back(frame.get());
}

/// Frames of loops within a loop stay from step to step; those of the outermost give their memory back.
void Executable::Execution::run_regions(const PlanCommand& command, size_t c) {
  const bool is_outermost = context.regions_.mark() == StackedMemory::Mark{};
  struct Release {
    Execution& run;
    size_t c;
    bool is_due;
    ~Release() {
      if (!is_due) return;
      run.region_calls[c] = nullptr;
      run.context.regions_.release({});
    }
  } release{*this, c, is_outermost};
  if (!region_calls[c]) region_calls[c] = std::make_unique<RegionCall>(*this, command);
  RegionCall& call = *region_calls[c];
  for (size_t i = 0; i < call.operands.size(); ++i) call.operands[i] = memory[command.reads[i]];
  for (size_t i = 0; i < call.results.size(); ++i) call.results[i] = memory[command.writes[i]];
  call.loop.run(call.regions, call.operands, call.results, call.spare);
}

}  // namespace strata::runtime
