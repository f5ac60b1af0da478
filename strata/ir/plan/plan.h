// The plan: what an executable does, as a flat list of commands over buffers. Sizes are formulas in the program's
// dimensions; a binding of the dimensions turns them into offsets in one arena (arena.h).
//
//   plan @step where B in [1, 65536] {
//     b0 = argument 0        : f32[B,784]
//     b3 = arena [0, 1]      : f32[B,128]          first and last command that touch it
//     b4 = result 0          : f32[]
//     b5 = arena [1, 1]      : f32[B,128] in b3    shares b3's memory: a reshape, or written in place
//     0  kernel @fusion.1f2a (b0, b1, b2) -> (b3)
//     1  kernel @reduce_sum.77 (b3) -> (b4)
//   }
//
// A prologue makes arguments of arguments (a weight in panels) before the first run on them.
//
// A run succeeds or changes nothing: commands that can fail come before the first one that writes donated memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "strata/ir/graph/entry_conditions.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/host_array.h"
#include "strata/ir/plan/donation.h"

namespace strata::ir {

enum class PlanBufferKind : uint8_t {
  Argument,  ///< memory of argument `index`; read only, unless donated
  Constant,  ///< literal `index` of the plan
  Result,    ///< memory of result `index`, which the caller provides
  Arena,
};

struct PlanBuffer {
  Type type;
  PlanBufferKind kind = PlanBufferKind::Arena;
  int index = -1;
  int root = -1;              ///< the buffer whose memory this one is; itself if its own
  int first = -1, last = -1;  ///< commands between which its content is needed (of a root: of all that share it)
};

enum class CommandKind : uint8_t {
  Kernel,  ///< compiled code: parameters are reads, then writes; one more write than results is memory for it alone
  Copy,    ///< writes[0] = reads[0], byte for byte
  Host,    ///< runs `node` by its reference rule, with its regions compiled: control flow, prints, checks
};

/// A kernel that does the work of another where a size is small: the same bits by another schedule.
struct KernelVariant {
  Dim value;
  int64_t most = 0;  ///< it runs where `value` is at most that
  int kernel = -1;
};

struct PlanCommand {
  CommandKind kind = CommandKind::Kernel;
  int kernel = -1;                      ///< index into Plan::kernels
  std::vector<KernelVariant> variants;  ///< the first one whose size is kept runs in the place of `kernel`
  std::vector<int> reads, writes;
  const Node* node = nullptr;  ///< origin: positions in messages; the work of Host commands
  std::vector<int> regions;    ///< Host: indices into Plan::regions
  Cost cost;                   ///< of a kernel: decides whether threads are worth their start
  /// Host, or a kernel with a check in it or with a count: no donated memory may have been written before.
  bool can_fail = false;
  /// Kernel: writes[0] begins with the elements of this read, of which some are written (the lowering form `update`).
  /// They lie in the same memory, or are copied there first. -1: it is no update.
  int updates = -1;
  std::string copied_because;     ///< of an update: what keeps the elements alive; empty: it is in place
  bool must_be_in_place = false;  ///< of an update: a copy is an error, also of an argument that others hold (E0330)
};

struct Plan;

/// The last arguments of a plan are made of others: once for each set of these, which its caller declared to stay the
/// same over many runs.
struct PlanPrologue {
  std::vector<int> from;             ///< arguments that the callers give
  std::shared_ptr<const Plan> plan;  ///< of one result, which is the argument
};

struct Plan {
  std::string name;
  std::shared_ptr<const Graph> graph;  ///< keeps the nodes that commands refer to
  std::vector<std::string> dims;
  std::vector<EntryCondition> entry;  ///< a binding that breaks one gets a closer look before it runs
  std::vector<PlanBuffer> buffers;
  std::vector<PlanCommand> commands;
  std::vector<std::string> kernels;  ///< names, in the order of PlanCommand::kernel
  std::vector<HostArray> constants;
  std::vector<int> arguments, results;  ///< buffer ids
  std::vector<Donation> donations;      ///< those whose results are written in place of the argument
  std::vector<KeptArgument> kept;
  std::vector<FiniteResult> finite;
  std::vector<std::shared_ptr<const Plan>> regions;
  std::vector<PlanPrologue> prologue;  ///< of the last so many arguments, in their order

  /// Arguments that a caller gives.
  size_t given_arguments() const { return arguments.size() - prologue.size(); }
};

/// By buffer, the buffer that owns the memory which it lies in: its root, or the argument that was donated for that.
std::vector<int> memory_of_buffers(const Plan& plan);

/// The first command that writes the memory of a donated argument; their number when none does.
int first_donated_write(const Plan& plan);

}  // namespace strata::ir
