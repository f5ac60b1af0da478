// What composites ask of their operands and options before their bodies are recorded, so that a refusal is in the words
// of the function that the user called and not in those of an op within it.
#pragma once

#include <string_view>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/ops/operands/handle.h"

namespace strata::ops {

/// E0100 for integers and bool.
void require_floats(std::string_view op, Value x);
/// E0101 unless `operand`, which may be null, has just this shape. `x`: the operand that the shape was taken from.
void require_shape(std::string_view op, std::string_view name, Value operand, std::span<const Dim> shape, Value x);
/// E0101 unless `operand`, which may be null, broadcasts to the shape.
void require_broadcastable(std::string_view op, std::string_view name, Value operand, std::span<const Dim> shape);

/// E0116 for a number that was cast to an enum of `count` values and is none of them.
template <class Enum>
void require_choice(std::string_view op, std::string_view field, Enum value, int count) {
  base::OptionCheck(base::code::kAttributeValue, op)
      .integer(field, static_cast<int64_t>(value), base::Bounds::between(0, count - 1));
}

}  // namespace strata::ops
