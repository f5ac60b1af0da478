// Batching: a program over a new leading axis, by each op's vmap rule. What does not depend on a batched input stays as
// it is.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::transform {

/// Values, and which of them carry the batch as axis 0.
struct Batched {
  std::vector<ir::Value> values;
  std::vector<bool> is_batched;
};

/// Appends `body` over a batch of extent `size` to `to`, with `arguments` in place of its parameters: those marked
/// carry the batch as axis 0. User error E0205 when an op has no rule.
Batched append_vmap(const ir::Graph& body, ir::Graph& to, std::span<const ir::Value> arguments,
                    std::span<const bool> is_batched, ir::Dim size);

/// x with a new axis 0 of extent `size`.
ir::Value with_batch(ir::Value x, ir::Dim size);

/// The region over batches: marked parameters and every result carry the batch. See Vmap::vmap_region.
ir::GraphRef vmap_region(const ir::Graph& region, std::span<const bool> is_batched, ir::Dim size);

/// graph -> graph: the marked parameters and all results over a batch.
std::unique_ptr<ir::Graph> vmap(const ir::Graph& graph, std::span<const bool> is_batched, ir::Dim size);

}  // namespace strata::transform
