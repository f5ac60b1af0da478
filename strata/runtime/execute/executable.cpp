#include "strata/runtime/execute/executable.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/trace/span.h"
#include "strata/runtime/execute/cancel.h"
#include "strata/runtime/execute/execution.h"
#include "strata/runtime/execute/run_context.h"

namespace strata::runtime {

using ir::CommandKind;
using ir::HostArray;
using ir::PlanBuffer;
using ir::PlanBufferKind;
using ir::PlanCommand;

/// "fusion.1f2a88d1 at lenet.cpp:12 conv1": what a trace shows for a command.
std::string Executable::span_name(const PlanCommand& command) const {
  if (command.kind == CommandKind::Copy) return "copy";
  const std::string name =
      command.kind == CommandKind::Kernel ? plan_->kernels[command.kernel] : std::string(command.node->op->name);
  const std::string where = command.node->where.str();
  return where.empty() ? name : name + " at " + where;
}

Executable::Executable(std::shared_ptr<const ir::Plan> plan, std::vector<BoundKernel> kernels,
                       std::vector<std::shared_ptr<const Executable>> regions, OwnProgramOf own, ProgramOrigin origin,
                       std::vector<std::shared_ptr<const Executable>> prologue)
    : plan_(std::move(plan)),
      kernels_(std::move(kernels)),
      regions_(std::move(regions)),
      bindings_(*plan_, kernels_, std::move(own)),
      origin_(std::move(origin)) {
  for (size_t i = 0; i < prologue.size(); ++i) {
    const base::Hash128 key = prologue[i]->plan().graph->hash();
    prologue_.push_back({plan_->prologue[i].from, std::move(prologue[i]), key});
  }
  const std::span<const int> given = std::span(plan_->arguments).first(plan_->given_arguments());
  for (int a : given) parameter_types_.push_back(plan_->buffers[a].type);
  for (size_t a = 0; a < given.size(); ++a)
    if (plan_->buffers[given[a]].first >= 0) read_arguments_.push_back(a);
  first_pointer_.push_back(0);
  for (const PlanCommand& c : plan_->commands) {
    span_names_.push_back(base::trace_name(span_name(c)));
    first_pointer_.push_back(first_pointer_.back() + c.reads.size() + c.writes.size());
  }
  first_donated_write_ = ir::first_donated_write(*plan_);
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
    if (buffer.kind == PlanBufferKind::Argument) argument_members_[buffer.index].push_back(b);
    if (buffer.kind == PlanBufferKind::Result) result_members_[buffer.index].push_back(b);
  }
}
Executable::~Executable() = default;

bool Executable::reads_elements(int argument) const {
  return std::ranges::find(read_arguments_, argument) != read_arguments_.end();
}

std::vector<std::vector<int64_t>> Executable::shapes_of(std::span<const HostArray> arguments) const {
  if (arguments.size() != parameter_types_.size())
    throw base::Error(base::code::kArgumentMismatch, plan_->name + ": takes " +
                                                         std::to_string(parameter_types_.size()) +
                                                         " arguments, found " + std::to_string(arguments.size()));
  std::vector<std::vector<int64_t>> shapes;
  for (size_t i = 0; i < arguments.size(); ++i) {
    shapes.push_back(arguments[i].shape());
    if (arguments[i].encoding() != parameter_types_[i].encoding())
      throw base::Error(base::code::kArgumentMismatch, plan_->name + ": argument " + std::to_string(i) + " should be " +
                                                           parameter_types_[i].str() + ", found " +
                                                           std::string(arguments[i].encoding().name()));
  }
  return shapes;
}

void Executable::require_own_memory(std::span<const HostArray> arguments) const {
  for (const auto& [argument, command] : written_in_place_) {
    if (arguments[argument].storage().use_count() == 1) continue;
    const std::string_view name = plan_->graph->parameter_name(argument);
    base::Error error(base::code::kUpdateWouldCopy,
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
    if (!is_handed_over(arguments[a])) continue;
    const std::string_view name = plan_->graph->parameter_name(a);
    throw base::Error(base::code::kHandedOver,
                      fmt::format("{}: argument {}{} was handed over to its prepared forms, and this program "
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
                                              RunContext& context, const LookAtCommand* look,
                                              std::vector<HostArray> results) const {
  const auto shapes = shapes_of(arguments);
  ir::DimBinding dims(*plan_->graph, parameter_types_, shapes, outer);
  require_not_cancelled(plan_->name.c_str());
  const std::shared_ptr<const Binding> binding = bindings_.find(dims);
  if (binding->own) return binding->own->run_within(std::move(arguments), outer, context, look, std::move(results));
  if (!look) require_own_memory(arguments);
  require_elements(arguments);
  add_prepared(arguments);
  const ContextUse use(context);
  Counting counting{bindings_.to_count_in(*binding), dims};
  Execution execution{*this, counting.binding ? *counting.binding : *binding, context, dims, arguments, results};
  if (counting.binding) execution.counting = &counting;
  execution.look = look;
  try {
    execution.place();
  } catch (base::Error& error) {
    throw error.note(fmt::format("{}: its arena takes {} bytes; nothing has run", plan_->name, binding->layout.bytes));
  }
  execution.run();
  arguments.clear();
  return results;
}

void Executable::run_into(std::vector<HostArray>&& arguments, std::vector<HostArray>& results) const {
  const BorrowedContext context;
  run_within(std::move(arguments), nullptr, *context, nullptr, results);
}

std::vector<HostArray> Executable::run_looking(const std::vector<HostArray>& arguments,
                                               const LookAtCommand& look) const {
  const BorrowedContext context;
  return run_within(std::vector<HostArray>(arguments), nullptr, *context, &look);  // shared, so donations copy
}

ir::DimBinding Executable::dims_within(const ir::DimBinding& outer) const {
  std::vector<std::vector<int64_t>> shapes;
  for (ir::Type type : parameter_types_) {
    shapes.emplace_back();
    for (ir::Dim d : type.shape()) shapes.back().push_back(outer(d));
  }
  return ir::DimBinding(*plan_->graph, parameter_types_, shapes, &outer);
}

/// Frames of loops within a loop stay until that ends (Execution::run_regions).
int64_t Executable::region_bytes(const PlanCommand& command, const ir::DimBinding& dims) const try {
  if (command.kind != CommandKind::Host || control_of(*command.node->op) == Control::None) return 0;
  int64_t bytes = RegionLoop(*command.node, dims, regions_[command.regions.back()]->plan()).spare_bytes();
  for (int r : command.regions) {
    const Executable& region = *regions_[r];
    const ir::DimBinding within = region.dims_within(dims);
    const std::shared_ptr<const Binding> binding = region.bindings_.find(within);
    if (binding->own) continue;  // of empty axes
    bytes += binding->layout.bytes;
    for (const PlanCommand& c : region.plan_->commands) bytes += region.region_bytes(c, within);
  }
  return bytes;
} catch (const base::Error& error) {
  // Extents that a rule refuses are an error of the run, if it comes to that region at all.
  if (error.kind() != base::ErrorKind::User) throw;
  return 0;
}

ir::DimBinding Executable::dims_of(std::span<const std::vector<int64_t>> argument_shapes) const {
  if (argument_shapes.size() != parameter_types_.size())
    throw base::Error(base::code::kArgumentMismatch,
                      plan_->name + ": takes " + std::to_string(parameter_types_.size()) +
                          " arguments, found the shapes of " + std::to_string(argument_shapes.size()));
  return {*plan_->graph, parameter_types_, argument_shapes};
}

std::shared_ptr<const Executable> Executable::own_program(const ir::DimBinding& dims) const {
  return bindings_.find(dims)->own;
}

MemoryMap Executable::memory_map(std::span<const std::vector<int64_t>> argument_shapes) const {
  const std::shared_ptr<const Binding> binding = bindings_.find(dims_of(argument_shapes));
  if (binding->own) return {};
  return {binding->layout.bytes, binding->offsets, binding->buffer_bytes};
}

MemoryUse Executable::memory_use(std::span<const std::vector<int64_t>> argument_shapes) const {
  return memory_use(dims_of(argument_shapes));
}

MemoryUse Executable::memory_use(const ir::DimBinding& dims) const {
  const std::shared_ptr<const Binding> binding = bindings_.find(dims);
  if (binding->own) return binding->own->memory_use(dims);
  MemoryUse use{.arena_bytes = binding->layout.bytes, .largest_live_bytes = binding->layout.largest_live};
  ir::DimBinding largest = dims;  // what is counted in the run counts with its capacity
  for (size_t d = 0; d < plan_->dims.size(); ++d)
    if (!largest.knows(ir::Dim::symbol(plan_->dims[d]))) largest.bind(plan_->dims[d], binding->dims[d]);
  for (const PlanCommand& c : plan_->commands) use.region_bytes = std::max(use.region_bytes, region_bytes(c, largest));
  return use;
}

}  // namespace strata::runtime
