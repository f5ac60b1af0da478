// A peer: another program's library in a process of its own, driven by one line of JSON for each request and reply.
//
//   -> {"do": "setup", ...}      <- {"peer": "PyTorch", "version": "2.15.0"}
//   -> {"do": "run", ...}        <- {"seconds": 0.0123}
//   any request                  <- {"error": "..."} when it can't be done
//
// Between requests the peer sleeps in read(), so that our side can be timed on quiet cores; while it works, our pool is
// parked. Its complaints go to bench/out/<name>.log.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/base/json/json.h"

namespace strata::bench {

class Peer {
 public:
  /// Starts a program. Throws E0720 when it can't be started.
  Peer(std::string name, const std::vector<std::string>& argv,
       const std::map<std::string, std::string>& environment = {});
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  /// Closes its input, which ends it, and waits.
  ~Peer();

  /// Sends a request with the pool parked and returns the reply. Throws E0720 when the peer says "error" or ends.
  base::Json ask(const base::Json& request);
  /// The same for {"do": "run", ...}: the seconds.
  double run(base::Json request = base::Json::object());

 private:
  std::string read_line();
  std::string name_, log_path_, buffer_;
  int to_ = -1, from_ = -1, pid_ = -1;
};

/// The Python that has the peers: $STRATA_PEERS_PYTHON, else ~/.cache/strata/peers/bin/python (tools/peers makes it).
std::optional<std::string> peers_python();

/// A peer written in Python, bench/peers/<script>; null with a line on stderr when there is no such Python or when the
/// peer says to "setup" that its library is missing. The reply to setup goes to `reply`.
std::unique_ptr<Peer> python_peer(const std::string& script, const base::Json& setup, base::Json& reply);
/// The same for a program that the build made: <name> beside this binary.
std::unique_ptr<Peer> built_peer(const std::string& name, const base::Json& setup, base::Json& reply);

/// What this machine has no peer for, a line each with what would bring it: nothing is compared with them.
std::vector<std::string> absent_peers();

/// Where this binary stands: it starts itself for what must be timed in a fresh process.
std::string own_path();

}  // namespace strata::bench
