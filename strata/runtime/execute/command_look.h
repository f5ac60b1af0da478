// A look at a run from outside, command by command: for profiles, for comparing each kernel with what its node means,
// and
// for finding where a NaN comes from.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "strata/base/callable/function_ref.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/host_array.h"

namespace strata::runtime {

class Executable;

/// A command whose turn it is. Those of a region come between the start and the end of the command that it belongs to.
struct CommandAtWork {
  const Executable& program;   ///< the command's own: of a region, the region's
  size_t command;              ///< index into the commands of its plan
  const ir::DimBinding& dims;  ///< of this run
  /// What lies in these buffers of the plan now: memory of the run, which later commands write to.
  base::FunctionRef<std::vector<ir::HostArray>(const std::vector<int>& buffers)> views;
  base::FunctionRef<void()> run;  ///< to be called once
};

using LookAtCommand = std::function<void(const CommandAtWork&)>;

}  // namespace strata::runtime
