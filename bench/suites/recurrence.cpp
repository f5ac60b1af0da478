// Loops that carry what they compute: a scan of many scalars and its gradient against stated limits, and a training
// step of an LSTM against PyTorch's.
#include <fmt/format.h>

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "bench/suites/step_contest.h"
#include "bench/workloads/lstm_step.h"
#include "bench/workloads/program_figures.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/control/control.h"

namespace strata::bench {

namespace {

constexpr int64_t kSteps = 614, kCarries = 60;

/// Each of the scalars leans on its neighbour and on the number of the step; gives the sum of the last ones.
Tensor run_scalars(const std::vector<Tensor>& start, const Tensor& x_T) {
  auto body = [](const std::vector<Tensor>& c, const Tensor& x) {
    std::vector<Tensor> next;
    for (size_t i = 0; i < c.size(); ++i) next.push_back(c[i] * 0.9 + c[(i + 1) % c.size()] * x);
    return std::pair(next, next[0]);
  };
  auto [last, y_T] = scan(body, start, x_T);
  Tensor total = sum(y_T);
  for (const Tensor& c : last) total = total + c;
  return total;
}

void run_scalar_scan(const SuiteOptions& options, const Report& report) {
  const ThreadsScope scope(1);
  std::vector<Tensor> start;
  for (int64_t i = 0; i < kCarries; ++i) start.push_back(Tensor::full({}, 0.01 * static_cast<double>(i), DType::f32));
  const Tensor x_T = uniform(Key(1), {kSteps}, 0, 0.1).evaluate();
  auto value = jit([](const std::vector<Tensor>& start, Tensor x_T) { return run_scalars(start, x_T); });
  auto gradient = jit([](const std::vector<Tensor>& start, Tensor x_T) {
    return grad([&](const std::vector<Tensor>& c) { return run_scalars(c, x_T); }, start);
  });
  const auto row = [&](const char* what, double stated_ms, const std::function<void()>& work) {
    work();
    const Contestant ours[] = {{"strata", burst(work, 1)}};
    report({.workload = fmt::format("scan of {} scalars, {} steps, {}", kCarries, kSteps, what),
            .peer = std::string(kStatedLimit),
            .ours = contest(ours, options.rounds)[0] * 1e3,
            .theirs = stated_ms,
            .unit = "ms",
            .bar = 1});
  };
  row("value", 0.3, [&] { value(start, x_T).item(); });
  row("gradient", 1.0, [&] { gradient(start, x_T)[0].item(); });
}

}  // namespace

void run_recurrence(const SuiteOptions& options, const Report& report) {
  run_scalar_scan(options, report);
  const LstmSize size;
  for (const int threads : {2, 1}) {
    const ThreadsScope scope(threads);
    LstmStep step(size);
    step();
    run_step_contest({.workload = "LSTM 256, 100 steps, batch 16, SGD",
                      .peer_setup = base::Json::object()
                                        .set("workload", "lstm")
                                        .set("batch", size.batch)
                                        .set("steps_of_sequence", size.steps)
                                        .set("width", size.width),
                      .ours = burst([&] { step(); }, threads),
                      .flops = lstm_flops(size),
                      .bytes = least_bytes(*step.program(), size.batch),
                      .bar = threads == 2 ? std::optional<double>(1.1) : std::nullopt,
                      .threads = threads},
                     options, report);
  }
}

}  // namespace strata::bench
