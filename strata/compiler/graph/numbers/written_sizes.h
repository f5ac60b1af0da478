// The sizes that a program was recorded with, and the same program with other dimensions in their places: what a
// recorder of numbers makes one program of, for all sizes.
//
//   %0: f32[64,784], reshape %0 {dims = [50176]}        sizes 64, 784, 50176
//   with S0, 784, S0*784                                reshape of f32[S0,784] {dims = [S0*784]}
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

/// A dimension as it is written: an extent of a parameter, or an entry of an attribute; of regions, too.
struct WrittenSize {
  ir::Dim dim;
  bool is_extent = false;  ///< of a parameter of the program itself: its value is known when the program is called
};

/// In the order of the nodes, a region's behind its node's attributes.
std::vector<WrittenSize> written_sizes(const ir::Graph& graph);

/// The program with these dimensions in place of its own. Throws what the type rules throw.
std::shared_ptr<ir::Graph> with_sizes(const ir::Graph& graph, std::span<const ir::Dim> sizes);

/// Sizes that differ from call to call, written with as few symbols as follow from what was seen: equal extents are one
/// symbol, and what is a sum, a product or a part of symbols in all samples is written so. `samples` have the length of
/// `written`. A size that follows from no symbol stays the number of the last sample.
std::vector<ir::Dim> symbolic_sizes(std::span<const WrittenSize> written,
                                    std::span<const std::vector<int64_t>> samples);

}  // namespace strata::compiler
