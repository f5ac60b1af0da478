#include "strata/ir/loops/interpret.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/loops/blocks.h"
#include "strata/ir/loops/fold.h"
#include "strata/ir/loops/interpret/program.h"

namespace strata::ir::loops {
namespace {

using base::Error;

int64_t dim_value(std::span<const std::string> names, std::span<const int64_t> values, std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  const auto index = static_cast<size_t>(at - names.begin());
  if (at == names.end() || index >= values.size())
    throw Error(base::code::kBrokenLoops, fmt::format("the dimension {} has no value", name));
  return values[index];
}

/// The value of an i64 expression over constants and dimensions.
int64_t bound_value(Expr e, base::FunctionRef<int64_t(std::string_view)> binding) {
  if (e->op == ExprOp::Constant) return int_of_bits(e->type.dtype, e->bits);
  if (e->op == ExprOp::DimSymbol) return binding(e->symbol);
  if (e->arg_count == 2) {
    const auto a = static_cast<uint64_t>(bound_value(e->args[0], binding));
    const auto b = static_cast<uint64_t>(bound_value(e->args[1], binding));
    if (const auto bits = fold_binary(e->op, e->args[0]->type.dtype, a, b)) return static_cast<int64_t>(*bits);
  }
  if (e->op == ExprOp::Select) return bound_value(e->args[bound_value(e->args[0], binding) ? 1 : 2], binding);
  throw Error(base::code::kBrokenLoops,
              fmt::format("a bound of the parallel loop holds {}, not only dimensions", expr_op_name(e->op)));
}

}  // namespace

Frame make_frame(const InterpreterProgram& program, std::span<void* const> buffers, std::span<const int64_t> dims) {
  if (buffers.size() != program.param_count)
    throw Error(base::code::kBrokenLoops,
                fmt::format("{} buffers for {} parameters", buffers.size(), program.param_count));
  Frame frame;
  frame.registers = program.registers;
  const auto binding = [&](std::string_view name) { return dim_value(program.dims, dims, name); };
  for (const auto& [cell, name] : program.dim_cells) frame.registers[cell] = static_cast<uint64_t>(binding(name));
  for (size_t i = 0; i < program.buffers.size(); ++i) {
    BufferState& state = frame.buffers.emplace_back();
    state.buffer = program.buffers[i];
    state.element_bytes = dtype_bytes(state.buffer->dtype);
    if (i < buffers.size()) state.data = static_cast<char*>(buffers[i]);
    for (Dim d : state.buffer->shape) state.shape.push_back(d.evaluate(binding));
    state.strides.assign(state.shape.size(), 1);
    // An extent that overflows the strides is out of any memory; wrapping keeps the arithmetic defined until the
    // access.
    for (size_t d = state.shape.size(); d-- > 1;)
      state.strides[d - 1] = static_cast<int64_t>(static_cast<uint64_t>(state.strides[d]) *
                                                  static_cast<uint64_t>(std::max<int64_t>(0, state.shape[d])));
    for (int64_t& extent : state.shape) extent = std::max<int64_t>(0, extent);
  }
  return frame;
}

Interpreter::Interpreter(const Kernel& kernel)
    : program_(std::make_unique<const InterpreterProgram>(
          compile_for_interpreter(has_blocks(kernel) ? without_blocks(kernel) : kernel))) {}
Interpreter::~Interpreter() = default;

void Interpreter::run(std::span<void* const> buffers, std::span<const int64_t> dims, RunStatus& status,
                      int64_t first_task, int64_t last_task, unsigned char scratch) const {
  if (last_task >= 0 && first_task >= last_task) return;
  Frame frame = make_frame(*program_, buffers, dims);
  frame.status = &status;
  frame.first_task = first_task;
  frame.last_task = last_task;
  frame.scratch = scratch;
  const Instruction* at = program_->code.data();
  while (at->run) at = at->run(frame, at);
}

void interpret(const Kernel& kernel, std::span<void* const> buffers, std::span<const int64_t> dims, RunStatus& status,
               int64_t first_task, int64_t last_task) {
  Interpreter(kernel).run(buffers, dims, status, first_task, last_task);
}

const Stmt* parallel_loop(const Kernel& kernel) {
  if (kernel.body.size() != 1) return nullptr;
  const Stmt& only = *kernel.body[0];
  const bool has_tasks = only.loop_kind == LoopKind::Parallel || only.loop_kind == LoopKind::Blocks;
  return only.kind == StmtKind::For && has_tasks ? &only : nullptr;
}

int64_t task_count(const Kernel& kernel, std::span<const int64_t> dims) {
  const Stmt* loop = parallel_loop(kernel);
  if (!loop) return 1;
  const auto binding = [&](std::string_view name) { return dim_value(kernel.dims, dims, name); };
  const int64_t begin = bound_value(loop->begin, binding), end = bound_value(loop->end, binding);
  return end <= begin ? 0 : (end - begin - 1) / loop->step + 1;
}

}  // namespace strata::ir::loops
