// Training steps of GPTs against PyTorch's, eager and compiled: a small one, and GPT-2.
#include "bench/workloads/gpt_step.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "bench/suites/step_contest.h"
#include "bench/workloads/program_figures.h"
#include "strata/machine/cpu_target.h"
#include "strata/runtime/execute/executable.h"

namespace strata::bench {

namespace {

void run_size(const std::string& name, const GptSize& size, std::optional<double> bar, int threads,
              const SuiteOptions& options, const Report& report) {
  const ThreadsScope scope(threads);
  GptStep step(size);
  step();
  run_step_contest({.workload = fmt::format("{}, batch {} x {}, AdamW{}", name, size.batch, size.length,
                                            size.precision == DType::f32 ? "" : ", bf16"),
                    .peer_setup = torch_setup(size),
                    .ours = burst([&] { step(); }, threads),
                    .flops = matrix_flops(*step.program(), size.batch),
                    .bytes = least_bytes(*step.program(), size.batch),
                    .bar = bar,
                    .threads = threads},
                   options, report);
}

GptSize gpt2_of(int64_t batch, int64_t length, DType precision) {
  GptSize size = gpt2_size();
  size.batch = batch, size.length = length, size.precision = precision;
  return size;
}

}  // namespace

/// bf16 where the CPU multiplies it: elsewhere it is f32's work and conversions.
void run_gpt_step(const SuiteOptions& options, const Report& report) {
  SuiteOptions few = options;
  few.rounds = std::min(options.rounds, 5);  // a turn takes seconds
  run_size("GPT 6 x 256, vocabulary 4096", {}, 1.4, 2, few, report);
  run_size("GPT 6 x 256, vocabulary 4096", {}, std::nullopt, 1, few, report);
  few.rounds = std::min(options.rounds, 3);
  run_size("GPT-2 124M", gpt2_of(1, 512, DType::f32), 1.4, 2, few, report);
  run_size("GPT-2 124M", gpt2_of(4, 64, DType::f32), 1.3, 2, few, report);
  if (!machine::chosen_cpu_target().vectors.has_half_dots) return;
  run_size("GPT-2 124M", gpt2_of(1, 512, DType::bf16), 1.5, 2, few, report);
  run_size("GPT-2 124M", gpt2_of(4, 64, DType::bf16), 1.5, 2, few, report);
}

}  // namespace strata::bench
