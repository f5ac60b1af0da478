#include "strata/nn/norm.h"

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/ops/composites/norm.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/layout.h"

namespace strata::nn {
namespace {

/// nullopt for what is not learnt.
std::optional<Tensor> optional(const Tensor& x) { return x.defined() ? std::optional(x) : std::nullopt; }

/// Weight one and bias zero, as far as they are learnt.
template <class Norm>
void fill(Norm& norm, int64_t extent, const Initialiser& init) {
  norm.weight = norm.affine == Affine::None ? Tensor() : init.ones({extent});
  if constexpr (requires { norm.bias; }) norm.bias = norm.affine == Affine::Learned ? init.zeros({extent}) : Tensor();
}

/// `extent`: of the weight; `field`: its name.
void check_norm(const base::OptionCheck& check, std::string_view field, int64_t extent, double epsilon, Affine affine) {
  check.integer(field, extent, base::kExtentOrNone)
      .number("epsilon", epsilon, ops::kNormEpsilon)
      .integer("affine", static_cast<int64_t>(affine), base::Bounds::between(0, 2));
}

void check_statistics(const BatchNorm& b, std::string_view owner) {
  const base::OptionCheck check(base::code::kOptionOutOfRange, owner);
  check_norm(check, "channels", b.channels, b.epsilon, b.affine);
  check.number("momentum", b.momentum, base::Bounds::between(0, 1));
}

}  // namespace

bool norm_lacks(Affine affine, std::string_view field, const Tensor& weight, const Tensor& bias) {
  if (field == "weight") return affine == Affine::None && !weight.defined();
  return field == "bias" && affine != Affine::Learned && !bias.defined();
}

void LayerNorm::initialise(const Initialiser& init) {
  check_norm(base::OptionCheck(base::code::kOptionOutOfRange, init.owner("layer_norm")), "width", width, epsilon,
             affine);
  fill(*this, width, init);
}
Tensor LayerNorm::operator()(const Tensor& x, Source at) const {
  const LayerScope scope(path, at);
  return layer_norm(x, optional(weight), optional(bias), 1, epsilon, at);
}

void RmsNorm::initialise(const Initialiser& init) {
  check_norm(base::OptionCheck(base::code::kOptionOutOfRange, init.owner("rms_norm")), "width", width, epsilon, affine);
  fill(*this, width, init);
}
Tensor RmsNorm::operator()(const Tensor& x, Source at) const {
  const LayerScope scope(path, at);
  return rms_norm(x, optional(weight), epsilon, at);
}

void GroupNorm::initialise(const Initialiser& init) {
  const std::string owner = init.owner("group_norm");
  const base::OptionCheck check(base::code::kOptionOutOfRange, owner);
  check_norm(check, "channels", channels, epsilon, affine);
  check.integer("groups", groups, base::kExtent);
  if (channels % groups != 0)
    check.refuse("groups", std::to_string(groups), "a divisor of the " + std::to_string(channels) + " channels");
  fill(*this, channels, init);
}
Tensor GroupNorm::operator()(const Tensor& x, Source at) const {
  const LayerScope scope(path, at);
  return group_norm(x, groups, optional(weight), optional(bias), epsilon, at);
}

void BatchNorm::initialise(const Initialiser& init) {
  check_statistics(*this, init.owner("batch_norm"));
  // As wide as they are computed: f32 beside half-float weights too.
  const Initialiser statistics(Key(0), init.path(), ops::accumulation_dtype(init.dtype()));
  fill(*this, channels, init);
  running_mean = statistics.zeros({channels});
  running_var = statistics.ones({channels});
  num_batches_tracked = Tensor::scalar(0, DType::i64);
}

Tensor BatchNorm::operator()(const Tensor& x, Context& context, Source at) const {
  const LayerScope scope(path, at);
  ops::noting_line(user_line(at), [&] { check_statistics(*this, "batch_norm"); });
  const Tensor mean_before = context.latest(running_mean), var_before = context.latest(running_var),
               count_before = context.latest(num_batches_tracked);
  if (!context.is_training())
    return batch_norm_with(x, mean_before, var_before, optional(weight), optional(bias), epsilon, at);
  const auto [y, mean, variance] = batch_norm_train(x, optional(weight), optional(bias), epsilon, at);
  const auto [new_mean, new_var, new_count] = running_statistics<Tensor>(
      x, {mean_before, var_before, count_before}, stop_gradient(mean, at), stop_gradient(variance, at), momentum, at);
  context.update(running_mean, new_mean);
  context.update(running_var, new_var);
  context.update(num_batches_tracked, new_count);
  return y;
}

}  // namespace strata::nn
