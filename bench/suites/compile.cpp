// Compilation in a fresh process: cold with an empty disk cache, warm with the cache that the cold run left. Training
// steps of GPTs, one with twice the layers of another, and programs that are large in count. The peer's figure is the
// first call of torch.compile's step, less a later call.
#include <algorithm>

#include "bench/harness/contest.h"
#include "bench/harness/peer.h"
#include "bench/harness/suite.h"
#include "bench/workloads/gpt_step.h"
#include "strata/base/bytes/temp_folder.h"

namespace strata::bench {
namespace {

double compile_seconds(const std::string& program, const std::string& cache) {
  Peer fresh("strata_compile", {own_path(), "bench", "--measure", program}, {{"STRATA_CACHE", cache}});
  return fresh.run();
}

struct Seconds {
  double cold, warm;
};

/// With an empty cache, and with what that left.
Seconds both_seconds(const std::string& program, int rounds) {
  std::vector<double> cold, warm;
  for (int round = 0; round < rounds; ++round) {
    const base::TempFolder cache("bench-cache");
    cold.push_back(compile_seconds(program, cache.path()));
    warm.push_back(compile_seconds(program, cache.path()));
  }
  return {median(cold), median(warm)};
}

double cold_seconds(const std::string& program, int rounds) {
  std::vector<double> seconds;
  for (int round = 0; round < rounds; ++round) {
    const base::TempFolder cache("bench-cache");
    seconds.push_back(compile_seconds(program, cache.path()));
  }
  return median(seconds);
}

/// The stated limit, and the peer where there is one.
void add_rows(const Report& report, const std::string& workload, double ours, double limit,
              std::optional<double> theirs, const std::string& version) {
  Row row{.workload = workload,
          .peer = std::string(kStatedLimit),
          .ours = ours,
          .theirs = limit,
          .unit = "s",
          .bar = 1,
          .threads = 2};
  report(row);
  if (!theirs) return;
  row.against("torch.compile", version, *theirs);
  row.bar = std::nullopt;
  report(row);
}

void add_growth_rows(int rounds, const Report& report) {
  const Seconds twelve = both_seconds("gpt2_compile", rounds);
  add_rows(report, "GPT-2 124M training step, cold", twelve.cold, 1.5, std::nullopt, "");
  add_rows(report, "GPT-2 124M training step, from the disk cache", twelve.warm, 0.1, std::nullopt, "");
  add_rows(report, "GPT-2 with 24 layers, cold; the limit is twice that of 12",
           cold_seconds("gpt2_24_layers_compile", rounds), 2 * twelve.cold, std::nullopt, "");
  add_rows(report, "3,000 outputs, cold", cold_seconds("outputs_compile", rounds), 2.0, std::nullopt, "");
  add_rows(report, "the gradient through 5,000 sines, cold", cold_seconds("sines_compile", rounds), 2.0, std::nullopt,
           "");
  add_rows(report, "500 slices joined, cold", cold_seconds("slices_compile", rounds), 0.5, std::nullopt, "");
}

}  // namespace

void run_compile(const SuiteOptions& options, const Report& report) {
  const Seconds small = both_seconds("gpt_compile", std::min(options.rounds, 3));
  GptSize size;
  size.batch = 1;
  base::Json reply, setup = torch_setup(size).set("threads", 2).set("empty_cache", true);
  std::optional<double> theirs;
  std::string version;
  std::unique_ptr<Peer> peer;
  if (options.with_peers) peer = python_peer("torch_step.py", setup, reply);
  if (peer) {
    const base::Json request = base::Json::object().set("mode", "torch.compile").set("steps", 1);
    const double first = peer->run(request);
    theirs = first - peer->run(request);
    version = reply.at("version").as_string();
  }
  add_rows(report, "GPT 6 x 256 training step, cold", small.cold, 3.0, theirs, version);
  add_rows(report, "GPT 6 x 256 training step, from the disk cache", small.warm, 0.3, std::nullopt, version);
  add_growth_rows(std::min(options.rounds, 3), report);
}

}  // namespace strata::bench
