// For tests: a scheduled kernel against its naive form, in the loop interpreter and as native code, bit for bit.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "strata/ir/host_array.h"
#include "strata/ir/loops/kernel.h"
#include "strata/machine/cpu_target.h"

namespace strata::compiler {

enum class Run { InterpretOnly, InterpretAndNative };

/// Fills the buffers at random, runs the naive kernel in the interpreter, then `scheduled` in the interpreter, where
/// each element has to be made in the same way (dependence_difference), compiles it and, where the host can, runs that.
/// Returns the first difference, or an empty text. Any NaN equals any other.
/// Indices that a kernel loads are drawn from 0 and 1.
std::string compare_kernels(const ir::loops::Kernel& naive, const ir::loops::Kernel& scheduled,
                            const std::vector<int64_t>& dims, machine::CpuTarget cpu, Run run, uint64_t seed = 1);

/// A naive kernel and what to run it with.
struct ComparedKernel {
  ir::loops::Kernel naive;
  std::vector<int64_t> dims;
  std::vector<ir::HostArray> inputs;  ///< the first parameters; the rest is filled at random
};

/// The CPU that loops are scheduled for and the one that they are compiled for, which may be lower: wide vectors are
/// then split.
struct CompiledFor {
  machine::CpuTarget schedule, code;
};
inline std::ostream& operator<<(std::ostream& out, CompiledFor cpus) {
  return out << "loops of " << cpus.schedule.name << " as code of " << cpus.code.name;
}

/// Schedules the kernels, which have distinct names, runs them in the loop interpreter, compiles them into one object,
/// and runs that if the host can. Returns the first difference from the naive loops, or an empty text.
std::string compare_all(const std::vector<ComparedKernel>& kernels, CompiledFor cpus);

/// Schedules a kernel for every preset and compares each; native for each that the host runs.
std::string compare_schedules(const ir::loops::Kernel& naive, const std::vector<int64_t>& dims,
                              Run run = Run::InterpretAndNative, uint64_t seed = 1);

/// The same for the text of a kernel.
std::string compare_schedules(const std::string& text, const std::vector<int64_t>& dims,
                              Run run = Run::InterpretAndNative, uint64_t seed = 1);

}  // namespace strata::compiler
