#include "strata/machine/roofs.h"

namespace strata::machine {

Roofs measure_roofs(const CpuTarget& target, const std::string& cache_folder) {
  const MachinePeaks peaks = machine_peaks(target, cache_folder);
  return {peaks, measure_memory_levels(target, peaks)};
}

Bound bound_of(const Roofs& roofs, double operations, double bytes, int used_threads) {
  Bound bound{"arithmetic", roofs.flops(used_threads) > 0 ? operations / roofs.flops(used_threads) : 0};
  for (const MemoryLevel& level : roofs.levels) {
    const bool is_of_core = level.name == "L1" || level.name == "L2";
    if (bytes > static_cast<double>(level.bytes) * (is_of_core ? used_threads : 1)) continue;
    const double rate = 1e9 * (used_threads > 1 ? level.gbytes_per_s_all_threads : level.gbytes_per_s);
    if (rate > 0 && bytes / rate > bound.least_seconds) bound = {level.name, bytes / rate};
    break;
  }
  return bound;
}

}  // namespace strata::machine
