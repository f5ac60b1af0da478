#include "strata/ops/composites/dropout.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"
#include "strata/ops/composite.h"
#include "strata/ops/operators.h"
#include "strata/ops/random.h"

namespace strata::ops {

Value dropout(Value x, Value key, double rate) {
  if (!(rate >= 0 && rate < 1)) throw base::Error("E0116", fmt::format("dropout: the rate is {}, not in [0, 1)", rate));
  const auto body = [&](Value v, Value k) {
    return select(bernoulli(k, 1 - rate, shape_of(v)), v * (1 / (1 - rate)), 0);
  };
  return as_composite("dropout", {Attr("rate", rate)}, body, x, key);
}

}  // namespace strata::ops
