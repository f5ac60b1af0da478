// The ceilings of this machine, and which of them a piece of work is under.
#pragma once

#include <string>
#include <vector>

#include "strata/machine/memory_levels.h"
#include "strata/machine/peaks.h"

namespace strata::machine {

struct Roofs {
  MachinePeaks peaks;
  std::vector<MemoryLevel> levels;  ///< from the fastest to DRAM

  double flops(int used_threads) const {
    return 1e9 * (used_threads > 1 ? peaks.fma_gflops_all_threads : peaks.fma_gflops);
  }
};

Roofs measure_roofs(const CpuTarget& target, const std::string& cache_folder);

/// What limits some work, as the roofline model has it: arithmetic, or the smallest level of memory that holds what it
/// moves.
struct Bound {
  std::string name;          ///< "arithmetic" or the level's
  double least_seconds = 0;  ///< that the work takes at that limit; 0: nothing is known of it
  double share(double seconds) const { return seconds > 0 ? least_seconds / seconds : 0; }
};
Bound bound_of(const Roofs& roofs, double operations, double bytes, int used_threads);

}  // namespace strata::machine
