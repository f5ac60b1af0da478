// Makes a failing program smaller while it keeps failing: for bug reports and golden tests.
#pragma once

#include <functional>
#include <memory>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

/// Tries to return fewer results, to make inner nodes the results, to replace nodes by parameters, and to drop unused
/// parameters, as long as `fails` still says yes; a candidate for which `fails` throws does not count as failing.
std::shared_ptr<const ir::Graph> reduce_program(std::shared_ptr<const ir::Graph> graph,
                                                const std::function<bool(const ir::Graph&)>& fails);

}  // namespace strata::compiler
