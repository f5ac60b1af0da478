#include "bench/harness/machine_limits.h"

#include <algorithm>
#include <map>

#include "bench/harness/threads_scope.h"
#include "strata/base/environment/cache_folder.h"
#include "strata/machine/cpu_target.h"

namespace strata::bench {

const machine::MachinePeaks& peaks_of(int threads) {
  static std::map<int, machine::MachinePeaks> known;
  if (const auto it = known.find(threads); it != known.end()) return it->second;
  const ThreadsScope scope(threads);
  const machine::CpuTarget cpu = machine::chosen_cpu_target();
  const machine::MachinePeaks kept = machine::machine_peaks(cpu, base::cache_folder());
  machine::MachinePeaks peaks = machine::measure_peaks(cpu);
  peaks.fma_gflops = std::max(peaks.fma_gflops, kept.fma_gflops);
  peaks.fma_gflops_all_threads = std::max(peaks.fma_gflops_all_threads, kept.fma_gflops_all_threads);
  return known.emplace(threads, peaks).first->second;
}

}  // namespace strata::bench
