// What the heuristic leaves on the table: the kernels of training steps under the schedules that it chooses, against
// the best that a search finds in 20 s for each of the rounds, one thread, by processor time. Both sides have the same
// bits.
#include <fmt/format.h>

#include <algorithm>

#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "bench/workloads/gpt_step.h"
#include "bench/workloads/image_step.h"
#include "bench/workloads/lenet_step.h"
#include "bench/workloads/lstm_step.h"
#include "strata/compiler/tune/tune.h"
#include "strata/ir/graph/describe.h"

namespace strata::bench {
namespace {

using compiler::tune::TunedKernel;

constexpr double kSecondsOfRound = 20, kBar = 0.9;
/// Of the program's time: kernels below it count in the sum alone.
constexpr double kLeastPart = 0.02;

double gain(const TunedKernel& k) { return k.best_seconds / k.heuristic_seconds; }

void report_kernels(const std::string& name, const compiler::tune::TuneResult& result, const Report& report) {
  double heuristic = 0, best = 0;
  for (const TunedKernel& k : result.kernels) {
    heuristic += static_cast<double>(k.launches) * k.heuristic_seconds;
    best += static_cast<double>(k.launches) * k.best_seconds;
  }
  Row row{.peer = "strata tune", .unit = "ms", .bar = kBar, .threads = 1};
  row.workload = fmt::format("{}: all kernels, against the best of {} trials", name, result.trials);
  row.ours = heuristic * 1e3, row.theirs = best * 1e3;
  report(row);
  const TunedKernel* worst = nullptr;
  for (const TunedKernel& k : result.kernels) {
    const bool counts = static_cast<double>(k.launches) * k.heuristic_seconds > kLeastPart * heuristic;
    if (k.untuned.empty() && counts && (!worst || gain(k) < gain(*worst))) worst = &k;
  }
  if (!worst) return;
  row.workload = fmt::format("{}: the kernel with most to gain, {}", name, worst->node);
  row.ours = worst->heuristic_seconds * 1e3, row.theirs = worst->best_seconds * 1e3;
  report(row);
}

template <class Step>
void tune_step(const std::string& name, Step step, int64_t batch, const SuiteOptions& options, const Report& report) {
  step();
  const std::shared_ptr<const ir::Graph> graph = step.program()->origin().recorded();
  compiler::tune::TuneOptions how{.seconds = kSecondsOfRound * options.rounds};
  for (const std::string& symbol : ir::parameter_symbols(*graph)) how.dims.emplace_back(symbol, batch);
  report_kernels(name, compiler::tune::tune(*graph, how), report);
}

}  // namespace

void run_tuning(const SuiteOptions& options, const Report& report) {
  const ThreadsScope one(1);
  const GptSize gpt;
  tune_step("GPT 6 x 256", GptStep(gpt), gpt.batch, options, report);
  tune_step("ResNet-18, batch 16 at 64", ImageStep<models::ResNet>(models::ResNet({.depth = 18}), 16, 64), 16, options,
            report);
  tune_step("MobileNetV2, batch 16 at 64", ImageStep<models::MobileNetV2>(models::MobileNetV2(), 16, 64), 16, options,
            report);
  tune_step("LSTM 256 x 100", LstmStep(), LstmSize{}.batch, options, report);
  tune_step("LeNet-5, batch 64", LeNetStep(64), 64, options, report);
}

}  // namespace strata::bench
