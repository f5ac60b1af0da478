// A training step of ours against PyTorch's, eager and through torch.compile: the better of the two counts.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "bench/harness/suite.h"

namespace strata::bench {

struct StepContest {
  std::string workload;
  base::Json peer_setup;         ///< for bench/peers/torch_step.py
  std::function<double()> ours;  ///< seconds of a step
  double flops = 0;              ///< of a step, for the share of the machine's peak
  double bytes = 0;              ///< that a step has to move at least; 0: not known
  std::optional<double> bar;
  int threads = 2;
};

void run_step_contest(const StepContest& c, const SuiteOptions& options, const Report& report);

}  // namespace strata::bench
