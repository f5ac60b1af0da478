#include "strata/ops/composites/dropout.h"

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/random/random.h"

namespace strata::ops {

Value dropout(Value x, Value key, double rate) {
  base::OptionCheck(base::code::kAttributeValue, "dropout").number("rate", rate, kDropRate);
  require_floats("dropout", x);
  const auto body = [&](Value v, Value k) {
    return select(bernoulli(k, 1 - rate, shape_of(v)), v * (1 / (1 - rate)), 0);
  };
  return as_composite("dropout", {Attr("rate", rate)}, body, x, key);
}

}  // namespace strata::ops
