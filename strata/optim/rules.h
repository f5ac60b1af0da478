// The rules: plain options, with PyTorch's names, formulas and defaults; `start` gives the optimiser for a model.
//
//   auto sgd = optim::Sgd{.lr = 0.01, .momentum = 0.9}.start(model);
//
// lr is the first learning rate; set_lr changes it. groups, clip_norm and commit: optimiser.h.
#pragma once

#include "strata/optim/optimiser.h"

namespace strata::optim {

/// Gives each of the options below its start(); an empty base leaves them initialisable by name.
template <class Options>
struct Startable {
  /// The optimiser for a model's parameters, its state at zero. E0760 names an option that is out of its bounds
  /// (ranges.h), E0761 and E0762 a group that fits no parameter or one too many.
  template <class Model>
  Optimiser start(const Model& model, Source at = Source::here()) const {
    const Options& o = static_cast<const Options&>(*this);
    const Leaves parameters = leaves_of(model);
    return Optimiser(o.rule(), {o.lr, o.weight_decay, o.clip_norm, o.groups, o.commit}, parameters, at);
  }
};

/// Stochastic gradient descent: buffer = momentum buffer + (1 - dampening) g, value -= lr buffer.
struct Sgd : Startable<Sgd> {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
  double clip_norm = 0;
  std::vector<Group> groups{};
  Commit commit = Commit::WhenGradientsAreFinite;
  std::shared_ptr<const Rule> rule() const;
};

/// Kingma and Ba 2015, with the decay added to the gradient.
struct Adam : Startable<Adam> {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  double clip_norm = 0;
  std::vector<Group> groups{};
  Commit commit = Commit::WhenGradientsAreFinite;
  std::shared_ptr<const Rule> rule() const;
};

/// Loshchilov and Hutter 2019: the decay is apart from the moments.
struct AdamW : Startable<AdamW> {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.01;
  double clip_norm = 0;
  std::vector<Group> groups{};
  Commit commit = Commit::WhenGradientsAreFinite;
  std::shared_ptr<const Rule> rule() const;
};

/// Duchi, Hazan and Singer 2011.
struct Adagrad : Startable<Adagrad> {
  double lr = 1e-2, lr_decay = 0, weight_decay = 0, epsilon = 1e-10;
  double clip_norm = 0;
  std::vector<Group> groups{};
  Commit commit = Commit::WhenGradientsAreFinite;
  std::shared_ptr<const Rule> rule() const;
};

/// Hinton's lecture 6e; `is_centred` divides by the estimated deviation instead of the root mean square.
struct RmsProp : Startable<RmsProp> {
  double lr = 1e-2, alpha = 0.99, epsilon = 1e-8, weight_decay = 0, momentum = 0;
  bool is_centred = false;
  double clip_norm = 0;
  std::vector<Group> groups{};
  Commit commit = Commit::WhenGradientsAreFinite;
  std::shared_ptr<const Rule> rule() const;
};

}  // namespace strata::optim
