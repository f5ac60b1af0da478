// From the optim.* keys of a configuration: the optimiser's rule and the learning rate of each step.
#pragma once

#include "strata/base/config/config.h"
#include "strata/optim/rules.h"

namespace strata::train {

/// The configured optimiser for a model's parameters; biases and norms are spared from weight decay.
optim::Optimiser start_optimiser(const base::Config& config, const Leaves& parameters);

/// optim.learning_rate times the warm-up, (step + 1) / optim.warmup up to 1, times optim.schedule's factor at
/// `progress` in [0, 1], the part of the training that is over. `step` counts from 0.
double learning_rate(const base::Config& config, int64_t step, double progress);

}  // namespace strata::train
