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

/// An element that is not what it should be.
struct ElementDifference {
  int result = 0;
  int64_t element = 0;
  double expected = 0, found = 0, allowed = 0;
  std::string text() const;
};

/// The first element that is further off than its bound (error_bounds.h); without bounds, whose bits differ, where any
/// NaN equals any NaN. Nothing if none is. Both have the same types.
std::optional<ElementDifference> first_element_off(std::span<const ir::HostArray> expected,
                                                   std::span<const ir::HostArray> found,
                                                   const std::vector<std::vector<double>>& bounds = {});

/// The same as text, which also says where the types differ.
std::optional<std::string> first_out_of_bounds(std::span<const ir::HostArray> expected,
                                               std::span<const ir::HostArray> found,
                                               const std::vector<std::vector<double>>& bounds);

/// Compiled against interpreted on these arguments.
std::optional<std::string> find_native_difference(std::shared_ptr<const ir::Graph> graph,
                                                  std::span<const ir::HostArray> arguments,
                                                  const CompileOptions& options = {});

}  // namespace strata::compiler
