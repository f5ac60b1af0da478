// What this machine reaches, measured: the ceilings that reports give as "% of peak" and that the tuner bounds a
// kernel's time with; no schedule is chosen by them. Measured once (about 100 ms) and kept by CPU fingerprint, because
// tables of CPU names are wrong on real machines.
#pragma once

#include <string>

#include "strata/machine/cpu_target.h"

namespace strata::machine {

struct MachinePeaks {
  int threads = 0;        ///< that the all-threads figures were taken with
  double fma_gflops = 0;  ///< f32 multiply-adds from registers, one thread, 2 operations each
  double fma_gflops_all_threads = 0;
  double memory_gbytes_per_s = 0;  ///< reading memory beyond all caches, one thread
  double memory_gbytes_per_s_all_threads = 0;
};

/// Measures now, for a target that the host can run, with the threads of the shared pool.
MachinePeaks measure_peaks(const CpuTarget& target);

/// The figures in `folder` for this CPU, target and thread count; measured and written there if there are none, or if
/// they are an hour old or were taken on a busy machine (then the better of old and new stand). A folder
/// that can't be written ("" too) costs the measurement at each start. One measurement at a time in a process.
MachinePeaks machine_peaks(const CpuTarget& target, const std::string& folder);

}  // namespace strata::machine
