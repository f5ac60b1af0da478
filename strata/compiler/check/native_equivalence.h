// Whether a compiled program gives what the interpreter gives, within what the ops' tolerances allow.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "strata/compiler/compile.h"
#include "strata/ir/host_array.h"

namespace strata::compiler {

/// Runs a program natively; arguments are copied, so that none is consumed.
std::vector<ir::HostArray> run_natively(const std::shared_ptr<const ir::Graph>& graph,
                                        std::span<const ir::HostArray> arguments, const CompileOptions& options = {});

/// The first element that is further off than its bound (error_bounds.h), or nothing.
std::optional<std::string> first_out_of_bounds(std::span<const ir::HostArray> expected,
                                               std::span<const ir::HostArray> found,
                                               const std::vector<std::vector<double>>& bounds);

/// Compiled against interpreted on these arguments.
std::optional<std::string> find_native_difference(std::shared_ptr<const ir::Graph> graph,
                                                  std::span<const ir::HostArray> arguments,
                                                  const CompileOptions& options = {});

}  // namespace strata::compiler
