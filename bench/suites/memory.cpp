// Memory: the arena of a plan against the largest sum of bytes that are alive at once, which no plan can undercut; and
// what a process takes for the work of the other suites, against PyTorch's (its better mode counts). Then the steps of
// an LSTM and of GPTs within budgets, down from what their plan takes to the first that nothing found keeps; GPT-2's
// also with updates that wait for the loss alone, as PyTorch's wait for nothing.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "bench/harness/contest.h"
#include "bench/harness/peer.h"
#include "bench/harness/suite.h"
#include "bench/workloads/gpt_step.h"
#include "bench/workloads/lenet_step.h"
#include "bench/workloads/lstm_step.h"
#include "bench/workloads/memory_workloads.h"
#include "bench/workloads/program_figures.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
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

/// In a process that finds its kernels in the disk cache: the compiler's own memory is not the program's.
double our_bytes(const MemoryWorkload& w, const std::string& cache) {
  const auto measured = [&] {
    Peer fresh("strata_memory", {own_path(), "bench", "--measure", "memory_" + w.name}, {{"STRATA_CACHE", cache}});
    return fresh.ask(base::Json::object()).at("bytes").as_double();
  };
  measured();
  return measured();
}

void run_workload(const MemoryWorkload& w, const std::string& cache, const SuiteOptions& options,
                  const Report& report) {
  Row row{.workload = w.text, .ours = our_bytes(w, cache) / 1e6, .unit = "MB at most", .bar = 1, .threads = 2};
  for (const char* mode : {"eager", "torch.compile"}) {
    if (!options.with_peers) break;
    base::Json reply, request = base::Json(w.peer_run);
    request.set("do", "memory").set("mode", mode).set("setup", w.peer_setup);
    const auto peer = python_peer(w.peer_script, base::Json::object().set("later", true), reply);
    if (!peer) break;
    reply = peer->ask(request);
    const double bytes = reply.at("bytes").as_double() / 1e6;
    if (row.theirs && *row.theirs <= bytes) continue;
    row.against(std::string("PyTorch, ") + mode, reply.at("version").as_string(), bytes);
  }
  report(std::move(row));
}

template <class Step>
double milliseconds(Step& step) {
  return 1e3 * std::min(wall_seconds([&] { step(); }), wall_seconds([&] { step(); }));
}

/// What budgets are percentages of: all that the plan takes, or what of it no plan has to hold, which is all but
/// arguments and results.
enum class PercentOf : uint8_t { Plan, Arena };

/// `more`: what else the step is made with.
template <class Step, class Size, class... More>
void run_budgets(const std::string& name, const Size& size, PercentOf of, const Report& report, More... more) {
  int64_t whole = 0, held = 0;
  double unhurried = 0;
  for (const int percent : {100, 85, 70, 55, 40, 25, 15}) {
    try {
      std::optional<int64_t> budget;
      if (whole > 0) budget = held + (whole - held) * percent / 100;
      Step step(size, budget, more...);
      step();
      const compiler::MemoryPeak peak = memory_peak(*step.program(), size.batch);
      const int64_t bytes = peak.bytes;
      const double time = milliseconds(step);
      if (whole == 0) {
        whole = bytes, unhurried = time;
        if (of == PercentOf::Arena) held = bytes - peak.arena_bytes - peak.region_bytes;
      }
      report({.workload = fmt::format("{}, at {} % of its {}: {} MB in {:.2f} of the time", name, percent,
                                      of == PercentOf::Plan ? "plan" : "arena", bytes / 1'000'000, time / unhurried),
              .peer = std::string(kStatedLimit),
              .ours = static_cast<double>(bytes) / 1e6,
              .theirs = static_cast<double>(budget.value_or(whole)) / 1e6,
              .unit = "MB",
              .bar = 1,
              .threads = 2});
    } catch (const base::Error& error) {
      if (error.code() != base::code::kMemoryLimit) throw;
      return;
    }
  }
}

}  // namespace

void run_memory(const SuiteOptions& options, const Report& report) {
  LeNetStep lenet;
  lenet();
  add_row(report, "LeNet-5, batch 64", memory_use(*lenet.program(), 64));
  const GptSize size;
  GptStep gpt({.model = size.model, .batch = 1});
  gpt();
  add_row(report, "GPT 6 x 256, batch 16 x 256", memory_use(*gpt.program(), size.batch));
  const base::TempFolder cache("bench-cache");
  for (const MemoryWorkload& w : memory_workloads()) run_workload(w, cache.path(), options, report);
  run_budgets<LstmStep>("LSTM 256, 100 steps, batch 16", LstmSize(), PercentOf::Plan, report);
  run_budgets<GptStep>("GPT 6 x 256, batch 16 x 256", size, PercentOf::Plan, report);
  GptSize gpt2 = gpt2_size();
  gpt2.batch = 1, gpt2.length = 512;
  run_budgets<GptStep>("GPT-2 124M, batch 1 x 512", gpt2, PercentOf::Plan, report);
  // Weights and moments are 70 % of the plan: less than that is kept by nobody, so budgets of the rest are shown too.
  const std::string by_loss = "GPT-2 124M, batch 1 x 512, updated when the loss is finite";
  for (const PercentOf of : {PercentOf::Plan, PercentOf::Arena})
    run_budgets<GptStep>(by_loss, gpt2, of, report, optim::Commit::WhenLossIsFinite);
}

}  // namespace strata::bench
