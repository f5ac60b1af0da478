// What the kernels of a program cost: their operations, the bytes that they have to move at least, and their time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/runtime/execute/executable.h"

namespace strata::compiler {

/// All runs of one kernel in a run of the program: a program of equal layers has each of their kernels once.
struct KernelFigure {
  std::string kernel;   ///< "fusion.1f2a88d1"
  std::string content;  ///< "dot, add, tanh": what it computes, without what is free
  int64_t runs = 0;
  double operations = 0, bytes = 0;  ///< of all runs; bytes: operands and results, each once (facet `cost`)
  double seconds = 0;                ///< of all runs: the median of the rounds
};

/// Runs the program `rounds` times behind one that counts for nothing, command by command. In the order in which they
/// run first. Commands of the host are none. Throws what runs throw, but E0318.
std::vector<KernelFigure> measure_kernels(const runtime::Executable& program,
                                          const std::vector<ir::HostArray>& arguments, int rounds);

}  // namespace strata::compiler
