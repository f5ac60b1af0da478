// What is measured for its memory: the training steps and kernels of the other suites, each in a process of its own,
// with the peer that does the same.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "strata/base/json/json.h"

namespace strata::bench {

struct MemoryWorkload {
  std::string name;                             ///< of the measurement: memory_<name>
  std::string text;                             ///< for the row
  std::string peer_script;                      ///< of bench/peers
  base::Json peer_setup, peer_run;              ///< what it is asked; the mode is left out
  std::function<std::function<void()>()> make;  ///< one step, made ready
};

std::vector<MemoryWorkload> memory_workloads();

/// {"bytes"}: of the workload that `memory_<name>` names, in this process.
base::Json measure_memory(const std::string& measurement);
bool is_memory_measurement(const std::string& name);

}  // namespace strata::bench
