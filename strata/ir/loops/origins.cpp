#include "strata/ir/loops/origins.h"

#include <algorithm>

#include "strata/ir/loops/blocks.h"
#include "strata/ir/loops/interpret/program.h"
#include "strata/ir/loops/legality.h"
#include "strata/ir/loops/rewrite.h"

namespace strata::ir::loops {
namespace {

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9e3779b97f4a7c15u ^ (b + 0x2545f4914f6cdd1du) * 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  x ^= x >> 29;
  return x | 1;  // 0 means that there is none
}

bool is_of_memory(const Instruction& in) { return in.access != nullptr; }

bool has_groups(const Kernel& kernel) {
  bool found = false;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    for_each_expr(stmt, [&](Expr e) { found |= any_node(e, [](Expr node) { return group_of(node->op) != 0; }); });
  });
  return found;
}

/// Follows one run. Owner of a number for each register and each element.
class Follower {
 public:
  Follower(const InterpreterProgram& program, std::span<void* const> buffers, std::span<const int64_t> dims)
      : program_(program), frame_(make_frame(program, buffers, dims)), of_registers_(frame_.registers.size(), 0) {
    frame_.status = &status_;
    of_elements_.resize(frame_.buffers.size());
    for (size_t b = 0; b < program.param_count; ++b) {
      of_elements_[b].resize(elements_of(b));
      for (size_t i = 0; i < of_elements_[b].size(); ++i) of_elements_[b][i] = mix(b + 1, i);
    }
  }

  std::vector<std::vector<uint64_t>> run() {
    const Instruction* at = program_.code.data();
    while (at->run) {
      before(*at);
      const Instruction* next = at->run(frame_, at);
      after(*at);
      at = next;
    }
    of_elements_.resize(program_.param_count);
    return std::move(of_elements_);
  }

 private:
  size_t elements_of(size_t buffer) const {
    int64_t count = 1;
    for (const int64_t extent : frame_.buffers[buffer].shape) count *= extent;
    return static_cast<size_t>(count);
  }

  /// Operands are still what they were.
  void before(const Instruction& in) {
    made_.assign(in.lanes, 0);
    if (is_of_memory(in) && !in.expr) return store(in);
    if (in.run == step_alloc) return;
    if (in.run == step_copy)
      for (uint32_t l = 0; l < in.lanes; ++l) made_[l] = of_registers_[in.a + l];
    if (in.run == step_copy || !in.expr) return;
    for (uint32_t l = 0; l < in.lanes; ++l) made_[l] = computed(in, l);
  }

  void after(const Instruction& in) {
    if (in.run == step_alloc) {
      auto& numbers = of_elements_[static_cast<size_t>(in.imm)];
      numbers.assign(elements_of(static_cast<size_t>(in.imm)), 0);
    }
    const bool has_result = in.expr || in.run == step_copy;
    if (has_result) std::copy(made_.begin(), made_.end(), of_registers_.begin() + in.dst);
  }

  void store(const Instruction& in) {
    const auto& access = *static_cast<const Access*>(in.access);
    for (uint32_t l = 0; l < in.lanes; ++l)
      if (!in.imm || frame_.registers[in.b + l])
        of_elements_[access.slot][static_cast<size_t>(element_of_lane(frame_, access, l))] = of_registers_[in.a + l];
  }

  uint64_t computed(const Instruction& in, uint32_t lane) const {
    const Expr e = in.expr;
    switch (e->op) {
      case ExprOp::Load: {
        const auto& access = *static_cast<const Access*>(in.access);
        return of_elements_[access.slot][static_cast<size_t>(element_of_lane(frame_, access, lane))];
      }
      case ExprOp::Ramp:
        return 0;
      case ExprOp::Broadcast:
        return of_registers_[in.a];
      case ExprOp::Interleave:
        return of_registers_[(lane % 2 ? in.b : in.a) + lane / 2];
      case ExprOp::Select:
        return of_registers_[(frame_.registers[in.a + lane] ? in.b : in.c) + lane];
      default:
        break;
    }
    const uint32_t places[] = {in.a + lane, in.b + lane, in.c + lane};
    uint64_t operands[3] = {};
    bool has_origin = false;
    for (int i = 0; i < e->arg_count; ++i) {
      const uint64_t known = of_registers_[places[i]];
      has_origin |= known != 0;
      operands[i] = known ? known : mix(0, frame_.registers[places[i]]);
    }
    if (!has_origin) return 0;
    const bool is_commutative = e->op == ExprOp::Add || e->op == ExprOp::Mul || e->op == ExprOp::Fma ||
                                e->op == ExprOp::FmaFlushed || e->op == ExprOp::Min || e->op == ExprOp::Max ||
                                e->op == ExprOp::And || e->op == ExprOp::Or || e->op == ExprOp::Xor;
    if (is_commutative && operands[0] > operands[1]) std::swap(operands[0], operands[1]);
    uint64_t number = mix(static_cast<uint64_t>(e->op), static_cast<uint64_t>(e->type.dtype) + 100);
    for (int i = 0; i < e->arg_count; ++i) number = mix(number, operands[i]);
    return number;
  }

  const InterpreterProgram& program_;
  Frame frame_;
  RunStatus status_;
  std::vector<uint64_t> of_registers_, made_;
  std::vector<std::vector<uint64_t>> of_elements_;
};

}  // namespace

std::optional<std::vector<std::vector<uint64_t>>> origins_of(const Kernel& kernel, std::span<void* const> buffers,
                                                             std::span<const int64_t> dims) {
  if (has_groups(kernel)) return std::nullopt;
  const InterpreterProgram program = compile_for_interpreter(has_blocks(kernel) ? without_blocks(kernel) : kernel);
  return Follower(program, buffers, dims).run();
}

}  // namespace strata::ir::loops
