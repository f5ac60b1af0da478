#include "strata/ir/plan/interpret.h"

#include <cstring>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/plan/arena.h"

namespace strata::ir {
namespace {

class PlanInterpreter {
 public:
  PlanInterpreter(const Plan& plan, std::span<const HostArray> arguments, const DimBinding& dims,
                  const InterpretOptions& options)
      : plan_(plan),
        counts_(*plan.graph),
        arguments_(arguments.begin(), arguments.end()),
        dims_(dims),
        options_(options) {}

  std::vector<HostArray> run() {
    place();
    for (const PlanCommand& command : plan_.commands) run_command(command);
    return results_;
  }

 private:
  std::vector<int64_t> shape_of(Type type) const {
    std::vector<int64_t> shape;
    for (Dim d : type.shape()) shape.push_back(dims_(d));
    return shape;
  }

  void place() {
    std::vector<ArenaRequest> requests;
    std::vector<size_t> owners;
    for (int i = 0; i < std::ssize(plan_.buffers); ++i) {
      const PlanBuffer& b = plan_.buffers[i];
      if (b.kind != PlanBufferKind::Arena || b.root != i) continue;
      requests.push_back({std::max(b.first, 0), std::max(b.last, 0), dims_(counts_.largest(b.type.bytes()))});
      owners.push_back(i);
    }
    const ArenaLayout layout = lay_out_arena(requests);
    arena_ = HostArray(DType::u8, {layout.bytes});
    // What nothing has written yet is not zero: a plan that reads it shows.
    std::memset(arena_.data(), 0xff, layout.bytes);
    memory_.assign(plan_.buffers.size(), nullptr);
    for (size_t k = 0; k < owners.size(); ++k) memory_[owners[k]] = arena_.data() + layout.offsets[k];
    results_.resize(plan_.results.size());
    place_results();
    for (const Donation& d : plan_.donations) {
      results_[d.result] = arguments_[d.argument].clone();
      arguments_[d.argument] = results_[d.result];
    }
    for (size_t i = 0; i < plan_.buffers.size(); ++i) {
      const PlanBuffer& b = plan_.buffers[i];
      if (b.kind == PlanBufferKind::Argument) memory_[i] = arguments_[b.index].data();
      if (b.kind == PlanBufferKind::Constant) memory_[i] = const_cast<std::byte*>(plan_.constants[b.index].data());
      if (b.kind == PlanBufferKind::Result) memory_[i] = results_[b.index].data();
      if (b.kind == PlanBufferKind::Arena) memory_[i] = memory_[b.root];
    }
  }

  /// Those of which all dimensions are known.
  void place_results() {
    for (int r = 0; r < std::ssize(plan_.results); ++r) {
      const Type type = plan_.buffers[plan_.results[r]].type;
      if (results_[r].storage() || !dims_.knows(type.shape())) continue;
      results_[r] = HostArray(type.encoding(), shape_of(type));
      for (size_t i = 0; i < plan_.buffers.size(); ++i)
        if (const PlanBuffer& b = plan_.buffers[i];
            b.kind == PlanBufferKind::Result && b.index == r && i < memory_.size())
          memory_[i] = results_[r].data();
    }
  }

  HostArray view(int b) const {
    const Type type = plan_.buffers[b].type;
    return HostArray(type.encoding(), shape_of(type), std::shared_ptr<std::byte>(memory_[b], [](std::byte*) {}));
  }

  void store(int b, const HostArray& value) { std::memmove(memory_[b], value.data(), value.bytes()); }

  void run_command(const PlanCommand& command) {
    if (command.kind == CommandKind::Copy) return store(command.writes[0], view(command.reads[0]).clone());
    std::vector<HostArray> operands;
    for (int b : command.reads) operands.push_back(view(b));
    if (command.node->op->counts) {
      bind_count(*command.node, operands[0], dims_);
      place_results();
    }
    const auto results = interpret_node(*command.node, operands, dims_, options_);
    for (size_t i = 0; i < results.size(); ++i) store(command.writes[i], results[i]);
  }

  const Plan& plan_;
  const CountBounds counts_;
  std::vector<HostArray> arguments_, results_;
  DimBinding dims_;
  const InterpretOptions& options_;
  HostArray arena_;
  std::vector<std::byte*> memory_;
};

}  // namespace

std::vector<HostArray> interpret_plan(const Plan& plan, std::span<const HostArray> given,
                                      const InterpretOptions& options) {
  if (given.size() != plan.given_arguments())
    throw base::Error(base::code::kArgumentMismatch, plan.name + ": takes " + std::to_string(plan.given_arguments()) +
                                                         " arguments, found " + std::to_string(given.size()));
  std::vector<HostArray> arguments(given.begin(), given.end());
  for (const PlanPrologue& part : plan.prologue) {
    std::vector<HostArray> from;
    for (int a : part.from) from.push_back(given[a]);
    arguments.push_back(interpret_plan(*part.plan, from, options)[0]);
  }
  std::vector<Type> types;
  std::vector<std::vector<int64_t>> shapes;
  for (size_t i = 0; i < arguments.size(); ++i) {
    types.push_back(plan.buffers[plan.arguments[i]].type);
    shapes.push_back(arguments[i].shape());
  }
  const DimBinding dims(*plan.graph, types, shapes);
  return PlanInterpreter(plan, arguments, dims, options).run();
}

}  // namespace strata::ir
