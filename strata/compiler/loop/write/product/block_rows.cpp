#include "strata/compiler/loop/write/product/block_rows.h"

#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/vectorise.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

BlockRows::BlockRows(const ProductScope& scope, const BlockProduct& product, BlockSums sums, int64_t offset,
                     int64_t shift)
    : scope_(scope), c_(scope.context), product_(product), sums_(sums), offset_(offset), shift_(shift) {
  const Dim tiles = scope.tiling.padded_task_rows() / scope.tiling.tile_rows, rows = scope.tiling.tile_rows,
            blocks = product.scales.depth.extent();
  integers_ = scope.scratch("rows", sums == BlockSums::Words ? DType::i16 : DType::i8,
                            {tiles, rows, blocks * Dim(product.terms)});
  starts_ = scope.scratch("starts", sum(), {tiles, rows, blocks});
  scales_ = scope.scratch("scales", DType::f32, {tiles, rows, blocks});
}

Stmts BlockRows::alloc() const {
  Stmts stmts{make_alloc(integers_), make_alloc(scales_)};
  if (has_starts()) stmts.push_back(make_alloc(starts_));
  return stmts;
}

Expr BlockRows::integers(Expr it, int64_t i, Expr block, int64_t term, int group) const {
  const Expr first = scope_.add(scope_.mul(block, product_.terms), c_.i64(term));
  return c_.load(integers_, {it, c_.i64(i), c_.ramp(first, 1, group)});
}

Expr BlockRows::start(Expr it, int64_t i, Expr block) const {
  return has_starts() ? c_.load(starts_, {it, c_.i64(i), block}) : c_.constant(sum(), 0);
}

Expr BlockRows::scale(Expr it, int64_t i, Expr block) const { return c_.load(scales_, {it, c_.i64(i), block}); }

/// By lanes of four terms, whose sums are added one after the other.
Expr BlockRows::block_sum(Expr tile, Expr i, Expr block, Stmts& stmts) const {
  const auto terms = static_cast<int>(product_.terms);
  const Expr packed = c_.load(integers_, {tile, i, c_.ramp(scope_.mul(block, terms), 1, terms)});
  const Expr pairs = c_.group_dot(ExprOp::Dot2, c_.broadcast(c_.constant(DType::u8, 1), terms), packed,
                                  c_.broadcast(c_.constant(DType::i16, 0), terms / 2));
  const Expr fours = c_.group_dot(ExprOp::Dot2, c_.broadcast(c_.constant(DType::i16, 1), terms / 2), pairs,
                                  c_.broadcast(c_.constant(DType::i32, 0), terms / 4));
  const Expr all = scope_.bind("fours", fours, stmts);
  Expr sum = c_.lane(all, 0);
  for (int lane = 1; lane < terms / 4; ++lane) sum = scope_.add(sum, c_.lane(all, lane));
  return sum;
}

/// Rows beyond the end repeat the last one; their sums are never read.
Stmts BlockRows::pack(TaskRange rows) const {
  const LoopVar *tile = c_.loop_var("it"), *i = c_.loop_var("i"), *block = c_.loop_var("b"), *u = c_.loop_var("u");
  const Tiling& tiling = scope_.tiling;
  Stmts of_row;
  Substitution with = scope_.outer;
  const Expr wanted = scope_.add(rows.low, scope_.add(scope_.mul(c_.loop(tile), tiling.tile_rows), c_.loop(i)));
  const Expr row = scope_.bind("row", scope_.min(wanted, scope_.sub(rows.high, c_.i64(1))), of_row);
  append(of_row, scope_.rows.at(row, with));
  GroupIndex(c_, scope_.facts, product_.scales.depth, {}).at(c_.loop(block), with);
  with.loops[product_.term] = c_.loop(u);
  const Expr at = scope_.add(scope_.mul(c_.loop(block), product_.terms), c_.loop(u));
  const Stmts copy{make_store(integers_, {c_.loop(tile), c_.loop(i), at},
                              c_.cast(integers_->dtype, scope_.element(product_.rows_integer, with)))};
  const std::vector<int> widths = halved_widths(4 * scope_.tiling.lanes);
  Stmts of_block = unrolled_loop(c_, u, product_.terms, widths, copy);
  if (has_starts()) {
    const Expr sum = block_sum(c_.loop(tile), c_.loop(i), c_.loop(block), of_block);
    const Expr start = scope_.sub(c_.constant(DType::i32, static_cast<double>(shift_)),
                                  c_.binary(ExprOp::Mul, sum, c_.constant(DType::i32, static_cast<double>(offset_))));
    of_block.push_back(
        make_store(starts_, {c_.loop(tile), c_.loop(i), c_.loop(block)}, c_.cast(starts_->dtype, start)));
  }
  of_block.push_back(make_store(scales_, {c_.loop(tile), c_.loop(i), c_.loop(block)},
                                scope_.element(product_.scales.rows_operand, with)));
  of_row.push_back(
      make_for(block, c_.i64(0), c_.dim(product_.scales.depth.extent()), LoopKind::Serial, std::move(of_block)));
  const Expr tiles = scope_.ceil_div(scope_.sub(rows.high, rows.low), tiling.tile_rows);
  return {make_for(tile, c_.i64(0), tiles, LoopKind::Serial,
                   {make_for(i, c_.i64(0), c_.i64(tiling.tile_rows), LoopKind::Serial, std::move(of_row))})};
}

}  // namespace strata::compiler
