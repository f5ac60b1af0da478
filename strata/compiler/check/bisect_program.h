// What makes a compiled program give something else than it should: a pass, a kernel, how the kernels work together, or
// nothing but roundings that add up.
//
//   1. passes     each one's result means in the interpreter what it was given (bisect_passes.h), in regions of loops
//                 as well
//   2. kernels    each gives what its node means (bisect_kernels.h)
//   3. together   the program as it runs gives what its commands give one by one: else the plan or the threads are
//                 wrong
//   4. roundings  the results lie within what the ops' tolerances add up to
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "strata/compiler/check/bisect_kernels.h"
#include "strata/compiler/check/bisect_passes.h"
#include "strata/compiler/compile.h"

namespace strata::compiler {

struct BisectOptions {
  std::span<const Pass> passes = pipeline();  ///< that are looked at; compile() runs all but the disabled
  CompileOptions compile;
  /// With a target the passes are not looked at: they are the same for both.
  KernelReference reference;
};

enum class Culprit { None, Pass, Kernel, Together, Roundings };

struct Bisection {
  Culprit culprit = Culprit::None;
  size_t argument_set = 0;               ///< on which it shows
  std::optional<BrokenPass> pass;        ///< of Pass
  std::string within;                    ///< of Pass: the loop's region that it ran on; empty: the program
  std::optional<WrongKernel> kernel;     ///< of Kernel
  std::optional<ElementDifference> off;  ///< of Together and Roundings: of the program's results
  int64_t passes = 0, kernels = 0;       ///< that were compared
};

/// Looks for the first culprit in the order above. Throws what the runs throw.
Bisection bisect_program(const std::shared_ptr<const ir::Graph>& graph,
                         std::span<const std::vector<ir::HostArray>> argument_sets, const BisectOptions& options = {});

/// The smallest program found on which the pass or the kernel still goes wrong on one of `runs` sets of random
/// arguments; the program of the culprit as it is where these don't show it. Of Pass and Kernel.
std::shared_ptr<const ir::Graph> smallest_program(const Bisection& found, const BisectOptions& options, int runs,
                                                  uint64_t seed);

/// Of two ways to compile, with some passes and without: the first of `passes` that, switched on after those before it,
/// moves a result by more than `reference.allowed`.
struct MovingPass {
  std::string name;
  size_t argument_set = 0;
  ElementDifference off;  ///< expected: without the pass
};
std::optional<MovingPass> find_moving_pass(const std::shared_ptr<const ir::Graph>& graph,
                                           std::span<const std::vector<ir::HostArray>> argument_sets,
                                           std::span<const std::string> passes, const BisectOptions& options = {});

}  // namespace strata::compiler
