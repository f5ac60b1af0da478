#include "strata/ops/contraction/factors.h"

#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ops/facets/layout.h"

namespace strata::ops {

DType value_dtype(Type t) { return t.encoding().value_dtype(); }

void require_factors(const ir::Infer& i, DType result) {
  const Type x = i.type(0), w = i.type(1);
  const DType a = value_dtype(x), b = value_dtype(w);
  if (ir::is_float(result) != ir::is_float(a) || ir::is_bool(result))
    i.fail(base::code::kOperandTypes,
           fmt::format("a {} of {} can't give {}", i.op.name, ir::dtype_name(a), ir::dtype_name(result)));
  if (a == b) return;
  const auto is_byte = [](DType t) { return t == DType::u8 || t == DType::i8; };
  if (is_byte(a) && is_byte(b)) {
    if (result == DType::i32 || result == DType::i64) return;
    i.fail(base::code::kOperandTypes, fmt::format("a {} of {} and {} gives i32 or i64, found {}", i.op.name, x.str(),
                                                  w.str(), ir::dtype_name(result)));
  }
  if ((x.is_encoded() || w.is_encoded()) && ir::is_float(a) && ir::is_float(b)) return;
  i.fail(base::code::kOperandTypes, "operand dtypes differ: " + x.str() + " and " + w.str(), "convert one with cast");
}

DType sum_dtype(Type factor, DType result) {
  if (!ir::is_float(result)) return result;
  return value_dtype(factor) == DType::f64 ? DType::f64 : accumulation_dtype(result);
}

}  // namespace strata::ops
