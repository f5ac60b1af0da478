// Which kernel of a compiled program gives another result than it should: the program runs command by command, and each
// kernel's results are compared with what its node means on the operands that the kernel was given. So no error of an
// earlier kernel counts against a later one.
//
//   kernel's operands -> kernel          -> found
//                     -> the interpreter -> expected      allowed: what the tolerances of the node's ops add up to
//                     -> another target  -> expected      allowed: nothing, levels give the same bits
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/ir/host_array.h"

namespace strata::compiler {

struct WrongKernel {
  std::string program;                     ///< whose command it is: the program's name, or that of a loop's region
  std::string kernel;                      ///< "fusion.1f2a88d1"
  int command = 0;                         ///< in the plan of that program
  std::string op;                          ///< the node's, with its position
  std::shared_ptr<const ir::Graph> alone;  ///< what the kernel means: its operands are parameters, extents numbers
  std::vector<ir::HostArray> operands;     ///< that it was given
  ElementDifference off;
};

/// How far a kernel may be off.
enum class Allowed {
  Tolerance,  ///< what the ops allow (error_bounds.h)
  Nothing,    ///< the same bits
};

struct KernelReference {
  const Target* target = nullptr;  ///< null: the interpreter
  Allowed allowed = Allowed::Tolerance;
};

struct KernelBisection {
  std::optional<WrongKernel> wrong;
  int64_t compared = 0;                ///< runs of kernels
  std::vector<ir::HostArray> results;  ///< of the program, run command by command
};

/// Compares until a kernel differs. Throws what running the program throws, but E0318.
KernelBisection find_wrong_kernel(const runtime::Executable& program, const std::vector<ir::HostArray>& arguments,
                                  const KernelReference& reference = {});

/// The results of a program by the reference, and how far each element may be off; without bounds: not at all.
struct ReferenceResults {
  std::vector<ir::HostArray> results;
  std::vector<std::vector<double>> bounds;
};
ReferenceResults reference_results(const std::shared_ptr<const ir::Graph>& graph,
                                   std::span<const ir::HostArray> arguments, const KernelReference& reference);

}  // namespace strata::compiler
