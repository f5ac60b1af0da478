// Scalars of a step (bias corrections, rates) are computed in f64 and rounded once to the dtype of the update, as
// PyTorch computes them in Python's floats.
#include "strata/optim/rules.h"

#include <cmath>

#include "strata/base/error/codes/train_codes.h"
#include "strata/optim/ranges.h"

namespace strata::optim {
namespace {

using base::OptionCheck;
using ir::Attr;

Tensor decayed(const ParameterUpdate& p) { return p.weight_decay == 0 ? p.grad : p.grad + p.value * p.weight_decay; }

/// average + (x - average) (1 - decay)
Tensor moving_average(const Tensor& average, const Tensor& x, double decay) {
  return average + (x - average) * (1 - decay);
}

/// base^step in f64.
Tensor power_of_step(double base, const Tensor& step) {
  return base > 0 ? exp(step * std::log(base)) : zeros_like(step);
}

struct SgdRule final : Rule {
  Sgd o;
  explicit SgdRule(const Sgd& options) : o(options) {}
  std::vector<std::string_view> slot_names() const override {
    if (o.momentum == 0) return {};
    return {"momentum"};
  }
  std::string_view name() const override { return "sgd"; }
  std::vector<Attr> options() const override {
    return {Attr("momentum", o.momentum), Attr("dampening", o.dampening), Attr("nesterov", o.nesterov)};
  }
  void check() const override {
    OptionCheck(base::code::kOptionOutOfRange, name())
        .number("momentum", o.momentum, kMomentum)
        .number("dampening", o.dampening, kMomentum);
  }
  Tensor updated(ParameterUpdate& p) const override {
    Tensor direction = decayed(p);
    if (o.momentum != 0) {
      // The first update takes the gradient whole.
      const Tensor share =
          o.dampening == 0 ? Tensor() : p.scalar(select(p.step > 1.5, full_like(p.step, 1 - o.dampening), 1.0));
      const Tensor momentum = p.store(0, p.slots[0] * o.momentum + (share.defined() ? direction * share : direction));
      direction = o.nesterov ? direction + momentum * o.momentum : momentum;
    }
    return p.value - direction * p.scalar(p.lr);
  }
};

/// Adam and AdamW after the decay: moments, bias correction, step.
Tensor adam_step(ParameterUpdate& p, const Tensor& value, const Tensor& grad, double beta1, double beta2,
                 double epsilon) {
  const Tensor first = p.store(0, moving_average(p.slots[0], grad, beta1));
  const Tensor second = p.store(1, p.slots[1] * beta2 + grad * grad * (1 - beta2));
  const Tensor rate = p.scalar(p.lr / (1 - power_of_step(beta1, p.step)));
  const Tensor correction = p.scalar(sqrt(1 - power_of_step(beta2, p.step)));
  return value - first / (sqrt(second) / correction + epsilon) * rate;
}

template <class Options>
void check_moments(std::string_view name, const Options& o) {
  OptionCheck(base::code::kOptionOutOfRange, name)
      .number("beta1", o.beta1, kDecayRate)
      .number("beta2", o.beta2, kDecayRate)
      .number("epsilon", o.epsilon, kEpsilon);
}

struct AdamRule final : Rule {
  Adam o;
  explicit AdamRule(const Adam& options) : o(options) {}
  std::vector<std::string_view> slot_names() const override { return {"first_moment", "second_moment"}; }
  std::string_view name() const override { return "adam"; }
  std::vector<Attr> options() const override {
    return {Attr("beta1", o.beta1), Attr("beta2", o.beta2), Attr("epsilon", o.epsilon)};
  }
  void check() const override { check_moments(name(), o); }
  Tensor updated(ParameterUpdate& p) const override {
    return adam_step(p, p.value, decayed(p), o.beta1, o.beta2, o.epsilon);
  }
};

struct AdamWRule final : Rule {
  AdamW o;
  explicit AdamWRule(const AdamW& options) : o(options) {}
  std::vector<std::string_view> slot_names() const override { return {"first_moment", "second_moment"}; }
  std::string_view name() const override { return "adamw"; }
  std::vector<Attr> options() const override {
    return {Attr("beta1", o.beta1), Attr("beta2", o.beta2), Attr("epsilon", o.epsilon)};
  }
  void check() const override { check_moments(name(), o); }
  Tensor updated(ParameterUpdate& p) const override {
    const Tensor value = p.weight_decay == 0 ? p.value : p.value * p.scalar(1 - p.lr * p.weight_decay);
    return adam_step(p, value, p.grad, o.beta1, o.beta2, o.epsilon);
  }
};

struct AdagradRule final : Rule {
  Adagrad o;
  explicit AdagradRule(const Adagrad& options) : o(options) {}
  std::vector<std::string_view> slot_names() const override { return {"sum_of_squares"}; }
  std::string_view name() const override { return "adagrad"; }
  std::vector<Attr> options() const override { return {Attr("lr_decay", o.lr_decay), Attr("epsilon", o.epsilon)}; }
  void check() const override {
    OptionCheck(base::code::kOptionOutOfRange, name())
        .number("lr_decay", o.lr_decay, kRateFactor)
        .number("epsilon", o.epsilon, kEpsilon);
  }
  Tensor updated(ParameterUpdate& p) const override {
    const Tensor grad = decayed(p);
    const Tensor squares = p.store(0, p.slots[0] + grad * grad);
    const Tensor rate = p.scalar(o.lr_decay == 0 ? p.lr : p.lr / ((p.step - 1) * o.lr_decay + 1));
    return p.value - grad / (sqrt(squares) + o.epsilon) * rate;
  }
};

struct RmsPropRule final : Rule {
  RmsProp o;
  explicit RmsPropRule(const RmsProp& options) : o(options) {}
  std::vector<std::string_view> slot_names() const override {
    std::vector<std::string_view> names{"mean_square"};
    if (o.is_centred) names.push_back("mean_grad");
    if (o.momentum != 0) names.push_back("momentum");
    return names;
  }
  std::string_view name() const override { return "rmsprop"; }
  std::vector<Attr> options() const override {
    return {Attr("alpha", o.alpha), Attr("epsilon", o.epsilon), Attr("momentum", o.momentum),
            Attr("centred", o.is_centred)};
  }
  void check() const override {
    OptionCheck(base::code::kOptionOutOfRange, name())
        .number("alpha", o.alpha, kDecayRate)
        .number("epsilon", o.epsilon, kEpsilon)
        .number("momentum", o.momentum, kMomentum);
  }
  Tensor updated(ParameterUpdate& p) const override {
    const Tensor grad = decayed(p);
    Tensor square_of_scale = p.store(0, p.slots[0] * o.alpha + grad * grad * (1 - o.alpha));
    if (o.is_centred) {
      const Tensor mean = p.store(1, moving_average(p.slots[1], grad, o.alpha));
      square_of_scale = maximum(square_of_scale - mean * mean, 0.0);  // rounding takes it below 0 for equal gradients
    }
    Tensor direction = grad / (sqrt(square_of_scale) + o.epsilon);
    const size_t last = p.slots.size() - 1;
    if (o.momentum != 0) direction = p.store(last, p.slots[last] * o.momentum + direction);
    return p.value - direction * p.scalar(p.lr);
  }
};

}  // namespace

std::shared_ptr<const Rule> Sgd::rule() const { return std::make_shared<SgdRule>(*this); }
std::shared_ptr<const Rule> Adam::rule() const { return std::make_shared<AdamRule>(*this); }
std::shared_ptr<const Rule> AdamW::rule() const { return std::make_shared<AdamWRule>(*this); }
std::shared_ptr<const Rule> Adagrad::rule() const { return std::make_shared<AdagradRule>(*this); }
std::shared_ptr<const Rule> RmsProp::rule() const { return std::make_shared<RmsPropRule>(*this); }

}  // namespace strata::optim
