// Learning from examples: any model, towards the objective of its answers, on data that suit it. It knows neither an
// architecture nor a data set by name.
#pragma once

#include "strata/models/architecture.h"
#include "strata/train/supervised/examples.h"
#include "strata/train/task.h"

namespace strata::train {

struct SupervisedParts {
  std::string title;  ///< of model and data: "M on D"
  models::Model model;
  const Objective* objective = nullptr;  ///< loss and measures
  std::unique_ptr<Examples> data;
  std::vector<std::string_view> settings;  ///< keys that a checkpoint must agree with
};

/// The architecture of model.kind with fresh parameters, and the data of data.kind.
SupervisedParts supervised_parts(const base::Config& config);

/// `config`, which must outlive the task, says how it is trained (train.*, optim.*).
std::unique_ptr<Task> make_supervised_task(const base::Config& config, SupervisedParts parts);

}  // namespace strata::train
