// What the peers that are programs of ours share: requests and replies as bench/harness/peer.h describes them, and
// seconds as bench/harness/contest.h counts them. They link nothing of Strata.
#pragma once

#include <chrono>
#include <ctime>
#include <exception>
#include <functional>
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

namespace strata_peer {

using Json = nlohmann::json;

inline double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
/// CPU time with one thread, else wall time.
inline double seconds_now(int threads) {
  return threads == 1 ? static_cast<double>(std::clock()) / CLOCKS_PER_SEC : wall_seconds();
}

/// Seconds of one piece of work, in a burst of at least 0.1 s after one that is not timed. `seconds_of_work` does it
/// once and says what it took.
inline double seconds_of_burst(const std::function<double()>& seconds_of_work) {
  seconds_of_work();
  int count = 0;
  double total = 0;
  for (; total < 0.1; ++count) total += seconds_of_work();
  return total / count;
}

/// Answers the lines of stdin. `setup` gives the reply to {"do": "setup"}, `run` the seconds of any other request.
inline int serve(const std::function<Json(const Json&)>& setup, const std::function<double(const Json&)>& run) {
  try {
    for (std::string line; std::getline(std::cin, line);) {
      const Json request = Json::parse(line);
      const Json reply = request.at("do") == "setup" ? setup(request) : Json{{"seconds", run(request)}};
      std::cout << reply.dump() << std::endl;
    }
  } catch (const std::exception& error) {
    std::cout << Json{{"error", error.what()}}.dump() << std::endl;
    return 1;
  }
  return 0;
}

}  // namespace strata_peer
