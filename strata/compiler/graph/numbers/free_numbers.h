// The numbers of a program that may as well be arguments of it.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

/// Scalar constants that are only used by arithmetic that gives the same bits when it is not known at compile time, in
/// the order of the graph.
std::vector<const ir::Node*> free_numbers(const ir::Graph& graph);

enum class Sizes : uint8_t {
  Count,       ///< other sizes, another identity
  AreLeftOut,  ///< where they are numbers (written_sizes.h)
};

/// Identity of the graph as it was recorded, but for positions and the values of these nodes. Within this process.
base::Hash128 hash_without(const ir::Graph& graph, std::span<const ir::Node* const> numbers,
                           Sizes sizes = Sizes::Count);

/// The program with `numbers` as parameters behind its own.
std::shared_ptr<ir::Graph> with_parameters(const ir::Graph& graph, std::span<const ir::Node* const> numbers);

}  // namespace strata::compiler
