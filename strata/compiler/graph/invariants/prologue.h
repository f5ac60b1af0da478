// Takes out of a fused program what depends on its constants alone, so that it can run apart: once for all steps of a
// loop, or once for a set of weights.
//
//   rest       the program with one parameter more for each value that it needs of that
//   values     for each of these a program that makes it of some of the constants
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

struct PrologueValue {
  ir::GraphRef program;         ///< of one result
  std::vector<int> parameters;  ///< of the whole program, that this one is run on
};

struct Prologue {
  ir::GraphRef rest;
  std::vector<PrologueValue> values;
};

/// The parameters for the values stand at `position` among those of the rest.
Prologue split_prologue(const ir::Graph& graph, std::span<const int> constants, size_t position);

/// The same program with parameters that nothing reads, at `position`.
ir::GraphRef with_unused_parameters(const ir::Graph& graph, std::span<const ir::Type> types, size_t position);

}  // namespace strata::compiler
