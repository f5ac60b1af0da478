// What memory a run of a plan takes, known before it runs, and how a budget is refused that it can't keep.
//
// Counted are arguments, constants, results that no argument gives its memory to, the arena, and what the regions of
// loops and conditions have while they run; not the packing scratch of kernels (kilobytes a thread) nor what the
// process holds beside the program.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/runtime/execute/executable.h"

namespace strata::compiler {

struct LiveTensor {
  std::string name;  ///< "argument fc1.weight", "dot at mlp.cpp:17 hidden"
  std::string type;  ///< "f32[64,784]"
  int64_t bytes = 0;
  bool is_outside = false;  ///< an argument, a literal or a result: not of the arena, nor of regions
};

struct MemoryPeak {
  int64_t bytes = 0;             ///< of the whole run
  int64_t arena_bytes = 0;       ///< of these, the arena
  int64_t region_bytes = 0;      ///< and the regions of the command whose regions take most
  int command = -1;              ///< at which most is alive; -1: there are no commands
  std::string at;                ///< its op, with its position
  std::vector<LiveTensor> live;  ///< then, and in the regions that take most, the largest first
};

/// For arguments of these shapes, of the program that runs for them.
MemoryPeak memory_peak(const runtime::Executable& program, std::span<const std::vector<int64_t>> argument_shapes);
MemoryPeak memory_peak(const runtime::Executable& program, const ir::DimBinding& dims);

/// The largest sizes that the facts of a program allow; E0116 for a symbol without a bound.
ir::DimBinding largest_dims(const ir::Graph& graph);

/// What budgets may be: E0760 by the name of the field or option for 0, what is negative, and more than the machine
/// has.
void require_usable_budget(std::string_view owner, int64_t budget_bytes,
                           std::string_view field = "memory_budget_bytes");

/// Throws E0314 with the tensors that are live at the peak, which is more than the budget.
[[noreturn]] void refuse_budget(const runtime::Executable& program, const MemoryPeak& peak, int64_t budget_bytes);

}  // namespace strata::compiler
