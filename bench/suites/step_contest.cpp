#include "bench/suites/step_contest.h"

#include "bench/harness/machine_limits.h"
#include "bench/suites/torch_contest.h"

namespace strata::bench {

void run_step_contest(const StepContest& c, const SuiteOptions& options, const Report& report) {
  base::Json setup = c.peer_setup, reply;
  setup.set("threads", c.threads);
  std::unique_ptr<Peer> peer;
  if (options.with_peers) peer = python_peer("torch_step.py", setup, reply);

  Row row{.workload = c.workload, .bar = c.bar, .threads = c.threads};
  const double seconds = contest_with_torch(row, c.ours, peer.get(), reply, base::Json::object(), options.rounds);
  row.operations = c.flops;
  if (c.bytes > 0) row.bytes = c.bytes;
  row.limit_fraction = c.flops / seconds / peak_flops(c.threads);
  report(std::move(row));
}

}  // namespace strata::bench
