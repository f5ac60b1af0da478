// One run of an Executable, and the runs of its regions within: where the buffers lie, and the commands in order.
#pragma once

#include <memory>
#include <vector>

#include "strata/ir/graph/op.h"
#include "strata/runtime/device/device.h"
#include "strata/runtime/execute/executable.h"
#include "strata/runtime/execute/region_loops.h"
#include "strata/runtime/execute/run_context.h"

namespace strata::runtime {

/// What changes in a run whose program counts: the sizes that it goes by.
struct Executable::Counting {
  std::unique_ptr<Binding> binding;
  ir::DimBinding& dims;
};

struct Executable::Execution {
  const Executable& self;
  const Binding& binding;
  RunContext& context;
  const ir::DimBinding& dims;
  std::vector<ir::HostArray>& arguments;
  std::vector<ir::HostArray>& results;
  int slots = 1;                 ///< that a kernel may use
  std::byte* scratch = nullptr;  ///< of all slots
  std::vector<std::byte*> memory;
  std::vector<std::shared_ptr<std::byte>> own_memory;     ///< of a device that does not share the host's
  std::vector<void*> pointers;                            ///< of all commands: a launch allocates nothing
  std::vector<KernelStatus> statuses;                     ///< by command
  std::vector<Launch> launches;                           ///< of the step that runs
  std::vector<std::unique_ptr<HostCall>> host_calls;      ///< by command, made when it runs first
  std::vector<std::unique_ptr<RegionCall>> region_calls;  ///< the same
  Counting* counting = nullptr;         ///< of a program that counts: its binding and dimensions are the run's own
  const LookAtCommand* look = nullptr;  ///< null: nobody looks

  /// Nothing that the device still works on may go.
  ~Execution();

  const Device& device() const { return *self.origin_.device; }

  /// Memory for everything; donated arguments become results.
  void place();
  /// What stays where it is when arguments and results move: constants, the arena, and lists for the commands.
  void place_own(std::byte* arena);
  /// From the first write of donated memory on nothing can fail: the plan is ordered so, and nothing allocates.
  void run();
  /// The step that begins with this command; returns where the next one does.
  size_t run_step(size_t first);
  bool is_better_alone(size_t first) const;
  /// Shows the command to those who look.
  void run_command(size_t c);
  void run_unseen(size_t c);

  std::vector<int64_t> shape_of(int buffer) const;
  /// The buffer for the host to look at: a view, or a copy of what lies on the device.
  ir::HostArray view(int buffer) const;
  std::vector<ir::HostArray> views(const std::vector<int>& buffers) const;

 private:
  void place_on_host();
  void place_on_device();
  /// Of donated arguments, which become results.
  void take_donations();
  std::byte* allocate(int64_t bytes);
  std::byte* copied_in(const ir::HostArray& array);
  void copy_results_out();
  /// The results that are to be finite and are complete behind this command.
  void require_finite(int c) const;
  std::vector<ir::HostArray> operands_of(const ir::PlanCommand& command) const;
  Launch launch_of(size_t c);
  void run_kernel(const ir::PlanCommand& command, size_t c);
  void copy_buffer(int from, int to) const;
  [[noreturn]] void fail(const ir::PlanCommand& command, const KernelStatus& status) const;
  void run_host(const ir::PlanCommand& command, size_t c);
  void run_regions(const ir::PlanCommand& command, size_t c);

  // counted_runs.cpp
  bool is_unknown(int buffer) const;
  void count(const ir::PlanCommand& command);
  void place_counted();
  bool is_emptied(const ir::PlanCommand& command) const;
  void run_emptied(const ir::PlanCommand& command);
  void ask_rules_of_nothing(const ir::PlanCommand& command) const;
};

/// A command that runs by its op's reference rule. Its views of the buffers are made once where the host shares the
/// device's memory.
struct Executable::HostCall {
  std::vector<ir::HostArray> operands, results;
  ir::Reference rule;

  HostCall(Execution& run, const ir::PlanCommand& command);
};

/// A region of a control command, placed once for all its runs within a run of the program around it.
struct Executable::RegionFrame final : BoundRegion {
  ir::DimBinding dims;
  std::shared_ptr<const Binding> binding;
  std::shared_ptr<const Executable> own;
  std::vector<ir::HostArray> none;  ///< the region is given pointers, not arrays
  std::unique_ptr<Execution> execution;

  RegionFrame(const Executable& region, const Execution& outer);
  void run(Pointers arguments, Pointers results) override;
};

/// A command whose regions run in place.
struct Executable::RegionCall {
  std::vector<std::unique_ptr<RegionFrame>> frames;
  std::vector<BoundRegion*> regions;
  RegionLoop loop;
  std::vector<std::byte*> operands, results;
  std::byte* spare;

  RegionCall(const Execution& run, const ir::PlanCommand& command);

 private:
  static std::vector<std::unique_ptr<RegionFrame>> frames_of(const Execution& run, const ir::PlanCommand& command);
};

}  // namespace strata::runtime
