// The training loop: steps, logging, evaluation, checkpoints, resume, and the report at the end.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "strata/train/run/history.h"
#include "strata/train/run/run_folder.h"
#include "strata/train/task.h"

namespace strata::train {

struct TrainingResult {
  int64_t steps = 0;
  double seconds = 0;  ///< of training steps alone
  double units_per_second = 0;
  double last_loss = 0;
  std::vector<Measure> measures;  ///< of the last evaluation
};

/// Runs the configured task in the folder to its end. With Start::Resume it goes on from the folder's checkpoint, bit
/// for bit as if it had never stopped. Throws E0704 when a step is not finite, naming the first op that made it so; the
/// checkpoint before stands. `is_to_stop` is asked after each step: when it says so, a checkpoint is written and E0711
/// thrown.
TrainingResult train(const base::Config& config, const RunFolder& folder, Start start,
                     const std::function<bool()>& is_to_stop = {});

}  // namespace strata::train
