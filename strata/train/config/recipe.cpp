#include "strata/train/config/recipe.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/config/config.h"
#include "strata/optim/rules.h"

namespace strata::train {
namespace {

/// Biases and norms, by those of their usual names that this model has: a pattern that matches nothing is refused.
optim::Group spared_group(const Leaves& parameters) {
  optim::Group spared{.pattern = "", .weight_decay = 0};
  for (const char* pattern : {"*bias", "*norm*", "*ln_*"}) {
    const optim::Group one{.pattern = pattern};
    if (!std::ranges::any_of(parameters.list, [&](const Leaf& leaf) { return one.matches(leaf); })) continue;
    spared.pattern += (spared.pattern.empty() ? "" : " ") + one.pattern;
  }
  return spared;
}

optim::Commit commit_of(const base::Config& config) {
  return config.string_at("optim.commit") == "finite_loss" ? optim::Commit::WhenLossIsFinite
                                                           : optim::Commit::WhenGradientsAreFinite;
}

}  // namespace

optim::Optimiser start_optimiser(const base::Config& config, const Leaves& parameters) {
  const double lr = config.float_at("optim.learning_rate"), decay = config.float_at("optim.weight_decay");
  const double clip = config.float_at("optim.clip"), epsilon = config.float_at("optim.epsilon");
  const double beta1 = config.float_at("optim.beta1"), beta2 = config.float_at("optim.beta2");
  const std::string& rule = config.string_at("optim.kind");
  optim::Common common{lr, decay, clip, {}, commit_of(config)};
  if (const optim::Group spared = spared_group(parameters); !spared.pattern.empty()) common.groups.push_back(spared);
  std::shared_ptr<const optim::Rule> chosen;
  if (rule == "sgd")
    chosen =
        optim::Sgd{.momentum = config.float_at("optim.momentum"), .nesterov = config.bool_at("optim.nesterov")}.rule();
  else if (rule == "adam")
    chosen = optim::Adam{.beta1 = beta1, .beta2 = beta2, .epsilon = epsilon}.rule();
  else if (rule == "adagrad")
    chosen = optim::Adagrad{.epsilon = epsilon}.rule();
  else if (rule == "rmsprop")
    chosen = optim::RmsProp{.epsilon = epsilon, .momentum = config.float_at("optim.momentum")}.rule();
  else
    chosen = optim::AdamW{.beta1 = beta1, .beta2 = beta2, .epsilon = epsilon}.rule();
  return optim::Optimiser(chosen, common, parameters);
}

Key step_key(const base::Config& config) { return Key(config.int_at("run.seed")).fold_in("step"); }

JitOptions step_options(const base::Config& config, const char* name) {
  const int64_t budget = config.int_at("train.memory_budget") * 1'000'000;
  return {.name = name,
          .memory_budget_bytes = budget > 0 ? std::optional(budget) : std::nullopt,
          .require_finite = commit_of(config) == optim::Commit::WhenGradientsAreFinite,
          .is_strict = config.bool_at("train.strict")};
}

int64_t steps_of_epoch(const base::Config& config, int64_t batches) {
  const int64_t accumulate = config.int_at("train.accumulate");
  if (config.int_at("train.steps") == 0 && accumulate > batches)
    config.refuse("train.accumulate", fmt::format("{} batches make a step, an epoch has {}", accumulate, batches));
  return std::max<int64_t>(1, batches / accumulate);
}

int64_t planned_steps(const base::Config& config, int64_t steps_per_epoch) {
  const int64_t steps = config.int_at("train.steps");
  return steps > 0 ? steps : config.int_at("train.epochs") * steps_per_epoch;
}

optim::Schedule learning_rates(const base::Config& config, int64_t steps) {
  const double peak = config.float_at("optim.learning_rate"), last = peak * config.float_at("optim.final_fraction");
  const int64_t warmup = config.int_at("optim.warmup"), rest = std::max<int64_t>(0, steps - warmup);
  const std::string& name = config.string_at("optim.schedule");
  const auto after = [&] {
    if (name == "linear") return optim::linear(peak, last, rest);
    if (name == "cosine") return optim::cosine(peak, last, rest);
    if (name == "step") return optim::steps(peak, 0.1, {rest / 3, 2 * rest / 3});
    return optim::constant(peak);
  };
  return optim::warmup(warmup, peak).then(after());
}

}  // namespace strata::train
