// The rules: plain options, with PyTorch's names, formulas and defaults; `start` gives the optimiser for a model.
//
//   auto sgd = optim::Sgd{.lr = 0.01, .momentum = 0.9}.start(model);
//
// lr is the first learning rate; set_lr changes it. groups and clip_norm: optimiser.h.
#pragma once

#include "strata/optim/optimiser.h"

namespace strata::optim {

namespace rules_detail {
template <class Model>
Leaves leaves_of_const(const Model& model) {
  return leaves_of(const_cast<Model&>(model));  // only read
}
}  // namespace rules_detail

/// Stochastic gradient descent: buffer = momentum buffer + (1 - dampening) g, value -= lr buffer.
struct Sgd {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
  double clip_norm = 0;
  std::vector<Group> groups{};
  std::shared_ptr<const Rule> rule() const;
  template <class Model>
  Optimiser start(const Model& model) const {
    return Optimiser(rule(), {lr, weight_decay, clip_norm, groups}, rules_detail::leaves_of_const(model));
  }
};

/// Kingma and Ba 2015, with the decay added to the gradient.
struct Adam {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  double clip_norm = 0;
  std::vector<Group> groups{};
  std::shared_ptr<const Rule> rule() const;
  template <class Model>
  Optimiser start(const Model& model) const {
    return Optimiser(rule(), {lr, weight_decay, clip_norm, groups}, rules_detail::leaves_of_const(model));
  }
};

/// Loshchilov and Hutter 2019: the decay is apart from the moments.
struct AdamW {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.01;
  double clip_norm = 0;
  std::vector<Group> groups{};
  std::shared_ptr<const Rule> rule() const;
  template <class Model>
  Optimiser start(const Model& model) const {
    return Optimiser(rule(), {lr, weight_decay, clip_norm, groups}, rules_detail::leaves_of_const(model));
  }
};

/// Duchi, Hazan and Singer 2011.
struct Adagrad {
  double lr = 1e-2, lr_decay = 0, weight_decay = 0, epsilon = 1e-10;
  double clip_norm = 0;
  std::vector<Group> groups{};
  std::shared_ptr<const Rule> rule() const;
  template <class Model>
  Optimiser start(const Model& model) const {
    return Optimiser(rule(), {lr, weight_decay, clip_norm, groups}, rules_detail::leaves_of_const(model));
  }
};

/// Hinton's lecture 6e; `is_centred` divides by the estimated deviation instead of the root mean square.
struct RmsProp {
  double lr = 1e-2, alpha = 0.99, epsilon = 1e-8, weight_decay = 0, momentum = 0;
  bool is_centred = false;
  double clip_norm = 0;
  std::vector<Group> groups{};
  std::shared_ptr<const Rule> rule() const;
  template <class Model>
  Optimiser start(const Model& model) const {
    return Optimiser(rule(), {lr, weight_decay, clip_norm, groups}, rules_detail::leaves_of_const(model));
  }
};

}  // namespace strata::optim
