// Products of blocks of integers under scales: see write_product.h.
//
//   parallel task over (batch, task_rows of rows, task_columns of columns)
//     pack rows for all the depth (block_rows.h)
//     for each tile of columns, each tile of rows, each chain of blocks
//       acc = 0;  for block { sum = start;  for terms { sum = dot(columns, row, sum) };  acc = fma(f32(sum), ...) }
//       join acc with what waits
//       the epilogue of the tile
#include <fmt/format.h>

#include "strata/compiler/loop/write/product/block_columns.h"
#include "strata/compiler/loop/write/product/block_rows.h"
#include "strata/compiler/loop/write/product/write_product.h"
#include "strata/compiler/loop/write/product/writer.h"

namespace strata::compiler {

using ir::DType;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

class BlocksWriter : public ProductWriter {
 public:
  BlocksWriter(ProductScope& scope, const BlockProduct& product, BlockSums sums, BlockPanels panels,
               std::vector<std::string>& notes)
      : ProductWriter(scope, Panels::One,
                      {scope, JoinedSums::Cut::BetweenBlocks, scope.tiling.tile_rows, scope.tiling.tile_columns()}),
        product_(product),
        tiling_(scope.tiling),
        sums_of_blocks_(sums),
        shift_(sums == BlockSums::Pairs ? *shift_into_i16(product) : 0),
        columns_(scope, product, std::move(panels), sums),
        rows_(scope, product, sums, columns_.offset(), shift_) {
    notes.emplace_back("pack rows as [tile][row][k], with the scales of their blocks");
    notes.push_back(columns_.note());
    const DepthBlocks& blocks = product.scales.blocks;
    if (blocks.kind != DepthBlocks::Kind::One)
      notes.push_back(fmt::format("chains of at most {} blocks, joined by a tree", blocks.terms));
  }

 private:
  std::vector<TaskAxis> task_axes() const override {
    std::vector<TaskAxis> axes;
    for (const NestLoop& loop : product_.scales.batch.loops) axes.push_back({loop.extent, 1});
    axes.push_back({product_.scales.rows.extent(), tiling_.task_rows});
    axes.push_back({product_.scales.columns.extent(), tiling_.task_columns});
    return axes;
  }

  Stmts task(std::span<const TaskRange> ranges) override {
    const auto& batch = product_.scales.batch.loops;
    for (size_t i = 0; i < batch.size(); ++i) scope_.outer.loops[batch[i].var] = ranges[i].low;
    const TaskRange rows = ranges[ranges.size() - 2], columns = ranges[ranges.size() - 1];
    Stmts stmts = rows_.alloc();
    stmts.push_back(sums_.alloc());
    append(stmts, rows_.pack(rows));
    const LoopVar *it = c_.loop_var("it"), *jt = c_.loop_var("jt");
    Stmts of_columns = columns_.begin(c_.loop(jt), columns.low), of_rows;
    const RowTile row = row_tile(c_.loop(it), rows, rows, of_rows);
    append(of_rows, tile(c_.loop(it)));
    const Expr first = scope_.add(columns.low, scope_.mul(c_.loop(jt), tiling_.tile_columns()));
    append(of_rows, epilogue_of_tile(row, c_.i64(0), first, columns));
    of_columns.push_back(make_for(it, c_.i64(0), row_tiles(rows), LoopKind::Serial, std::move(of_rows)));
    stmts.push_back(make_for(jt, c_.i64(0), column_tiles(scope_.sub(columns.high, columns.low)), LoopKind::Serial,
                             std::move(of_columns)));
    return stmts;
  }

  /// All of the depth, chain by chain.
  Stmts tile(Expr it) {
    const auto chain = [&](Expr number, TaskRange blocks) {
      return register_tile(
          {c_.i64(0), c_.i64(0), 0, tiling_.tile_rows}, {number}, [&](const Accumulators& accumulators) -> Stmts {
            const LoopVar* b = c_.loop_var("b");
            return {make_for(b, blocks.low, blocks.high, LoopKind::Serial, block(accumulators, it, c_.loop(b)))};
          });
    };
    if (product_.scales.blocks.kind == DepthBlocks::Kind::One) return chain(c_.i64(0), scope_.block_range(c_.i64(0)));
    const LoopVar* number = c_.loop_var("chain");
    const Expr count = c_.dim(product_.scales.blocks.count);
    return {make_for(number, c_.i64(0), c_.binary(ExprOp::Max, count, c_.i64(1)), LoopKind::Serial,
                     chain(c_.loop(number), scope_.block_range(c_.loop(number))))};
  }

  Stmts block(const Accumulators& accumulators, Expr it, Expr b) const {
    const int64_t rows = tiling_.tile_rows, vectors = tiling_.tile_vectors;
    const auto lanes = static_cast<uint16_t>(tiling_.lanes);
    Stmts stmts;
    const auto bind = [&](std::string name, Expr value) {
      const Local* local = c_.local(std::move(name), value->type, false);
      stmts.push_back(make_declare(local, value));
      return c_.read(local);
    };
    std::vector<const Local*> sums;
    for (int64_t i = 0; i < rows; ++i) {
      const Expr start = bind(fmt::format("start{}", i), c_.broadcast(rows_.start(it, i, b), lanes));
      for (int64_t v = 0; v < vectors; ++v) {
        sums.push_back(c_.local(fmt::format("q{}_{}", i, v), {rows_.sum(), lanes}, true));
        stmts.push_back(make_declare(sums.back(), start));
      }
    }
    for (const int64_t term : columns_.order_of_terms()) {
      std::vector<Expr> columns;
      for (int64_t v = 0; v < vectors; ++v)
        columns.push_back(bind(fmt::format("c{}", v), columns_.integers(b, term, v)));
      for (int64_t i = 0; i < rows; ++i) {
        const Expr row = bind(fmt::format("r{}", i), rows_.integers(it, i, b, term, columns_.group()));
        for (int64_t v = 0; v < vectors; ++v) {
          const Local* sum = sums[static_cast<size_t>(i * vectors + v)];
          stmts.push_back(make_assign(sum, dot(columns[static_cast<size_t>(v)], row, c_.read(sum))));
        }
      }
    }
    std::vector<Expr> scales;
    for (int64_t v = 0; v < vectors; ++v) scales.push_back(bind(fmt::format("d{}", v), columns_.scales(b, v)));
    for (int64_t i = 0; i < rows; ++i) {
      const Expr scale = bind(fmt::format("e{}", i), c_.broadcast(rows_.scale(it, i, b), lanes));
      for (int64_t v = 0; v < vectors; ++v) {
        const auto at = static_cast<size_t>(i * vectors + v);
        const Local* acc = accumulators.sums[at];
        const Expr both = c_.binary(ExprOp::Mul, scale, scales[static_cast<size_t>(v)]);
        stmts.push_back(make_assign(acc, c_.fma(c_.cast(DType::f32, whole(c_.read(sums[at]))), both, c_.read(acc))));
      }
    }
    return stmts;
  }

  Expr dot(Expr columns, Expr row, Expr sum) const {
    return c_.group_dot(sums_of_blocks_ == BlockSums::Bytes ? ExprOp::Dot4 : ExprOp::Dot2, columns, row, sum);
  }

  /// The block's sum in i32.
  Expr whole(Expr sum) const {
    if (sums_of_blocks_ != BlockSums::Pairs) return sum;
    const Expr wide = c_.cast(DType::i32, sum);
    if (shift_ == 0) return wide;
    return c_.binary(ExprOp::Sub, wide, c_.constant(DType::i32, static_cast<double>(shift_)));
  }

  const BlockProduct& product_;
  const Tiling& tiling_;
  BlockSums sums_of_blocks_;
  int64_t shift_;
  BlockColumns columns_;
  BlockRows rows_;
};

void require_sums(const BlockProduct& product, BlockSums sums, LoopContext& c) {
  if (const std::string why = block_sums_refusal(product, sums, c); !why.empty()) refuse_schedule(why);
}

}  // namespace

Stmts write_blocks(const BlockProduct& product, const BlockSchedule& schedule, LoopContext& c, const ir::Facts& facts,
                   std::vector<std::string>& notes) {
  require_sums(product, schedule.sums, c);
  auto panels = block_panels(product, c, facts);
  if (!panels) refuse_schedule("columns can't be read in place: they don't lie in panels");
  if (panels->width % schedule.tiling.lanes != 0 || schedule.tiling.tile_columns() % panels->width != 0)
    refuse_schedule(fmt::format(
        "columns lie in panels of {}, which vectors of {} have to divide, and tiles of {} to be a multiple of",
        panels->width, schedule.tiling.lanes, schedule.tiling.tile_columns()));
  ProductScope scope(product.scales, c, facts, schedule.tiling, ColumnStorage::InPlace);
  return BlocksWriter(scope, product, schedule.sums, std::move(*panels), notes).write();
}

}  // namespace strata::compiler
