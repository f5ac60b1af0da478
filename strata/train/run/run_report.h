// What a run leaves to look at: loss.svg, summary.json and report.html.
#pragma once

#include "strata/train/trainer.h"

namespace strata::train {

void write_report(const base::Config& config, const RunFolder& folder, Task& task, const History& history,
                  const TrainingResult& result);

}  // namespace strata::train
