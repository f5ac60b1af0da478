#include "strata/compiler/loop/nest/block_integers.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/ir/encoding/scaled_integers.h"
#include "strata/ir/loops/legality.h"

namespace strata::compiler {

using ir::DType;
using namespace ir::loops;

Expr inside_of_casts(Expr e) {
  while (e->op == ExprOp::Cast && ir::is_int(e->args[0]->type.dtype) && ir::range_of(e) == ir::range_of(e->args[0]))
    e = e->args[0];
  return e;
}

std::optional<UnsignedForm> unsigned_form(LoopContext& c, Expr integer) {
  int64_t offset = 0;
  Expr e = inside_of_casts(integer);
  while ((e->op == ExprOp::Sub || e->op == ExprOp::Add) && constant_value(e->args[1])) {
    offset += (e->op == ExprOp::Sub ? 1 : -1) * *constant_value(e->args[1]);
    e = inside_of_casts(e->args[0]);
  }
  if (e->op == ExprOp::Bitcast && e->type.dtype == DType::i8 && e->args[0]->type.dtype == DType::u8) {
    e = c.binary(ExprOp::Xor, e->args[0], c.constant(DType::u8, 128));
    offset += 128;
  }
  if (e->type.dtype != DType::u8) return std::nullopt;
  return UnsignedForm{e, offset, ir::range_of(e).high};
}

std::optional<int64_t> shift_into_i16(const BlockProduct& product) {
  const ir::IntegerRange x = ir::range_of(product.rows_integer), w = ir::range_of(product.columns_integer);
  const auto [low, high] = std::minmax({x.low * w.low, x.low * w.high, x.high * w.low, x.high * w.high});
  const int64_t lowest = std::min<int64_t>(low, 0) * product.terms,
                highest = std::max<int64_t>(high, 0) * product.terms;
  if (highest - lowest > UINT16_MAX) return std::nullopt;
  return highest > INT16_MAX ? INT16_MAX - highest : lowest < INT16_MIN ? INT16_MIN - lowest : 0;
}

std::string block_sums_refusal(const BlockProduct& product, BlockSums sums, LoopContext& c) {
  const ir::IntegerRange rows = ir::range_of(product.rows_integer), columns = ir::range_of(product.columns_integer);
  if (product.terms % 4 != 0 || product.terms > kMaxLanes)
    return fmt::format("blocks have {} terms, expected a multiple of 4 of at most {}", product.terms, kMaxLanes);
  if (sums == BlockSums::Words)
    return rows.high <= INT16_MAX && columns.high <= INT16_MAX ? "" : "integers of a block are wider than i16";
  if (rows.low < INT8_MIN || rows.high > INT8_MAX) return "integers of rows are no i8";
  const auto form = unsigned_form(c, product.columns_integer);
  if (!form) return "integers of columns are no bytes less a constant";
  if (sums == BlockSums::Bytes) return "";
  if (form->high > INT8_MAX) return fmt::format("sums of two products of bytes up to {} may leave i16", form->high);
  return shift_into_i16(product) ? "" : "sums of a block may leave i16";
}

}  // namespace strata::compiler
