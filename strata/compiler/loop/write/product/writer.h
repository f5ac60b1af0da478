// The skeleton of all that write a product: tasks, blocks and tiles of rows, the register tile with its sums, the
// stores of the epilogue. What differs is what a task packs, where a step's elements are read, and how the results lie:
// that is said by the kinds (packed.cpp, positions.cpp, offsets.cpp).
//
//   parallel task over (loops outside, the kind's axes)
//     the kind: panels of depth, blocks of rows, tiles
//       register tile:  sums = 0;  for depth { columns = ...;  for each row { sums = fma(row, columns, sums) } };  join
//     the epilogue, with each sum's total in place of the accumulator
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "strata/compiler/loop/write/product/joined_sums.h"
#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

class ProductWriter {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  virtual ~ProductWriter() = default;
  ProductWriter(const ProductWriter&) = delete;
  ProductWriter& operator=(const ProductWriter&) = delete;

  /// The body of the kernel.
  Stmts write();

 protected:
  /// Whether all of the depth is one panel: then sums wait for no other, and a tile's rows of them are all there are.
  enum class Panels : uint8_t { One, Many };

  ProductWriter(ProductScope& scope, Panels panels, JoinedSums sums);

  virtual std::vector<TaskAxis> task_axes() const = 0;
  virtual Stmts task(std::span<const TaskRange> ranges) = 0;

  bool is_one_panel() const { return panels_ == Panels::One; }
  /// `name` in 0..count by `step`; a depth of nothing is one panel of nothing: the epilogue still runs.
  Stmts panels_loop(const char* name, Expr count, int64_t step, const std::function<Stmts(Expr low)>& panel) const;

  bool is_one_row_block(TaskRange rows) const;
  /// Blocks of rows, each of at most tiling.row_block.
  Stmts row_blocks(TaskRange rows, const std::function<Stmts(TaskRange)>& block) const;

  /// A row of tiles: its rows, and where its sums begin.
  struct RowTile {
    TaskRange rows;
    Expr sums_row;
  };
  RowTile row_tile(Expr number, TaskRange task_rows, TaskRange rows, Stmts& stmts) const;
  Expr row_tiles(TaskRange rows) const;
  Expr column_tiles(Expr columns) const;

  /// Of the loops over a window's offsets: of few they are written out, and what they shift by becomes a constant.
  static ir::loops::LoopKind offset_loops(int64_t offsets, const std::vector<const ir::loops::Local*>& sums) {
    constexpr int64_t kMostWrittenOut = 160;
    const bool are_few = offsets * static_cast<int64_t>(sums.size()) <= kMostWrittenOut;
    return are_few ? ir::loops::LoopKind::Unrolled : ir::loops::LoopKind::Serial;
  }

  /// Which sums a register tile has: rows first..last of those that begin at `sums_row`, vectors from `sums_column` on.
  struct Place {
    Expr sums_row, sums_column;
    int64_t first = 0, last = 0;
  };
  /// The sums of a register tile, row by row.
  struct Accumulators {
    int64_t first, last;
    std::vector<const ir::loops::Local*> sums;
  };
  Stmts register_tile(const Place& place, const JoinedSums::Segment& segment,
                      const std::function<Stmts(const Accumulators&)>& depth);
  /// One step of depth: `row_at(i)` is the element of row i, `columns_at(v)` the vector of columns v.
  Stmts step(const Accumulators& accumulators, const std::function<Expr(int64_t)>& row_at,
             const std::function<Expr(int64_t)>& columns_at) const;

  /// for each row: `body` gets the row of the sums and what the rows' loops are.
  using RowBody = std::function<Stmts(Expr sums_row, const ir::loops::Substitution& with)>;
  Stmts for_rows(const RowTile& tile, const RowBody& body) const;
  /// The epilogue of one tile, whose columns begin at `low`: by whole vectors where all of them are there.
  Stmts epilogue_of_tile(const RowTile& row, Expr sums_column, Expr low, TaskRange columns) const;
  /// Whether neighbouring rows of the product, all of it or a step's, have neighbouring results, and neighbouring
  /// columns don't: a vector of columns is then scattered over as many lines, which may all fall into one set of the
  /// cache.
  bool results_run_along_rows(const ProductScope& of) const;
  Stmts epilogue_along_rows(const RowTile& row, Expr sums_column, Expr low, Expr count) const;
  /// The epilogue's stores where the accumulator is `total`, behind all values: what they share is computed once, and a
  /// store may lie where a value reads.
  Stmts stores(ir::loops::Substitution with, Expr total) const;

  ProductScope& scope_;
  ir::loops::LoopContext& c_;
  JoinedSums sums_;

 private:
  Panels panels_;
};

}  // namespace strata::compiler
