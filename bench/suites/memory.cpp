// Memory: the arena of a plan against the largest sum of bytes that are alive at once, which no plan can undercut.
#include <algorithm>

#include "bench/harness/suite.h"
#include "bench/workloads/gpt_step.h"
#include "strata/runtime/execute/executable.h"

namespace strata::bench {
namespace {

constexpr double kLimit = 1.1;

void add_row(const Report& report, const std::string& workload, runtime::MemoryUse use) {
  report(
      {.workload = workload + ": arena of " + std::to_string(use.arena_bytes >> 10) + " KiB",
       .peer = std::string(kStatedLimit),
       .ours = static_cast<double>(use.arena_bytes) / static_cast<double>(std::max<int64_t>(use.largest_live_bytes, 1)),
       .theirs = kLimit,
       .unit = "arena / largest live bytes",
       .bar = 1});
}

}  // namespace

void run_memory(const SuiteOptions&, const Report& report) {
  LeNetStep lenet;
  lenet();
  add_row(report, "LeNet-5, batch 64", memory_use(*lenet.program(), 64));
  const GptSize size;
  GptStep gpt({.model = size.model, .batch = 1});
  gpt();
  add_row(report, "GPT 6 x 256, batch 16 x 256", memory_use(*gpt.program(), size.batch));
}

}  // namespace strata::bench
