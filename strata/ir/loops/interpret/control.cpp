// Steps that move values and the program counter.
#include <algorithm>

#include "strata/ir/loops/interpret/program.h"

namespace strata::ir::loops {
namespace {

int64_t& integer(Frame& frame, uint32_t cell) { return reinterpret_cast<int64_t&>(frame.registers[cell]); }

/// dst = the iteration after `from` by `steps` iterations of imm; false if it is not before the end (in b).
bool advance(Frame& frame, const Instruction* in, int64_t from, int64_t steps) {
  int64_t distance = 0, next = 0;
  if (__builtin_mul_overflow(steps, in->imm, &distance) || __builtin_add_overflow(from, distance, &next)) return false;
  integer(frame, in->dst) = next;
  return next < integer(frame, in->b);
}

}  // namespace

const Instruction* step_copy(Frame& frame, const Instruction* in) {
  std::copy_n(&frame.registers[in->a], in->lanes, &frame.registers[in->dst]);
  return in + 1;
}

const Instruction* step_splat(Frame& frame, const Instruction* in) {
  std::fill_n(&frame.registers[in->dst], in->lanes, frame.registers[in->a]);
  return in + 1;
}

/// imm: the stride.
const Instruction* step_ramp(Frame& frame, const Instruction* in) {
  uint64_t value = frame.registers[in->a];
  for (uint32_t l = 0; l < in->lanes; ++l, value += static_cast<uint64_t>(in->imm))
    frame.registers[in->dst + l] = value;
  return in + 1;
}

/// dst: the loop variable, a: begin, b: end, imm: step, jump: behind the loop.
const Instruction* step_loop_enter(Frame& frame, const Instruction* in) {
  return advance(frame, in, integer(frame, in->a), 0) ? in + 1 : in + in->jump;
}

/// As step_loop_enter, for the range of tasks of this run; the end is moved forward to the end of the last task.
const Instruction* step_task_enter(Frame& frame, const Instruction* in) {
  const int64_t begin = integer(frame, in->a);
  int64_t distance = 0, last = 0;
  if (frame.last_task >= 0 && !__builtin_mul_overflow(frame.last_task, in->imm, &distance) &&
      !__builtin_add_overflow(begin, distance, &last))
    integer(frame, in->b) = std::min(integer(frame, in->b), last);
  return advance(frame, in, begin, frame.first_task) ? in + 1 : in + in->jump;
}

/// dst: the loop variable, b: end, imm: step, jump: to the first instruction of the body.
const Instruction* step_loop_next(Frame& frame, const Instruction* in) {
  return advance(frame, in, integer(frame, in->dst), 1) ? in + in->jump : in + 1;
}

const Instruction* step_jump(Frame&, const Instruction* in) { return in + in->jump; }

const Instruction* step_jump_unless(Frame& frame, const Instruction* in) {
  return frame.registers[in->a] ? in + 1 : in + in->jump;
}

/// a: the condition, b: the index, imm: the code.
const Instruction* step_check(Frame& frame, const Instruction* in) {
  if (!frame.registers[in->a] && frame.status->code == 0) *frame.status = {in->imm, integer(frame, in->b)};
  return in + 1;
}

}  // namespace strata::ir::loops
