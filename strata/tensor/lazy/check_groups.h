// Which of a program's values can be had without its checks, or with which of them: after one of them refused a value.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::lazy {

/// Values that stand behind the same checks.
struct CheckGroup {
  std::set<uint32_t> checks;   ///< ids of nodes (ops::has_value_check)
  std::vector<size_t> values;  ///< positions among those that were asked about
};

/// Groups with fewer checks first.
std::vector<CheckGroup> group_by_checks(const ir::Graph& graph, std::span<const ir::Value> values);

}  // namespace strata::lazy
