#include "strata/train/config/schema.h"

#include <fmt/format.h>

#include "strata/base/threads/thread_pool.h"
#include "strata/data/loader/loader.h"
#include "strata/models/list.h"
#include "strata/optim/ranges.h"
#include "strata/train/supervised/data_kinds.h"

namespace strata::train {
namespace {

using base::bool_key;
using base::choice_key;
using base::float_key;
using base::int_key;
using base::string_key;

std::vector<base::ConfigKey> run_keys() {
  return {
      string_key("run.name", "run", "name of the run; its folder is runs/<name> unless --out says otherwise"),
      int_key("run.seed", 0, "seed of parameters, shuffling and dropout").at_least(0),
      int_key("run.threads", 0, "threads; 0: one per CPU").within(base::kThreadCount),
  };
}

/// A choice among the entries of a table, of which the first is the default; the help tells what each is.
template <class Table>
base::ConfigKey entry_key(const char* key, const Table& table, std::string help) {
  std::vector<std::string> names;
  for (const auto* entry : table) {
    names.emplace_back(entry->name);
    help += fmt::format("{} {}: {}", names.size() == 1 ? "." : ";", entry->name, entry->help);
  }
  return choice_key(key, names.front(), names, help);
}

std::vector<base::ConfigKey> kind_keys() {
  return {
      entry_key("model.kind", models::architectures(), "architecture"),
      entry_key("data.kind", data_kinds(), "what is learnt from"),
      int_key("data.workers", 1, "threads that prepare batches in the background").within(data::kWorkers),
  };
}

/// Keys of one architecture or of one kind of data are errors for another.
std::vector<base::Variant> variants() {
  std::vector<base::Variant> list;
  for (const models::Architecture* one : models::architectures())
    list.push_back({"model.kind", std::string(one->name), models::keys_of(*one)});
  for (const DataKind* kind : data_kinds()) list.push_back({"data.kind", std::string(kind->name), kind->keys()});
  return list;
}

std::vector<base::ConfigKey> train_keys() {
  return {
      int_key("train.epochs", 5, "passes over the training data, where train.steps is 0").between(1, 100000),
      int_key("train.steps", 0, "optimiser steps; 0: train.epochs passes over the training data").between(0, 100000000),
      int_key("train.batch", 64, "samples in a step").between(1, 1000000),
      int_key("train.accumulate", 1, "batches whose gradients are added up for a step").between(1, 10000),
      float_key(
          "train.seconds", 0,
          "budget of training time: before the first step the speed is measured, and the run gets as many steps as "
          "fit, never more than without a budget; its config.toml has them as train.steps; 0: no budget")
          .at_least(0),
      int_key("train.memory_budget", 0,
              "MB that a step may take: parameters, optimiser, batch and everything between; where it would take more, "
              "it keeps less and computes that twice, in the same bits; 0: no budget")
          .between(0, 1'000'000'000),
      bool_key("train.strict", false, "a kernel that the compiler leaves as written is an error"),
      int_key("train.log_every", 10, "steps between logged losses").at_least(1),
      int_key("train.evaluate_every", 0,
              "steps between evaluations; 0: at the end of each epoch, or ten times where train.steps or train.seconds "
              "is given")
          .at_least(0),
      int_key("train.checkpoint_every", 0, "steps between checkpoints; 0: with each evaluation").at_least(0),
  };
}

std::vector<base::ConfigKey> optim_keys() {
  return {
      choice_key("optim.kind", "sgd", {"sgd", "adam", "adamw", "adagrad", "rmsprop"}, "optimiser"),
      float_key("optim.learning_rate", 0.05, "peak learning rate").within(optim::kLearningRate),
      float_key("optim.momentum", 0.9, "momentum (sgd)").within(optim::kMomentum),
      bool_key("optim.nesterov", false, "Nesterov's momentum (sgd)"),
      float_key("optim.beta1", 0.9, "decay of the first moment (adam, adamw)").within(optim::kDecayRate),
      float_key("optim.beta2", 0.95, "decay of the second moment (adam, adamw)").within(optim::kDecayRate),
      float_key("optim.epsilon", 1e-8, "added to the root of the second moment").within(optim::kEpsilon),
      float_key("optim.weight_decay", 0.0, "decoupled for adamw; not applied to biases and norms")
          .within(optim::kWeightDecay),
      float_key("optim.clip", 0.0, "largest global norm of the gradient; 0: none").within(optim::kClipNorm),
      choice_key(
          "optim.commit", "finite_gradients", {"finite_gradients", "finite_loss"},
          "what a step looks at before it changes anything. finite_gradients: loss, gradients and all new values; "
          "finite_loss: the loss alone, so that each parameter is updated in its place behind its gradient, in "
          "less memory; parameters are then looked at before they are evaluated or saved"),
      choice_key("optim.schedule", "cosine", {"constant", "linear", "cosine", "step"},
                 "learning rate after the warm-up"),
      int_key("optim.warmup", 0, "steps of linear warm-up").within(optim::kScheduleSteps),
      float_key("optim.final_fraction", 0.05, "learning rate at the end, as a fraction of the peak").between(0, 1),
      choice_key("optim.precision", "f32", {"f32", "bf16"}, "bf16: activations and gradients in bf16 with f32 masters"),
  };
}

}  // namespace

const base::Schema& training_schema() {
  static const base::Schema schema({run_keys(), kind_keys(), train_keys(), optim_keys()}, variants());
  return schema;
}

}  // namespace strata::train
