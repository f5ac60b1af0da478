// What the peers that are programs of ours share: requests and replies as bench/harness/peer.h describes them, and
// seconds as bench/harness/contest.h counts them. Of Strata they link base/ alone, for its JSON.
#pragma once

#include <chrono>
#include <ctime>
#include <exception>
#include <functional>
#include <iostream>
#include <string>

#include "strata/base/json/json.h"

namespace strata_peer {

using Json = strata::base::Json;

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

/// A whole number of the request; `absent` where it isn't there.
inline int number(const Json& request, const char* key, int absent = 0) {
  const Json* found = request.find(key);
  return found ? static_cast<int>(found->as_int()) : absent;
}
/// The reply to "setup".
inline Json introduced(const std::string& peer, const std::string& version) {
  return Json::object().set("peer", peer).set("version", version);
}

/// Answers the lines of stdin. `setup` gives the reply to {"do": "setup"}, `run` the seconds of any other request.
inline int serve(const std::function<Json(const Json&)>& setup, const std::function<double(const Json&)>& run) {
  try {
    for (std::string line; std::getline(std::cin, line);) {
      const Json request = strata::base::parse_json(line, "the request").value();
      const bool is_setup = request.at("do").as_string() == "setup";
      const Json reply = is_setup ? setup(request) : Json::object().set("seconds", run(request));
      std::cout << reply.dump() << std::endl;
    }
  } catch (const std::exception& error) {
    std::cout << Json::object().set("error", error.what()).dump() << std::endl;
    return 1;
  }
  return 0;
}

}  // namespace strata_peer
