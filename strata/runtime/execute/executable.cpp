#include "strata/runtime/execute/executable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "strata/base/error/error.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/base/trace/span.h"
#include "strata/runtime/execute/buffer_pool.h"
#include "strata/runtime/execute/cancel.h"
#include "strata/runtime/execute/finite.h"
#include "strata/runtime/execute/print_line.h"
#include "strata/runtime/execute/region_loops.h"
#include "strata/runtime/execute/run_context.h"

namespace strata::runtime {

using ir::CommandKind;
using ir::HostArray;
using ir::PlanBuffer;
using ir::PlanBufferKind;
using ir::PlanCommand;

namespace {

/// Memory that somebody else keeps.
std::shared_ptr<std::byte> unowned(std::byte* memory) { return {std::shared_ptr<std::byte>(), memory}; }

bool is_finite(const HostArray& a) { return first_not_finite(a.data(), a.dtype(), a.elements()) < 0; }

std::string op_at(const ir::Node& node) {
  const std::string where = node.where.str();
  return std::string(node.op->name) + (where.empty() ? "" : " at " + where);
}

/// The op of a kernel that made the first bad value: a fusion is interpreted op by op.
std::string culprit(const ir::Node& node, std::span<const HostArray> operands) {
  if (node.regions().size() != 1) return op_at(node);
  std::string found;
  ir::InterpretOptions options;
  options.observe = [&](const ir::Node& inner, std::span<const HostArray> results) {
    for (const HostArray& r : results)
      if (found.empty() && !is_finite(r)) found = op_at(inner);
  };
  ir::interpret(node.region(0), operands, options);
  return found.empty() ? op_at(node) : found;
}

}  // namespace

/// "fusion.1f2a88d1 at lenet.cpp:12 conv1": what a trace shows for a command.
std::string Executable::span_name(const PlanCommand& command) const {
  if (command.kind == CommandKind::Copy) return "copy";
  const std::string name = command.kind == CommandKind::Kernel ? plan_->kernels[static_cast<size_t>(command.kernel)]
                                                               : std::string(command.node->op->name);
  const std::string where = command.node->where.str();
  return where.empty() ? name : name + " at " + where;
}

Executable::Executable(std::shared_ptr<const ir::Plan> plan, std::vector<BoundKernel> kernels,
                       std::vector<std::shared_ptr<const Executable>> regions, OwnProgram own_program,
                       ProgramOrigin origin, std::vector<std::shared_ptr<const Executable>> prologue)
    : plan_(std::move(plan)),
      kernels_(std::move(kernels)),
      regions_(std::move(regions)),
      bindings_(*plan_, kernels_, std::move(own_program)),
      origin_(std::move(origin)) {
  for (size_t i = 0; i < prologue.size(); ++i) {
    const base::Hash128 key = prologue[i]->plan().graph->hash();
    prologue_.push_back({plan_->prologue[i].from, std::move(prologue[i]), key});
  }
  const std::span<const int> given = std::span(plan_->arguments).first(plan_->given_arguments());
  for (int a : given) parameter_types_.push_back(plan_->buffers[a].type);
  for (size_t a = 0; a < given.size(); ++a)
    if (plan_->buffers[given[a]].first >= 0) read_arguments_.push_back(static_cast<int>(a));
  for (const PlanCommand& c : plan_->commands) span_names_.push_back(base::trace_name(span_name(c)));
  first_donated_write_ = static_cast<size_t>(ir::first_donated_write(*plan_));
  const std::vector<int> memory = ir::memory_of_buffers(*plan_);
  for (const PlanCommand& c : plan_->commands)
    if (c.must_be_in_place)
      if (const auto& b = plan_->buffers[memory[c.writes[0]]]; b.kind == PlanBufferKind::Argument)
        written_in_place_.emplace_back(b.index, &c);
  for (const ir::FiniteResult& f : plan_->finite) finite_.push_back(&f);
  std::ranges::stable_sort(finite_, {}, &ir::FiniteResult::command);
  argument_members_.resize(plan_->arguments.size());
  result_members_.resize(plan_->results.size());
  for (size_t b = 0; b < plan_->buffers.size(); ++b) {
    const PlanBuffer& buffer = plan_->buffers[b];
    if (buffer.kind == PlanBufferKind::Argument) argument_members_[buffer.index].push_back(static_cast<int>(b));
    if (buffer.kind == PlanBufferKind::Result) result_members_[buffer.index].push_back(static_cast<int>(b));
  }
}
Executable::~Executable() = default;

bool Executable::reads_elements(int argument) const {
  return std::ranges::find(read_arguments_, argument) != read_arguments_.end();
}

/// One run: the pointers of all buffers, and the commands.
struct Executable::Execution {
  const Executable& self;
  const Binding& binding;
  RunContext& context;
  const ir::DimBinding& dims;
  std::vector<HostArray>& arguments;
  std::vector<HostArray>& results;
  int slots = 1;                 ///< that a kernel may use
  std::byte* scratch = nullptr;  ///< of all slots
  std::vector<std::byte*> memory;
  std::vector<void*> pointers;  ///< of the kernel that runs: made once, so that a launch allocates nothing
  std::vector<std::unique_ptr<HostCall>> host_calls;      ///< by command, made when it runs first
  std::vector<std::unique_ptr<RegionCall>> region_calls;  ///< the same

  std::vector<int64_t> shape_of(int buffer) const {
    std::vector<int64_t> shape;
    for (ir::Dim d : self.plan_->buffers[buffer].type.shape()) shape.push_back(dims(d));
    return shape;
  }

  void place() {
    const ir::Plan& plan = *self.plan_;
    std::byte* const arena = context.arena(binding.layout.bytes);
    slots = context.slots();
    scratch = context.scratch(binding.scratch_bytes * slots);
    results.resize(plan.results.size());
    for (const ir::Donation& d : plan.donations) {
      HostArray& argument = arguments[d.argument];
      results[d.result] = argument.storage().use_count() == 1 ? argument : copy_of(argument);
      if (argument.storage() != results[d.result].storage())
        argument = results[d.result];
      else
        note_written(argument);
    }
    place_own(arena);
    for (size_t i = 0; i < plan.buffers.size(); ++i)
      if (const PlanBuffer& b = plan.buffers[i]; b.kind == PlanBufferKind::Argument)
        memory[i] = arguments[b.index].data();
    for (size_t r = 0; r < plan.results.size(); ++r) {
      const int b = plan.results[r];
      if (results[r].storage() == nullptr) results[r] = make_array(plan.buffers[b].type.encoding(), shape_of(b));
      memory[b] = results[r].data();
      memory[plan.buffers[b].root] = memory[b];  // a reshape of what the result's memory is
    }
    for (size_t i = 0; i < plan.buffers.size(); ++i)
      if (!memory[i]) memory[i] = memory[plan.buffers[i].root];
  }

  /// What stays where it is when arguments and results move: constants, the arena, and lists for the commands.
  void place_own(std::byte* arena) {
    const ir::Plan& plan = *self.plan_;
    memory.assign(plan.buffers.size(), nullptr);
    for (size_t i = 0; i < plan.buffers.size(); ++i) {
      const PlanBuffer& b = plan.buffers[i];
      if (b.kind == PlanBufferKind::Constant) memory[i] = const_cast<std::byte*>(plan.constants[b.index].data());
      if (b.kind == PlanBufferKind::Arena) memory[i] = arena + binding.offsets[static_cast<size_t>(b.root)];
    }
    size_t most = 0;
    for (const PlanCommand& c : plan.commands) most = std::max(most, c.reads.size() + c.writes.size());
    pointers.resize(most);
    host_calls.resize(plan.commands.size());
    region_calls.resize(plan.commands.size());
  }

  /// The extents of a region's dimensions: the symbols around it mean the same inside.
  ir::DimBinding dims_of(const Executable& region) const {
    std::vector<std::vector<int64_t>> shapes;
    for (ir::Type type : region.parameter_types_) {
      shapes.emplace_back();
      for (ir::Dim d : type.shape()) shapes.back().push_back(dims(d));
    }
    return ir::DimBinding(*region.plan_->graph, region.parameter_types_, shapes, &dims);
  }

  static HostArray copy_of(const HostArray& a) {
    HostArray b = make_array(a.encoding(), a.shape());
    std::memcpy(b.data(), a.data(), static_cast<size_t>(a.bytes()));
    return b;
  }

  /// From the first write of donated memory on nothing can fail: the plan is ordered so, and nothing allocates.
  void run() {
    const size_t count = self.plan_->commands.size(), committed = self.first_donated_write_;
    const char* name = self.plan_->name.c_str();
    if (count == 0) require_not_cancelled(name);
    require_finite(-1);
    for (size_t c = 0; c < count; ++c) {
      if (c <= committed) require_not_cancelled(name);
      run_command(c);
      const PlanCommand& command = self.plan_->commands[c];
      if (command.kind != CommandKind::Kernel || !self.kernels_[command.kernel].looks_at_results)
        require_finite(static_cast<int>(c));
    }
  }

  /// The results that are to be finite and are complete behind this command.
  void require_finite(int c) const {
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
      if (c >= 0) error.note("made by " + op_at(*self.plan_->commands[static_cast<size_t>(c)].node));
      error.note("nothing that the call was given has changed");
      throw error;
    }
  }

  void run_command(size_t c) {
    const PlanCommand& command = self.plan_->commands[c];
    const base::Span span(self.span_names_[c], "command");
    if (command.kind == CommandKind::Kernel)
      run_kernel(command, c);
    else if (command.kind == CommandKind::Copy)
      std::memcpy(memory[command.writes[0]], memory[command.reads[0]],
                  static_cast<size_t>(binding.buffer_bytes[command.writes[0]]));
    else if (control_of(*command.node->op) != Control::None)
      run_regions(command, c);
    else
      run_host(command, c);
  }

  /// Copies of a command's operands, which it may overwrite.
  std::vector<HostArray> operands_of(const PlanCommand& command) const {
    std::vector<HostArray> operands;
    for (int b : command.reads) operands.push_back(copy_of(view(b)));
    return operands;
  }

  std::string first_non_finite() {
    for (size_t c = 0; c < self.plan_->commands.size(); ++c) {
      const PlanCommand& command = self.plan_->commands[c];
      const std::vector<HostArray> operands = operands_of(command);
      run_command(c);
      if (command.kind == CommandKind::Copy) continue;
      for (uint32_t i = 0; i < command.node->result_count; ++i)
        if (!is_finite(view(command.writes[i]))) return culprit(*command.node, operands);
    }
    return "";
  }

  HostArray view(int b) const {
    return HostArray(self.plan_->buffers[b].type.encoding(), shape_of(b), unowned(memory[b]));
  }

  void run_kernel(const PlanCommand& command, size_t c) {
    const int chosen = binding.kernel_of[c];
    const KernelNeeds& needs = binding.needs[static_cast<size_t>(chosen)];
    if (!command.copied_because.empty())
      std::memcpy(memory[command.writes[0]], memory[command.reads[static_cast<size_t>(command.updates)]],
                  static_cast<size_t>(binding.buffer_bytes[static_cast<size_t>(command.writes[0])]));
    if (needs.tasks == 0) return;
    size_t next = 0;
    for (int b : command.reads) pointers[next++] = memory[b];
    for (int b : command.writes) pointers[next++] = memory[b];
    KernelStatus status;
    const KernelFunction kernel = self.kernels_[chosen].run;
    const int64_t* kernel_dims = self.bindings_.dims_of(binding, chosen);
    auto run_range = [&](base::TaskRange range) {
      KernelContext of_slot{&status, scratch + binding.scratch_bytes * range.slot};
      kernel(&of_slot, pointers.data(), kernel_dims, range.begin, range.end);
    };
    if (binding.is_parallel[c])
      base::ThreadPool::shared().run(needs.tasks, run_range, {.most_slots = slots});
    else
      run_range({0, needs.tasks, 0});
    if (status.code == kStatusNotFinite) return require_finite(static_cast<int>(c));
    if (status.code != 0) fail(command, status);
  }

  /// A kernel can only say that a check failed. The interpreter is given the same operands and says it in full, with
  /// the code and the text that it has there; a status without such an error is a kernel that checks too much.
  [[noreturn]] void fail(const PlanCommand& command, const KernelStatus& status) const {
    std::vector<HostArray> operands;
    for (int b : command.reads) operands.push_back(view(b));
    ir::interpret_node(*command.node, operands, dims);
    base::Error error("E0900", std::string(command.node->op->name) + ": a check failed at element " +
                                   std::to_string(status.index) + " (code " + std::to_string(status.code) + ")");
    if (const std::string where = command.node->where.str(); !where.empty()) error.note("recorded at " + where);
    throw error;
  }

  void run_host(const PlanCommand& command, size_t c);
  void run_regions(const PlanCommand& command, size_t c);
};

/// A command that runs by its op's reference rule. Its views of the buffers are made once.
struct Executable::HostCall {
  std::vector<HostArray> operands, results;
  ir::Reference rule;

  HostCall(Execution& run, const PlanCommand& command)
      : operands(views(run, command.reads)),
        results(views(run, command.writes)),
        rule{*command.node, operands, results, nullptr, nullptr, print_line} {
    rule.dim = [&run](ir::Dim d) { return run.dims(d); };
    rule.run = [&run, &command](const ir::Graph& region, std::span<const HostArray> inputs) {
      const auto regions = command.node->regions();
      for (size_t i = 0; i < regions.size(); ++i)
        if (regions[i].get() == &region)
          return run.self.regions_[command.regions[i]]->run_within({inputs.begin(), inputs.end()}, &run.dims,
                                                                   run.context.inner());
      throw base::Error("E0900", "a region is not part of the plan");
    };
  }

  /// A region's arguments and results move from step to step.
  static void look_at(HostArray& view, std::byte* memory) {
    if (view.data() != memory) view = HostArray(view.encoding(), view.shape(), unowned(memory));
  }
  static std::vector<HostArray> views(const Execution& run, const std::vector<int>& buffers) {
    std::vector<HostArray> list;
    for (int b : buffers) list.push_back(run.view(b));
    return list;
  }
};

void Executable::Execution::run_host(const PlanCommand& command, size_t c) {
  if (!host_calls[c]) host_calls[c] = std::make_unique<HostCall>(*this, command);
  HostCall& call = *host_calls[c];
  for (size_t i = 0; i < call.operands.size(); ++i) HostCall::look_at(call.operands[i], memory[command.reads[i]]);
  for (size_t i = 0; i < call.results.size(); ++i) HostCall::look_at(call.results[i], memory[command.writes[i]]);
  command.node->op->reference.fn(call.rule);
  for (size_t i = 0; i < call.results.size(); ++i)  // a rule may have replaced its result by another array
    if (const HostArray& r = call.results[i]; r.data() != memory[command.writes[i]])
      std::memcpy(memory[command.writes[i]], r.data(), static_cast<size_t>(r.bytes()));
}

/// A region of a control command, placed once for all its runs within a run of the program around it.
struct Executable::RegionFrame final : BoundRegion {
  ir::DimBinding dims;
  std::shared_ptr<const Binding> binding;
  std::shared_ptr<const Executable> own;
  std::vector<HostArray> none;  ///< the region is given pointers, not arrays
  std::unique_ptr<Execution> execution;

  RegionFrame(const Executable& region, const Execution& outer)
      : dims(outer.dims_of(region)), binding(region.bindings_.find(dims)), own(binding->own) {
    for (; binding->own; binding = own->bindings_.find(dims)) own = binding->own;
    const Executable& program = own ? *own : region;
    execution.reset(new Execution{program, *binding, outer.context, dims, none, none});
    try {
      execution->slots = outer.slots;
      execution->scratch = outer.context.regions_.take(binding->scratch_bytes * outer.slots);
      execution->place_own(outer.context.regions_.take(binding->layout.bytes));
    } catch (base::Error& error) {
      throw error.note(fmt::format("{}: its region takes {} bytes", program.plan_->name, binding->layout.bytes));
    }
  }

  void run(Pointers arguments, Pointers results) override {
    const Executable& program = execution->self;
    for (size_t a = 0; a < arguments.size(); ++a)
      for (int b : program.argument_members_[a]) execution->memory[b] = arguments[a];
    for (size_t r = 0; r < results.size(); ++r)
      for (int b : program.result_members_[r]) execution->memory[b] = results[r];
    const char* name = program.plan_->name.c_str();
    for (size_t c = 0, count = program.plan_->commands.size(); c < count; ++c) {
      require_not_cancelled(name);
      execution->run_command(c);
    }
  }
};

/// A command whose regions run in place.
struct Executable::RegionCall {
  RegionLoop loop;
  std::vector<std::unique_ptr<RegionFrame>> frames;
  std::vector<BoundRegion*> regions;
  std::vector<std::byte*> operands, results;
  std::byte* spare;

  RegionCall(const Execution& run, const PlanCommand& command)
      : loop(*command.node, run.dims),
        operands(command.reads.size()),
        results(command.writes.size()),
        spare(run.context.regions_.take(loop.spare_bytes())) {
    for (int r : command.regions) {
      frames.push_back(std::make_unique<RegionFrame>(*run.self.regions_[r], run));
      regions.push_back(frames.back().get());
    }
  }
};

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

std::vector<std::vector<int64_t>> Executable::shapes_of(std::span<const HostArray> arguments) const {
  if (arguments.size() != parameter_types_.size())
    throw base::Error("E0110", plan_->name + ": takes " + std::to_string(parameter_types_.size()) +
                                   " arguments, found " + std::to_string(arguments.size()));
  std::vector<std::vector<int64_t>> shapes;
  for (size_t i = 0; i < arguments.size(); ++i) {
    shapes.push_back(arguments[i].shape());
    if (arguments[i].encoding() != parameter_types_[i].encoding())
      throw base::Error("E0110", plan_->name + ": argument " + std::to_string(i) + " should be " +
                                     parameter_types_[i].str() + ", found " +
                                     std::string(arguments[i].encoding().name()));
  }
  return shapes;
}

void Executable::require_own_memory(std::span<const HostArray> arguments) const {
  for (const auto& [argument, command] : written_in_place_) {
    if (arguments[static_cast<size_t>(argument)].storage().use_count() == 1) continue;
    const std::string_view name = plan_->graph->parameter_name(argument);
    base::Error error("E0330",
                      fmt::format("{}: argument {}{} must be written in place, but the caller holds its memory "
                                  "with another handle",
                                  plan_->name, argument, name.empty() ? "" : fmt::format(" ({})", name)));
    if (const std::string where = command->node->where.str(); !where.empty()) error.note("recorded at " + where);
    throw error.hint("copies of a tensor share its memory: drop them before the call, or keep x + 0 instead");
  }
}

/// What stands for values that were made of it has no elements.
void Executable::require_elements(std::span<const HostArray> arguments) const {
  for (int a : read_arguments_) {
    if (!is_handed_over(arguments[static_cast<size_t>(a)])) continue;
    const std::string_view name = plan_->graph->parameter_name(a);
    throw base::Error("E0335", fmt::format("{}: argument {}{} was handed over to its prepared forms, and this program "
                                           "reads its elements",
                                           plan_->name, a, name.empty() ? "" : fmt::format(" ({})", name)))
        .hint("keep the plain form of weights that such programs run on");
  }
}

/// Adds the values of the prologue to the arguments that were given and checked.
void Executable::add_prepared(std::vector<HostArray>& arguments) const {
  if (prologue_.empty()) return;
  std::vector<HostArray> made;
  for (const PreparedArgument& wanted : prologue_) made.push_back(prepared_value(wanted, arguments));
  arguments.insert(arguments.end(), made.begin(), made.end());
}

std::vector<HostArray> Executable::run(std::vector<HostArray>&& arguments) const {
  const BorrowedContext context;
  return run_within(std::move(arguments), nullptr, *context);
}

std::vector<HostArray> Executable::run(std::vector<HostArray>&& arguments, RunContext& context) const {
  return run_within(std::move(arguments), nullptr, context);
}

std::vector<HostArray> Executable::run_within(std::vector<HostArray>&& arguments, const ir::DimBinding* outer,
                                              RunContext& context) const {
  const auto shapes = shapes_of(arguments);
  const ir::DimBinding dims(*plan_->graph, parameter_types_, shapes, outer);
  require_not_cancelled(plan_->name.c_str());
  const std::shared_ptr<const Binding> binding = bindings_.find(dims);
  if (binding->own) return binding->own->run_within(std::move(arguments), outer, context);
  require_own_memory(arguments);
  require_elements(arguments);
  add_prepared(arguments);
  const ContextUse use(context);
  std::vector<HostArray> results;
  Execution execution{*this, *binding, context, dims, arguments, results};
  try {
    execution.place();
  } catch (base::Error& error) {
    throw error.note(fmt::format("{}: its arena takes {} bytes; nothing has run", plan_->name, binding->layout.bytes));
  }
  execution.run();
  arguments.clear();
  return results;
}

std::string Executable::first_non_finite(const std::vector<HostArray>& arguments) const {
  std::vector<HostArray> copies = arguments;  // shared, so donations copy
  const ir::DimBinding dims(*plan_->graph, parameter_types_, shapes_of(copies));
  const std::shared_ptr<const Binding> binding = bindings_.find(dims);
  if (binding->own) return binding->own->first_non_finite(arguments);
  require_elements(copies);
  add_prepared(copies);
  const BorrowedContext context;
  const ContextUse use(*context);
  std::vector<HostArray> results;
  Execution execution{*this, *binding, *context, dims, copies, results};
  execution.place();
  return execution.first_non_finite();
}

MemoryUse Executable::memory_use(std::span<const std::vector<int64_t>> argument_shapes) const {
  if (argument_shapes.size() != parameter_types_.size())
    throw base::Error("E0110", plan_->name + ": takes " + std::to_string(parameter_types_.size()) +
                                   " arguments, found the shapes of " + std::to_string(argument_shapes.size()));
  const ir::DimBinding dims(*plan_->graph, parameter_types_, argument_shapes);
  const std::shared_ptr<const Binding> binding = bindings_.find(dims);
  if (binding->own) return binding->own->memory_use(argument_shapes);
  return {binding->layout.bytes, binding->layout.largest_live};
}

}  // namespace strata::runtime
