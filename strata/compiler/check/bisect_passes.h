// Which pass broke a program: the first after which its meaning, as the interpreter sees it, is another.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "strata/compiler/pipeline.h"
#include "strata/ir/host_array.h"

namespace strata::compiler {

struct BrokenPass {
  int number = 0;  ///< position in the list
  std::string_view name;
  std::string difference;
  std::shared_ptr<const ir::Graph> before;  ///< what the pass was given
};

/// Runs the passes in order and compares after each that changed something, on each set of arguments; nothing if all
/// keep the meaning. Those that `context` disables are left out.
std::optional<BrokenPass> find_broken_pass(const ir::Graph& graph, std::span<const Pass> passes,
                                           std::span<const std::vector<ir::HostArray>> argument_sets,
                                           const PassContext& context = {});

}  // namespace strata::compiler
