// What a binding of the dimensions makes of a plan: sizes, offsets in the arena, needs of the kernels. No memory: that
// belongs to the run (run_context.h).
//
// A binding that was never seen costs some microseconds: all formulas of the plan stand in one table (ir/dim_table.h),
// kernels that are the same are asked for their needs once, and the conditions of entry say that no rule needs to be
// asked again (ir/graph/entry_conditions.h).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <vector>

#include "strata/ir/counts/counts.h"
#include "strata/ir/dim_table.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/plan/arena.h"
#include "strata/ir/plan/plan.h"
#include "strata/runtime/machine_code/object_code.h"

namespace strata::runtime {

class Executable;

/// Compiled code for one entry of Plan::kernels.
struct BoundKernel {
  KernelFunction run = nullptr;
  KernelNeedsFunction needs = nullptr;
  bool looks_at_results = false;             ///< status kStatusNotFinite says when one of Plan::finite isn't
  std::vector<int> dims;                     ///< the kernel's dimensions as indices into Plan::dims
  std::shared_ptr<const void> code;          ///< keeps what `run` and `needs` point into
  std::shared_ptr<const ObjectCode> native;  ///< the same, where it is machine code of this machine
};

/// Asked once for a new binding, before anything runs: gives a program of its own for one that the plan can't or must
/// not run, null if it can.
using OwnProgram = std::function<std::shared_ptr<const Executable>(const ir::DimBinding& dims)>;

struct OwnProgramOf {
  /// A binding that breaks a condition of entry. Throws what the ops' type rules say of these extents.
  OwnProgram empty_axes = nullptr;
  /// Any other, where memory has a budget. Throws E0314.
  OwnProgram budget = nullptr;
};

/// The program as its user wrote it, before any pass.
using RecordedGraph = std::function<std::shared_ptr<const ir::Graph>()>;

struct Binding {
  std::vector<int64_t> dims;              ///< the values of Plan::dims; of counts the largest
  std::shared_ptr<const Executable> own;  ///< runs in this program's place; then nothing below is set
  std::vector<int64_t> buffer_bytes;      ///< by buffer
  std::vector<int64_t> offsets;           ///< by buffer, of arena roots
  ir::ArenaLayout layout;
  std::vector<KernelNeeds> needs;    ///< by kernel
  std::vector<int64_t> kernel_dims;  ///< of all kernels, one after the other (Bindings::dims_of)
  std::vector<int> kernel_of;        ///< by command: the kernel, or the variant of it, that runs
  std::vector<bool> is_parallel;     ///< by command
  std::vector<int> step_end;         ///< by command: those up to there need none of each other and run side by side
  std::vector<bool> is_emptied;      ///< by kernel: a count that it was given breaks a condition; empty: none does
  int64_t scratch_bytes = 0;         ///< of one slot
  mutable std::atomic<uint64_t> last_use{0};
};

/// The bindings of one program, made when they are met first. Several threads may ask at once; those that find theirs
/// hold a shared lock for as long as the look takes.
class Bindings {
 public:
  /// The plan and its kernels outlive it.
  Bindings(const ir::Plan& plan, std::span<const BoundKernel> kernels, OwnProgramOf own);

  /// E0110 for a symbol without a value, E0116 and others that the type rules throw, E0122 for sizes out of range.
  std::shared_ptr<const Binding> find(const ir::DimBinding& dims) const;
  /// A binding of the run's own, if the program counts, for count() to write into; null if it doesn't.
  std::unique_ptr<Binding> to_count_in(const Binding& binding) const;
  /// Sizes and needs for the counts that `dims` knows; of others the largest. The arena stays as it is.
  void count(Binding& binding, const ir::DimBinding& dims) const;
  /// The dimensions of a kernel in a binding.
  const int64_t* dims_of(const Binding& binding, int kernel) const {
    return binding.kernel_dims.data() + first_dim_[kernel];
  }

 private:
  std::vector<int> counts_in(ir::Dim d) const;
  std::vector<int64_t> values_of(const ir::DimBinding& dims) const;
  std::shared_ptr<const Binding> known(std::span<const int64_t> values) const;
  std::shared_ptr<const Binding> make(const ir::DimBinding& dims, std::vector<int64_t> values) const;
  bool may_enter(std::span<const int64_t> values) const;
  void fill(Binding& binding, std::span<const int64_t> values) const;
  std::vector<bool> broken_counts(std::span<const int64_t> values) const;
  int kernel_for(size_t command, std::span<const int64_t> values) const;
  void choose_kernels(Binding& binding, std::span<const int64_t> values) const;
  void choose_steps(Binding& binding, std::span<const int64_t> values) const;
  struct Beside {
    int64_t flops, bytes;
  };
  int64_t held_bytes(const ir::PlanCommand& command, std::span<const int64_t> values) const;
  std::optional<Beside> may_share_step(const Binding& binding, size_t command, std::span<const int64_t> values) const;
  int end_of_step(const Binding& binding, int first, std::span<const int64_t> values) const;

  const ir::Plan& plan_;
  std::span<const BoundKernel> kernels_;
  OwnProgramOf own_;
  ir::CountBounds counts_;
  std::vector<ir::Dim> symbols_;  ///< of Plan::dims
  ir::DimTable formulas_;
  /// Places among the values of formulas_.
  struct WorkFormulas {
    int flops, bytes;
  };
  std::vector<int> entry_, buffer_bytes_, room_;   ///< room: for any value of the counts
  std::vector<std::vector<int>> counts_of_entry_;  ///< by condition: the counts in it, as indices into Plan::dims
  std::vector<std::vector<int>> variant_sizes_;    ///< by command
  std::vector<WorkFormulas> work_;                 ///< by command
  std::vector<int> latest_needed_;                 ///< by command: the last one that it needs; -1: none
  std::vector<bool> is_looked_at_;                 ///< by command: its results are looked at when it has run
  std::vector<size_t> first_dim_;                  ///< by kernel: its first entry of Binding::kernel_dims
  std::vector<size_t> twin_;                       ///< by kernel: the first one of the same code and dimensions

  mutable std::mutex making_;        ///< held while a binding is made; others are looked up meanwhile
  mutable std::shared_mutex table_;  ///< guards bindings_
  mutable std::vector<std::shared_ptr<const Binding>> bindings_;
};

}  // namespace strata::runtime
