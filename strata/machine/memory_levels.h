// The levels of memory of this machine and how fast each is read, measured: the slopes of a roofline.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/machine/cpu_target.h"
#include "strata/machine/peaks.h"

namespace strata::machine {

struct MemoryLevel {
  std::string name;   ///< "L1", "L2", "L3", "DRAM"
  int64_t bytes = 0;  ///< that it holds, as the system says; of DRAM the largest number
  double gbytes_per_s = 0;
  double gbytes_per_s_all_threads = 0;  ///< each thread with memory of its own
};

/// From the fastest to DRAM, whose figures are those of `peaks`. Levels that the system does not name are left out.
/// About
/// 100 ms, for a target that the host can run, with the threads of the shared pool.
std::vector<MemoryLevel> measure_memory_levels(const CpuTarget& target, const MachinePeaks& peaks);

}  // namespace strata::machine
