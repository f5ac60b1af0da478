// The graph passes in the order in which they run, each with the reason why it stands there.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "strata/ir/graph.h"

namespace strata::compiler {

struct Pass {
  std::string_view name;
  std::unique_ptr<ir::Graph> (*run)(const ir::Graph&);
  std::string_view reason;
};

std::span<const Pass> pipeline();

}  // namespace strata::compiler
