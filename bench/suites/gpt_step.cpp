// A training step of a GPT against PyTorch's, eager and compiled, with two threads and with one.
#include "bench/workloads/gpt_step.h"

#include <algorithm>

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "bench/suites/step_contest.h"
#include "bench/workloads/program_figures.h"
#include "strata/runtime/execute/executable.h"

namespace strata::bench {

void run_gpt_step(const SuiteOptions& options, const Report& report) {
  const GptSize size;
  SuiteOptions few = options;
  few.rounds = std::min(options.rounds, 5);  // a turn takes seconds
  for (const int threads : {2, 1}) {
    const ThreadsScope scope(threads);
    GptStep step(size);
    step();
    run_step_contest({.workload = "GPT 6 x 256, vocabulary 4096, batch 16 x 256, AdamW",
                      .peer_setup = torch_setup(size),
                      .ours = burst([&] { step(); }, threads),
                      .flops = matrix_flops(*step.program(), size.batch),
                      .bytes = least_bytes(*step.program(), size.batch),
                      .bar = threads == 2 ? std::optional<double>(1.4) : std::nullopt,
                      .threads = threads},
                     few, report);
  }
}

}  // namespace strata::bench
