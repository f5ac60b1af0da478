#include "strata/nn/linear.h"

#include <cmath>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/index/index.h"

namespace strata::nn {

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Source at) {
  const LineScope scope(at);
  const Tensor y = dot(x, weight, {.lhs_contract = {x.rank() - 1}, .rhs_contract = {1}}, std::nullopt, at);
  return bias.defined() ? add(y, ops::Operand<Tensor>(bias, at), at) : y;
}

void Linear::initialise(const Initialiser& init) {
  base::OptionCheck(base::code::kOptionOutOfRange, init.owner("linear"))
      .integer("in", in, base::kExtentOrNone)
      .integer("out", out, base::kExtentOrNone)
      .integer("has_bias", static_cast<int64_t>(has_bias), base::Bounds::between(0, 1));
  const double bound = in > 0 ? 1 / std::sqrt(static_cast<double>(in)) : 0;
  weight = init.uniform("weight", {out, in}, bound);
  if (has_bias == Bias::Learned) bias = init.uniform("bias", {out}, bound);
}

Tensor Linear::operator()(const Tensor& x, Source at) const {
  const LayerScope scope(path, at);
  return linear(x, weight, bias, at);
}

void Embedding::initialise(const Initialiser& init) {
  base::OptionCheck(base::code::kOptionOutOfRange, init.owner("embedding"))
      .integer("count", count, base::kExtentOrNone)
      .integer("width", width, base::kExtentOrNone);
  weight = init.normal("weight", {count, width}, 1);
}

Tensor Embedding::operator()(const Tensor& ids, Source at) const {
  const LayerScope scope(path, at);
  return embedding(weight, ids, ops::OutOfRange::Check, at);
}

}  // namespace strata::nn
