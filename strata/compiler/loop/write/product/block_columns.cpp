#include "strata/compiler/loop/write/product/block_columns.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::compiler {

using ir::DType;
using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

namespace {

/// Shortest steps in which the integer divides the term, or all terms.
int64_t run_of(const BlockProduct& product) {
  constexpr int64_t kShortest = 8;
  int64_t run = product.terms;
  for_each_node(product.columns_integer, [&](Expr e) {
    if ((e->op != ExprOp::FloorDiv && e->op != ExprOp::FloorMod) || !depends_on(e, product.term)) return;
    const int64_t by = constant_value(e->args[1]).value_or(0);
    if (by >= kShortest && product.terms % by == 0) run = std::min(run, by);
  });
  return run;
}

/// u16 of two neighbouring bytes, the lower one first, if `e` is that.
std::optional<std::pair<Expr, Expr>> bytes_of_u16(Expr e) {
  if (e->op != ExprOp::Or || e->type.dtype != DType::u16) return std::nullopt;
  const auto byte_of = [](Expr cast) -> Expr {
    const bool is_byte = cast->op == ExprOp::Cast && cast->args[0]->op == ExprOp::Load;
    return is_byte && cast->args[0]->type.dtype == DType::u8 ? cast->args[0] : nullptr;
  };
  const Expr low = byte_of(e->args[0]), above = e->args[1];
  if (!low || above->op != ExprOp::Shl || constant_value(above->args[1]) != 8) return std::nullopt;
  const Expr high = byte_of(above->args[0]);
  return high ? std::optional(std::pair(low, high)) : std::nullopt;
}

}  // namespace

BlockColumns::BlockColumns(const ProductScope& scope, const BlockProduct& product, BlockPanels panels, BlockSums sums)
    : scope_(scope),
      c_(scope.context),
      product_(product),
      panels_(std::move(panels)),
      sums_(sums),
      form_(unsigned_form(c_, product.columns_integer).value_or(UnsignedForm{nullptr, 0, 0})) {
  const Expr whole = inside_of_casts(product.columns_integer);
  if (sums != BlockSums::Words)
    operand_ = form_.bytes;
  else if (ir::dtype_bytes(whole->type.dtype) <= 2 || !form_.bytes)
    operand_ = c_.cast(DType::i16, whole);
  else
    operand_ = c_.binary(ExprOp::Sub, c_.cast(DType::i16, form_.bytes),
                         c_.constant(DType::i16, static_cast<double>(form_.offset)));
}

std::string BlockColumns::note() const {
  return fmt::format("columns read in place, in panels of {}{}, block by block of {}", panels_.width,
                     panels_.stride == 2 ? " by 2 bytes" : "", product_.terms);
}

/// A tile of several panels may go beyond the last one: there it reads that again, for sums that nobody reads.
Stmts BlockColumns::begin(Expr jt, Expr first_column) {
  const Tiling& tiling = scope_.tiling;
  Stmts stmts;
  first_.clear();
  const int64_t in_tile = tiling.tile_columns() / panels_.width;
  const Expr tile = scope_.add(c_.binary(ExprOp::FloorDiv, first_column, c_.i64(tiling.tile_columns())), jt);
  for (const BlockPanels::Line& line : panels_.lines) {
    // Lines of one matrix begin together: neighbouring bytes are then known for what they are.
    const auto same = std::ranges::find(panels_.lines, line.distance, &BlockPanels::Line::distance);
    if (const auto known = static_cast<size_t>(same - panels_.lines.begin()); known < first_.size()) {
      first_.push_back(first_[known]);
      continue;
    }
    std::vector<Expr>& first = first_.emplace_back();
    for (int64_t v = 0; v < tiling.tile_vectors; ++v) {
      const int64_t column = v * tiling.lanes;
      Expr number = scope_.add(scope_.mul(tile, in_tile), c_.i64(column / panels_.width));
      if (panels_.count % in_tile != 0) number = scope_.min(number, c_.i64(panels_.count - 1));
      const Expr at = scope_.add(scope_.mul(number, line.distance), c_.i64(column % panels_.width * panels_.stride));
      first.push_back(scope_.bind("first", at, stmts));
    }
  }
  return stmts;
}

/// At column 0 of the tile's vector.
Expr BlockColumns::index_of(Expr load, Expr block, int64_t term, int64_t v) const {
  Substitution with = scope_.outer;
  GroupIndex(c_, scope_.facts, product_.scales.columns, {}).at(c_.i64(0), with);
  GroupIndex(c_, scope_.facts, product_.scales.depth, {}).at(block, with);
  with.loops[product_.term] = c_.i64(term);
  const Expr within = replaced(c_, scope_.facts, load->args[0], with);
  const auto line = std::ranges::find(panels_.lines, load, &BlockPanels::Line::load);
  return scope_.add(first_[static_cast<size_t>(line - panels_.lines.begin())][static_cast<size_t>(v)], within);
}

Expr BlockColumns::at(Expr operand, Expr block, int64_t term, int64_t v, int lanes) const {
  const int stride = lanes > scope_.tiling.lanes ? 1 : panels_.stride;
  const auto is_of_columns = [&](Expr load) {
    return std::ranges::find(panels_.lines, load, &BlockPanels::Line::load) != panels_.lines.end();
  };
  const auto rule = [&](Expr e) -> Expr {
    if (e->op == ExprOp::Loop) return e->loop == product_.term ? c_.i64(term) : nullptr;
    if (e->op == ExprOp::Load && is_of_columns(e))
      return c_.load(e->buffer, {c_.ramp(index_of(e, block, term, v), stride, lanes)});
    if (const auto bytes = panels_.stride == 2 && lanes == scope_.tiling.lanes ? bytes_of_u16(e) : std::nullopt) {
      const Expr low = index_of(bytes->first, block, term, v), high = index_of(bytes->second, block, term, v);
      LinearIndices indices(c_, scope_.facts);
      const LinearIndex apart = indices.plus(indices.of(high), indices.of(low), -1);
      if (apart.is_constant() && apart.constant == ir::Dim(1))
        return c_.bitcast(DType::u16, c_.load(bytes->first->buffer, {c_.ramp(low, 1, 2 * lanes)}));
    }
    return nullptr;
  };
  const Expr made = ExprRewriter(c_, rule)(operand);
  return made->type.lanes == lanes ? made : c_.broadcast(made, lanes);
}

Expr BlockColumns::pair(Expr block, int64_t term, int64_t v) const {
  const int lanes = scope_.tiling.lanes;
  if (panels_.stride == 2) return at(operand_, block, term, v, 2 * lanes);
  return c_.interleave(at(operand_, block, term, v, lanes), at(operand_, block, term + 1, v, lanes));
}

Expr BlockColumns::integers(Expr block, int64_t term, int64_t v) const {
  if (sums_ != BlockSums::Bytes) return pair(block, term, v);
  const Expr first = c_.bitcast(DType::u16, pair(block, term, v)),
             second = c_.bitcast(DType::u16, pair(block, term + 2, v));
  return c_.bitcast(DType::u8, c_.interleave(first, second));
}

Expr BlockColumns::scales(Expr block, int64_t v) const {
  return at(product_.scales.columns_operand, block, 0, v, scope_.tiling.lanes);
}

std::vector<int64_t> BlockColumns::order_of_terms() const {
  std::vector<int64_t> order;
  const int64_t run = run_of(product_);
  for (int64_t within = 0; within < run; within += group())
    for (int64_t first = 0; first < product_.terms; first += run) order.push_back(first + within);
  return order;
}

}  // namespace strata::compiler
