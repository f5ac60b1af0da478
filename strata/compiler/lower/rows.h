// Kernels that go through the rows of an array once: reductions of its trailing axes and what is made of their results,
// row by row, so that a row is read from memory for the first of them and from the cache for the rest.
//
//   parallel i in rows {
//     m = max of x[i, :]                      a reduction: its value is a number of the row
//     for j: e[j] = exp(x[i, j] - m)          elements that a later reduction reads: a row of scratch, or a result
//     s = sum of e[:]
//     for j: y[i, j] = e[j] / s
//   }
//
// The array may be what a product makes: then a row's elements are its sums, and the reductions come behind them.
//
//   parallel i in rows { for j: y[i, j] = sum over k of a[i, k] * b[j, k];  s = sum of y[i, :]; ... }
//
// In a fusion's region a barrier stands behind elements that are kept for their row.
#pragma once

#include <optional>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

/// An array taken as rows: its first `kept` axes number them.
struct Rows {
  ir::Shape shape;
  int kept = 0;
  std::span<const ir::Dim> kept_shape() const { return {shape.data(), static_cast<size_t>(kept)}; }
  std::span<const ir::Dim> row_shape() const { return std::span(shape).subspan(kept); }
  friend bool operator==(const Rows&, const Rows&) = default;
};

/// What a reduction of exactly the trailing axes of its operand reduces; empty for any other node.
std::optional<Rows> rows_reduced_by(const ir::Node& node);

/// Whether the type has an element for each of the rows, or for each element of them.
bool is_per_row(ir::Type type, const Rows& rows);
bool is_per_element(ir::Type type, const Rows& rows);

/// Whether the node is a product whose result a task can make by whole rows, and then reduce them from its cache: few
/// enough elements, which are the columns of the product or the positions of an image.
bool makes_rows(const ir::Node& node, const Rows& rows);

/// The rows that a fusion's region goes through in several stages; empty if it is one nest of another kind.
std::optional<Rows> rows_of_region(const ir::Graph& region);

}  // namespace strata::compiler
