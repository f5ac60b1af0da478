// From the optim.* keys of a configuration: the optimiser's rule and its learning rates.
#pragma once

#include "strata/optim/optimiser.h"
#include "strata/optim/schedule.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"

namespace strata::base {
class Config;
}

namespace strata::train {

/// The configured optimiser for a model's parameters; biases and norms are spared from weight decay.
optim::Optimiser start_optimiser(const base::Config& config, const Leaves& parameters);

/// What random numbers of the steps are drawn from: run.seed.
Key step_key(const base::Config& config);

/// How the programs of a step are recorded: train.memory_budget, train.strict, and whether new values are looked at
/// before they are committed (optim.commit).
JitOptions step_options(const base::Config& config, const char* name);

/// Steps of a pass over so many batches. Refuses a train.accumulate that takes more batches than a pass has, unless
/// train.steps counts the steps.
int64_t steps_of_epoch(const base::Config& config, int64_t batches);

/// Optimiser steps of the whole training: train.steps, or train.epochs times those of an epoch.
int64_t planned_steps(const base::Config& config, int64_t steps_per_epoch);

/// The learning rates of a training of so many steps: optim.warmup of them, then optim.schedule over those that are
/// left.
optim::Schedule learning_rates(const base::Config& config, int64_t steps);

}  // namespace strata::train
