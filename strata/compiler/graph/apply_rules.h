// Local rewriting: rules that look at one node and may give a value to take its place.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/host_array.h"

namespace strata::compiler {

/// Looks at a node of the graph that is being made (its operands are final) and gives a value of the same type, or
/// null. What it appends is looked at in the next round.
using NodeRule = ir::Value (*)(const ir::Node& node);

/// Applies the rules to every node, in order, until none fires any more. Nodes with several results, without result or
/// with an effect are left alone. Where rules fire still after 16 rounds it stops, and says so among the target's
/// remarks and, once for each pass and process, on the log.
std::unique_ptr<ir::Graph> apply_rules(const ir::Graph& graph, std::span<const NodeRule> rules,
                                       const PassContext& context = {});

/// The one element that a value repeats everywhere: of a scalar constant, of a constant of equal elements, or of a
/// broadcast of either.
std::optional<ir::HostArray> splat_of(ir::Value value);
/// Whether a value is such a splat of exactly this number (zeros with this sign).
bool is_splat(ir::Value value, double number);

}  // namespace strata::compiler
