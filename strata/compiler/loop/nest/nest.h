// The nest of independent loops that a naive kernel is, taken apart so that schedules can put it together anew.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/compiler/loop/nest/linear_index.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

struct RowsBehind;

/// An independent loop from 0 to `extent`.
struct NestLoop {
  const ir::loops::LoopVar* var;
  ir::Dim extent;
};

/// Independent loops, outermost first, around `body`; the body may hold loops of its own.
struct Nest {
  std::vector<NestLoop> loops;
  std::vector<ir::loops::StmtPtr> body;
  /// Of sums that are rows of an array: what comes behind a row, in loops over the rows (rows_behind.h).
  std::shared_ptr<const RowsBehind> behind = nullptr;
};

/// What is done with each row of the nest's result when its elements are there.
///
///   for kept { for elements of the row { the nest's body }  body }        kept numbers the rows
struct RowsBehind {
  std::vector<NestLoop> kept;
  ir::Dim length;  ///< elements of a row
  std::vector<ir::loops::StmtPtr> body;
};

/// The outermost Parallel loop, and the loops below it down to the one marked Vector, where each is the whole body of
/// the one outside (nests.h says what the marks mean). Empty if the kernel is no such nest, or a bound is no dimension.
/// Loops over the elements of rows that are sums belong to them; what is behind each row stands apart.
std::optional<Nest> read_nest(const ir::loops::Kernel& kernel);

/// A loop's extent as a dimension, when it runs from 0 by 1.
std::optional<ir::Dim> loop_extent(const ir::loops::Stmt& loop, const ir::Facts& facts);

/// The kernel with every parameter one-dimensional and every access one linear index. Pointers stay what they are, so
/// the kernel's meaning does; what it gains is that loops can be joined and strides be read off.
ir::loops::Kernel flatten_buffers(const ir::loops::Kernel& kernel);

/// Splits loops at the extents by which their variables are divided (i floordiv D, i mod D with D dividing the extent),
/// and flattens again: the quotients become loops. Then joins neighbouring loops that every access runs through as one.
/// Drops loops of extent 1. Returns lines for `strata explain`.
std::vector<std::string> simplify_nest(Nest& nest, ir::loops::LoopContext& context, const ir::Facts& facts);

/// The kernel and its nest as schedules see them.
struct FlatNest {
  ir::loops::Kernel flat;
  Nest nest;
};
/// Empty for a kernel that branches or is no nest.
std::optional<FlatNest> flat_nest(const ir::loops::Kernel& naive);

/// Linear indices that know the ranges of all loops of a nest.
LinearIndices indices_of(const Nest& nest, ir::loops::LoopContext& context, const ir::Facts& facts);

}  // namespace strata::compiler
