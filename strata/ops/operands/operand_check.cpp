#include "strata/ops/operands/operand_check.h"

#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"

namespace strata::ops {

void require_floats(std::string_view op, Value x) {
  if (ir::is_float(x.dtype())) return;
  throw base::Error(base::code::kOperandTypes, fmt::format("{}: takes floats, found {}", op, x.type().str()))
      .hint("cast to a float dtype first");
}

void require_shape(std::string_view op, std::string_view name, Value operand, std::span<const Dim> shape, Value x) {
  if (!operand || ir::proved_equal(operand.shape(), shape)) return;
  ir::note_unproved(operand.shape(), shape);
  throw base::Error(base::code::kOperandShapes,
                    fmt::format("{}: {} is {}, expected the shape {} for x, which is {}", op, name,
                                operand.type().str(), ir::shape_str(shape), x.type().str()));
}

void require_broadcastable(std::string_view op, std::string_view name, Value operand, std::span<const Dim> shape) {
  if (!operand) return;
  const auto given = operand.shape();
  bool fits = given.size() <= shape.size();
  for (size_t i = 0; fits && i < given.size(); ++i)
    fits = given[given.size() - 1 - i] == Dim(1) ||
           ir::proved_equal(given[given.size() - 1 - i], shape[shape.size() - 1 - i]);
  if (fits) return;
  throw base::Error(base::code::kOperandShapes, fmt::format("{}: {} is {}, expected a shape that broadcasts to {}", op,
                                                            name, operand.type().str(), ir::shape_str(shape)));
}

}  // namespace strata::ops
