// Runs a plan: one arena, the commands in order, those that need none of each other side by side, kernels on the
// device that they were compiled for, a status word checked after each that can fail.
//
//   Executable   the program: never changes, any number of runs at once read it
//   Binding      what a binding of the dimensions makes of it: sizes, offsets; in a table (binding.h), never changed
//   RunContext   memory of one run (run_context.h)
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "strata/ir/graph/interpret.h"
#include "strata/ir/plan/plan.h"
#include "strata/runtime/device/device.h"
#include "strata/runtime/execute/binding.h"
#include "strata/runtime/execute/command_look.h"
#include "strata/runtime/execute/prepared.h"

namespace strata::runtime {

class RunContext;

/// What a program was made of and for.
struct ProgramOrigin {
  RecordedGraph recorded;
  std::string isa = "scalar";             ///< of its machine code
  const Device* device = &host_device();  ///< that its kernels run on
};

/// What a binding of the dimensions makes of a plan.
struct MemoryUse {
  int64_t arena_bytes = 0;
  int64_t largest_live_bytes = 0;  ///< lower bound for any arena
  int64_t region_bytes = 0;  ///< the most that the regions of one loop or condition have at once, spare carries too
};

/// Where the buffers of a plan lie in its arena, by buffer: of those that own memory there.
struct MemoryMap {
  int64_t arena_bytes = 0;
  std::vector<int64_t> offsets, bytes;
};

class Executable {
 public:
  Executable(std::shared_ptr<const ir::Plan> plan, std::vector<BoundKernel> kernels,
             std::vector<std::shared_ptr<const Executable>> regions, OwnProgramOf own = {}, ProgramOrigin origin = {},
             std::vector<std::shared_ptr<const Executable>> prologue = {});
  ~Executable();

  const ir::Plan& plan() const { return *plan_; }
  /// By Plan::kernels and Plan::regions.
  std::span<const BoundKernel> kernels() const { return kernels_; }
  std::span<const std::shared_ptr<const Executable>> regions() const { return regions_; }
  /// By Plan::prologue: what makes the arguments that no caller gives.
  std::span<const PreparedArgument> prologue() const { return prologue_; }
  /// Whether a command reads the elements of an argument that a caller gives; else values of the prologue may.
  bool reads_elements(int argument) const;
  const ProgramOrigin& origin() const { return origin_; }

  /// Results for arguments, one per parameter that is no value of the prologue: those are made of the others at the
  /// first run on them, and again when these were written to (prepared.h). Arguments of donations are consumed: their
  /// memory becomes the result's when nobody else holds it, and is copied otherwise. Throws User errors for wrong
  /// shapes (E0110, E0111), for an argument that was handed over and is read (E0335), for extents that an op's type
  /// rule refuses (E0116 above all) and for failed checks (E0136, E0118: the interpreter's own), for an argument that
  /// must be written in place and that somebody else holds (E0330), for results that aren't finite where the plan
  /// looks at them (E0318), and E0319 when it was cancelled (cancel.h). `print` writes to standard output. After an
  /// error the arguments are still there, bit for bit as they came; else they are gone. Several threads may call it;
  /// their runs go on side by side, each in a context that stood idle.
  std::vector<ir::HostArray> run(std::vector<ir::HostArray>&& arguments) const;
  /// The same in a context of the caller's: E0322 if another run uses it.
  std::vector<ir::HostArray> run(std::vector<ir::HostArray>&& arguments, RunContext& context) const;

  /// The same with memory of the caller's for the results: arrays of their types and shapes, none of whose memory the
  /// arguments have. Of programs without donations.
  void run_into(std::vector<ir::HostArray>&& arguments, std::vector<ir::HostArray>& results) const;

  /// The same as run() with a look at each command, also of regions, one after the other; the arguments stay as they
  /// are, and
  /// results may be NaN or infinite (no E0318).
  std::vector<ir::HostArray> run_looking(const std::vector<ir::HostArray>& arguments, const LookAtCommand& look) const;

  /// Throws what run() throws for shapes.
  MemoryUse memory_use(std::span<const std::vector<int64_t>> argument_shapes) const;
  /// Empty where a program of its own runs (docs/decisions/0012).
  MemoryMap memory_map(std::span<const std::vector<int64_t>> argument_shapes) const;
  MemoryUse memory_use(const ir::DimBinding& dims) const;
  /// What the arguments' shapes say of the dimensions: E0116, E0110, E0111.
  ir::DimBinding dims_of(std::span<const std::vector<int64_t>> argument_shapes) const;
  /// The program that runs in this one's place for such dimensions (binding.h); null: this one does.
  std::shared_ptr<const Executable> own_program(const ir::DimBinding& dims) const;

 private:
  struct Counting;
  struct Execution;
  struct HostCall;
  struct RegionFrame;
  struct RegionCall;
  std::vector<ir::HostArray> run_within(std::vector<ir::HostArray>&& arguments, const ir::DimBinding* outer,
                                        RunContext& context, const LookAtCommand* look = nullptr,
                                        std::vector<ir::HostArray> results = {}) const;
  std::string span_name(const ir::PlanCommand& command) const;
  /// The extents of a region's dimensions, within a program: the symbols around it mean the same inside.
  ir::DimBinding dims_within(const ir::DimBinding& outer) const;
  /// Of the regions of a command, with those of the commands within them.
  int64_t region_bytes(const ir::PlanCommand& command, const ir::DimBinding& dims) const;
  void require_own_memory(std::span<const ir::HostArray> arguments) const;
  void add_prepared(std::vector<ir::HostArray>& arguments) const;
  void require_elements(std::span<const ir::HostArray> arguments) const;
  std::vector<std::vector<int64_t>> shapes_of(std::span<const ir::HostArray> arguments) const;

  std::shared_ptr<const ir::Plan> plan_;
  std::vector<BoundKernel> kernels_;
  std::vector<std::shared_ptr<const Executable>> regions_;
  Bindings bindings_;
  ProgramOrigin origin_;
  std::vector<PreparedArgument> prologue_;
  std::vector<ir::Type> parameter_types_;                            ///< of the arguments that a caller gives
  std::vector<int> read_arguments_;                                  ///< whose elements a command reads
  std::vector<std::vector<int>> argument_members_, result_members_;  ///< buffers in the memory of each
  std::vector<const char*> span_names_;                              ///< by command, for traces
  std::vector<size_t> first_pointer_;                                ///< by command, and their number
  size_t first_donated_write_ = 0;                                   ///< the command from which on a run completes
  std::vector<const ir::FiniteResult*> finite_;                      ///< of the plan, in the order of their commands
  /// Arguments whose memory an update writes that must be in place.
  std::vector<std::pair<int, const ir::PlanCommand*>> written_in_place_;
};

}  // namespace strata::runtime
