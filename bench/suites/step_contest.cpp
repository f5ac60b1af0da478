#include "bench/suites/step_contest.h"

#include <algorithm>

#include "bench/harness/contest.h"
#include "bench/harness/peer.h"

namespace strata::bench {

void run_step_contest(const StepContest& c, const SuiteOptions& options, const Report& report) {
  base::Json setup = c.peer_setup, reply;
  setup.set("threads", c.threads);
  std::unique_ptr<Peer> peer;
  if (options.with_peers) peer = python_peer("torch_step.py", setup, reply);

  std::vector<Contestant> contestants = {{"strata", c.ours}};
  for (const char* mode : {"eager", "torch.compile"})
    if (peer)
      contestants.push_back({mode, [&peer, mode] { return peer->run(base::Json::object().set("mode", mode)); }});
  const std::vector<double> seconds = contest(contestants, options.rounds);

  Row row{.workload = c.workload, .ours = seconds[0] * 1e3, .unit = "ms", .bar = c.bar, .threads = c.threads};
  row.limit_fraction = c.flops / seconds[0] / peak_flops(c.threads);
  if (peer) {
    const auto best = std::min_element(seconds.begin() + 1, seconds.end()) - seconds.begin();
    row.peer = "PyTorch, " + contestants[best].name;
    row.peer_version = reply.at("version").as_string();
    row.theirs = seconds[best] * 1e3;
  }
  report(std::move(row));
}

}  // namespace strata::bench
