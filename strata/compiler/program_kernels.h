// What a program compiles to, before anything is compiled: its graph after the passes, which nodes become kernels, and
// what schedule and loops each has. compile() goes on from here and explain() prints it, so that neither can decide
// anything that the other does not.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "strata/compiler/backends/target.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/graph/invariants/prologue.h"
#include "strata/compiler/loop/schedule_source.h"
#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// The target that the options mean.
const Target& target_of(const CompileOptions& options);

/// What the regions and the prologue of a program are compiled with.
CompileOptions options_of_parts(const CompileOptions& options);

/// A program on which the passes have run.
struct FinishedProgram {
  ir::GraphRef unfused;  ///< what the pass that fuses was given
  ir::GraphRef graph;    ///< with a parameter for each value of the prologue
  std::vector<PrologueValue> prologue;
  FinishedRegions regions;           ///< of its loops
  std::vector<std::string> remarks;  ///< of the passes
};
FinishedProgram finish_program(const ir::Graph& graph, const CompileOptions& options);

/// A node that does something when the program runs.
struct ProgramNode {
  const ir::Node* node;
  bool is_kernel;  ///< else a command of the host, whose regions are programs
};
/// Of a graph on which the passes have run, in its order.
std::vector<ProgramNode> nodes_of_program(const ir::Graph& graph, const Target& target);

/// What a kernel's loops are to be, and what they are known by.
struct KernelChoice {
  ScheduleOptions schedule;
  base::Hash128 identity;  ///< kernel_identity()
  std::string name;
};

struct KernelLoops {
  ir::loops::Kernel naive, scheduled;
  ScheduleReport report;
};

/// Chooses and makes the loops of kernels, as the options say.
class KernelLowering {
 public:
  explicit KernelLowering(const CompileOptions& options);

  /// `looked_at`: positions among the kernel's parameters of the results that it looks at. `rewrites`: its schedule, if
  /// not empty. A composite that the target claims has no loops, but a name.
  KernelChoice choose(const ir::Node& node, const ir::Facts& facts, std::span<const int> looked_at = {},
                      const std::string& rewrites = "") const;
  KernelLoops make(const ir::Node& node, const ir::Facts& facts, const KernelChoice& choice,
                   std::span<const int> looked_at = {}) const;

  const Target& target() const { return target_; }
  bool is_strict() const { return plain_.is_strict; }
  /// Asked before the heuristic; null: nothing is.
  const ScheduleSource* schedules() const { return source_.get(); }

 private:
  const Target& target_;
  ScheduleOptions plain_;                         ///< where the source says nothing
  std::shared_ptr<const ScheduleSource> source_;  ///< null: none
};

}  // namespace strata::compiler
