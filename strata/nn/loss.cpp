#include "strata/nn/loss.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"
#include "strata/ops/activations.h"
#include "strata/ops/dimension.h"
#include "strata/ops/reduce.h"

namespace strata::nn {
namespace {

void require_same(std::string_view loss, const Tensor& x, const Tensor& y, Source at) {
  if (x.type() == y.type()) return;
  throw base::Error("E0101",
                    fmt::format("{}: prediction and target differ: {} and {}", loss, x.type().str(), y.type().str()))
      .note("recorded at " + ir::Location{at.file, at.line, nullptr}.str());
}

Tensor reduced(const Tensor& x, Reduction reduction, Source at) {
  if (reduction == Reduction::None) return x;
  return reduction == Reduction::Sum ? sum(x, {}, ops::Keep::Drop, at) : mean(x, {}, ops::Keep::Drop, at);
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options, Source at) {
  return ops::cross_entropy(logits, targets, options, at);
}

Tensor mse(const Tensor& x, const Tensor& y, Reduction reduction, Source at) {
  require_same("mse", x, y, at);
  return reduced(square(sub(x, y, at), at), reduction, at);
}

Tensor l1(const Tensor& x, const Tensor& y, Reduction reduction, Source at) {
  require_same("l1", x, y, at);
  return reduced(abs(sub(x, y, at), at), reduction, at);
}

Tensor huber(const Tensor& x, const Tensor& y, double delta, Reduction reduction, Source at) {
  require_same("huber", x, y, at);
  const Tensor distance = abs(sub(x, y, at), at), inside = minimum(distance, delta, at);
  return reduced(inside * (distance - inside * 0.5), reduction, at);
}

Tensor bce(const Tensor& p, const Tensor& y, Reduction reduction, Source at) {
  require_same("bce", p, y, at);
  const Tensor log_p = maximum(log(p, at), -100.0, at), log_rest = maximum(log(1.0 - p, at), -100.0, at);
  return reduced(-(y * log_p + (1.0 - y) * log_rest), reduction, at);
}

Tensor bce_with_logits(const Tensor& x, const Tensor& y, Reduction reduction, Source at) {
  require_same("bce_with_logits", x, y, at);
  return reduced(softplus(x, at) - x * y, reduction, at);
}

Tensor kl_div(const Tensor& log_q, const Tensor& y, Reduction reduction, Source at) {
  require_same("kl_div", log_q, y, at);
  const Tensor is_positive = y > 0.0;
  const Tensor each = select(is_positive, y * (log(select(is_positive, y, 1.0), at) - log_q), 0.0, at);
  if (reduction != Reduction::Mean) return reduced(each, reduction, at);
  if (each.rank() == 0) return each;
  return mean(sum(each, ops::iota_ints(1, each.rank() - 1), ops::Keep::Drop, at), {}, ops::Keep::Drop, at);
}

}  // namespace strata::nn
