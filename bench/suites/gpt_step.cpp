#include "bench/workloads/gpt_step.h"

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "bench/suites/step_contest.h"
#include "strata/runtime/execute/executable.h"

namespace strata::bench {

void run_gpt_step(const SuiteOptions& options, const Report& report) {
  const GptSize size;
  const ThreadsScope scope(2);
  GptStep step(size);
  step();
  const models::GptConfig& m = size.model;
  run_step_contest({.workload = "GPT 6 x 256, vocabulary 4096, batch 16 x 256, AdamW",
                    .peer_setup = base::Json::object()
                                      .set("workload", "gpt")
                                      .set("batch", size.batch)
                                      .set("layers", m.layers)
                                      .set("width", m.width)
                                      .set("heads", m.heads)
                                      .set("vocabulary", m.vocabulary)
                                      .set("context", m.context),
                    .ours = burst([&] { step(); }),
                    .flops = matrix_flops(step.program(), size.batch),
                    .bar = 1.0,
                    .threads = 2},
                   options, report);
}

}  // namespace strata::bench
