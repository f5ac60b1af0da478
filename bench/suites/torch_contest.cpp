#include "bench/suites/torch_contest.h"

#include <algorithm>

#include "bench/harness/contest.h"

namespace strata::bench {

double contest_with_torch(Row& row, const std::function<double()>& ours, Peer* peer, const base::Json& setup_reply,
                          const base::Json& request, int rounds) {
  std::vector<Contestant> contestants = {{"strata", ours}};
  for (const char* mode : {"eager", "torch.compile"})
    if (peer)
      contestants.push_back(
          {mode, [peer, mode, &request] { return peer->run(base::Json(request).set("mode", mode)); }});
  const std::vector<double> seconds = contest(contestants, rounds);
  row.ours = seconds[0] * 1e3;
  row.unit = "ms";
  if (peer) {
    const auto best = std::min_element(seconds.begin() + 1, seconds.end()) - seconds.begin();
    row.against("PyTorch, " + contestants[best].name, setup_reply.at("version").as_string(), seconds[best] * 1e3);
  }
  return seconds[0];
}

}  // namespace strata::bench
