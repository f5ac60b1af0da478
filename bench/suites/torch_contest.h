// Ours in turns with PyTorch, eager and through torch.compile: the better of the two counts.
#pragma once

#include <functional>

#include "bench/harness/peer.h"
#include "bench/harness/row.h"

namespace strata::bench {

/// Fills in our seconds as ms and, with a peer that takes {"mode": "eager" | "torch.compile"} beside what `request`
/// says, those of its better mode. `setup_reply`: its answer to setup. Returns our seconds.
double contest_with_torch(Row& row, const std::function<double()>& ours, Peer* peer, const base::Json& setup_reply,
                          const base::Json& request, int rounds);

}  // namespace strata::bench
