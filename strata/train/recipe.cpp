#include "strata/train/recipe.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace strata::train {
namespace {

double schedule_factor(const std::string& schedule, double progress, double final_fraction) {
  progress = std::clamp(progress, 0.0, 1.0);
  if (schedule == "linear") return 1 - (1 - final_fraction) * progress;
  if (schedule == "cosine")
    return final_fraction + (1 - final_fraction) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  if (schedule == "step") return std::pow(0.1, std::floor(progress * 3));  // a tenth after each third
  return 1;
}

}  // namespace

optim::Optimiser start_optimiser(const base::Config& config, const Leaves& parameters) {
  const double lr = config.float_at("optim.learning_rate"), decay = config.float_at("optim.weight_decay");
  const double clip = config.float_at("optim.clip"), epsilon = config.float_at("optim.epsilon");
  const double beta1 = config.float_at("optim.beta1"), beta2 = config.float_at("optim.beta2");
  const std::string& rule = config.string_at("optim.kind");
  const optim::Common common{lr, decay, clip, {{.pattern = "*bias *norm* *ln_*", .weight_decay = 0}}};
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

double learning_rate(const base::Config& config, int64_t step, double progress) {
  const int64_t warmup = config.int_at("optim.warmup");
  const double warm = warmup > 0 ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(warmup)) : 1.0;
  return config.float_at("optim.learning_rate") * warm *
         schedule_factor(config.string_at("optim.schedule"), progress, config.float_at("optim.final_fraction"));
}

}  // namespace strata::train
