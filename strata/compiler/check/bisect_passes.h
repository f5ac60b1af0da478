// Which pass broke a program: the first after which its meaning, as the interpreter sees it, is another.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "strata/compiler/pipeline.h"

namespace strata::compiler {

struct BrokenPass {
  int number = 0;  ///< position in the list
  std::string_view name;
  std::string difference;
  std::shared_ptr<const ir::Graph> before;  ///< what the pass was given
};

/// Runs the passes in order and compares after each that changed something; nothing if all keep the meaning.
std::optional<BrokenPass> find_broken_pass(const ir::Graph& graph, std::span<const Pass> passes, int runs = 3,
                                           uint64_t seed = 1);

}  // namespace strata::compiler
