// The loop interpreter: scalar execution of a loop program, rounding as written. It is the oracle of native code, which
// equals it bit for bit, with one freedom: any NaN stands for any other (payload and sign of a NaN are not part of the
// meaning).
//
// A kernel is compiled once to a flat list of instructions over 8-byte registers, one per lane, and then run: 200 to
// 350 M simple operations a second on one core (interpret_test.cpp prints it). Every access is checked against its
// buffer's shape.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "strata/ir/loops/kernel.h"
#include "strata/ir/loops/run_status.h"

namespace strata::ir::loops {

struct InterpreterProgram;  // interpret/program.h

/// A kernel made ready to run many times. Keeps the kernel's context alive. run() may be called from several threads.
class Interpreter {
 public:
  /// Throws E0124 if the kernel uses what it does not bind.
  explicit Interpreter(const Kernel& kernel);
  ~Interpreter();

  /// Runs the tasks first_task <= t < last_task (-1: to the last one) in ascending order. `buffers` has one pointer per
  /// parameter, `dims` one value per dimension. Each byte of scratch memory starts as `scratch`: all ones are NaN.
  /// Throws E0125 on an access outside of a buffer.
  void run(std::span<void* const> buffers, std::span<const int64_t> dims, RunStatus& status, int64_t first_task = 0,
           int64_t last_task = -1, unsigned char scratch = 0xff) const;

 private:
  std::unique_ptr<const InterpreterProgram> program_;
};

void interpret(const Kernel& kernel, std::span<void* const> buffers, std::span<const int64_t> dims, RunStatus& status,
               int64_t first_task = 0, int64_t last_task = -1);

/// The Parallel or Blocks loop that is the kernel's body, or nullptr.
const Stmt* parallel_loop(const Kernel& kernel);

/// Number of tasks of a kernel for these dimensions: iterations of its Parallel or Blocks loop, else 1.
int64_t task_count(const Kernel& kernel, std::span<const int64_t> dims);

}  // namespace strata::ir::loops
