// A training step of LeNet-5 against PyTorch's, eager and compiled: small products, where what surrounds them counts.
#include "bench/workloads/lenet_step.h"

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "bench/suites/step_contest.h"
#include "bench/workloads/program_figures.h"
#include "strata/runtime/execute/executable.h"

namespace strata::bench {

void run_lenet_step(const SuiteOptions& options, const Report& report) {
  constexpr int64_t kBatch = 64;
  for (const int threads : {2, 1}) {
    const ThreadsScope scope(threads);
    LeNetStep step(kBatch);
    step();
    run_step_contest({.workload = "LeNet-5, batch 64, SGD with momentum",
                      .peer_setup = base::Json::object().set("workload", "lenet").set("batch", kBatch),
                      .ours = burst([&] { step(); }, threads),
                      .flops = matrix_flops(*step.program(), kBatch),
                      .bytes = least_bytes(*step.program(), kBatch),
                      .bar = threads == 2 ? std::optional<double>(2.0) : std::nullopt,
                      .threads = threads},
                     options, report);
  }
}

}  // namespace strata::bench
