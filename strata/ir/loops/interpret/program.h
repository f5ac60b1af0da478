// The interpreter's program: what interpret/compile.cpp makes and interpret.cpp runs. Not for others to include.
//
//   registers:  | constants, dims | loop variables, locals, values of expressions ... |   8 bytes a lane
//   code:       one list; a nested body follows its loop's first instruction, jumps are relative
#pragma once

#include <deque>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "strata/ir/loops/kernel.h"
#include "strata/ir/loops/run_status.h"

namespace strata::ir::loops {

/// Memory of one buffer in one run.
struct BufferState {
  char* data = nullptr;
  int64_t element_bytes = 0;
  const Buffer* buffer = nullptr;
  std::vector<int64_t> shape, strides;  ///< in elements
  std::vector<char> owned;              ///< scratch and register tiles
};

/// State of one run.
struct Frame {
  std::vector<uint64_t> registers;
  std::vector<BufferState> buffers;
  RunStatus* status = nullptr;
  int64_t first_task = 0, last_task = -1;
  unsigned char scratch = 0xff;  ///< each byte of new scratch memory
};

struct Instruction;
using Step = const Instruction* (*)(Frame&, const Instruction*);

/// `dst`, `a`, `b`, `c` are first registers of values, except where a Step says otherwise.
struct Instruction {
  Step run = nullptr;
  uint32_t dst = 0, a = 0, b = 0, c = 0;
  uint32_t lanes = 1;
  int32_t jump = 0;  ///< relative to this instruction
  int64_t imm = 0;
  const void* access = nullptr;  ///< Access of loads and stores
  Expr expr = nullptr;           ///< what it computes; null: it stores, moves or jumps
};

/// Where the indices of a load or store stand.
struct Access {
  uint32_t slot = 0;  ///< of the buffer
  struct Index {
    uint32_t cell;
    bool is_vector;
  };
  std::vector<Index> indices;
};

struct InterpreterProgram {
  std::shared_ptr<LoopContext> context;
  std::vector<Instruction> code;                            ///< ends with a null Step
  std::vector<uint64_t> registers;                          ///< initial values
  std::vector<std::pair<uint32_t, std::string>> dim_cells;  ///< registers that hold dimensions
  std::vector<const Buffer*> buffers;                       ///< parameters first
  size_t param_count = 0;
  std::vector<std::string> dims;
  std::deque<Access> accesses;
};

/// Steps by op and types; nullptr if the table has none (the verifier refuses such nodes).
Step arithmetic_step(ExprOp op, DType type);
/// Dot2, Dot2Flushed, Dot4 and Interleave.
Step group_step(Expr e);
Step cast_step(DType to, DType from);
Step load_step(DType type);
Step store_step(DType type);

// Control; see interpret/control.cpp for their operands.
const Instruction* step_copy(Frame&, const Instruction*);
const Instruction* step_splat(Frame&, const Instruction*);
const Instruction* step_ramp(Frame&, const Instruction*);
const Instruction* step_loop_enter(Frame&, const Instruction*);
const Instruction* step_task_enter(Frame&, const Instruction*);
const Instruction* step_loop_next(Frame&, const Instruction*);
const Instruction* step_jump(Frame&, const Instruction*);
const Instruction* step_jump_unless(Frame&, const Instruction*);
const Instruction* step_alloc(Frame&, const Instruction*);
const Instruction* step_check(Frame&, const Instruction*);

InterpreterProgram compile_for_interpreter(const Kernel& kernel);

/// A run's registers and memory. E0124 for what has no value, or too few buffers.
Frame make_frame(const InterpreterProgram& program, std::span<void* const> buffers, std::span<const int64_t> dims);
/// Where a lane of an access lies, in elements. E0125 when it reaches outside of its buffer.
int64_t element_of_lane(const Frame& frame, const Access& access, uint32_t lane);

}  // namespace strata::ir::loops
