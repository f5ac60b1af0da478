// Which kernel of a program gets the next trials: where the program's time is expected to fall most (the gradient of
// Zheng and others, "Ansor: generating high-performance tensor programs for deep learning", OSDI 2020, section 6,
// without its term of similar tasks; the bound of a kernel is a roofline here).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace strata::compiler::tune {

struct TaskProgress {
  double launches = 1;         ///< of the kernel in a run of the program
  double bound_seconds = 0;    ///< no schedule is faster: operations and bytes at the machine's peaks
  std::vector<double> rounds;  ///< seconds of the best, before the first round and after each
  bool is_exhausted = false;   ///< nothing new is left to be tried
};

/// Seconds of the program that one more round of the task is expected to save.
double expected_gain(const TaskProgress& task);

/// The task with the most expected gain; each that had no round yet comes first, the most expensive before the others.
/// Nothing when all are exhausted.
std::optional<size_t> next_task(std::span<const TaskProgress> tasks);

}  // namespace strata::compiler::tune
