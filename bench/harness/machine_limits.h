// What the machine that benchmarks run on can reach.
#pragma once

#include "strata/machine/peaks.h"

namespace strata::bench {

/// With so many threads, measured now, once for each number of threads. Figures that are kept from earlier, perhaps
/// quieter, moments count where they are higher: other programs only ever take away.
const machine::MachinePeaks& peaks_of(int threads);

/// f32 multiply-add operations per second with so many threads: the limit of dense arithmetic.
inline double peak_flops(int threads) { return 1e9 * peaks_of(threads).fma_gflops_all_threads; }

}  // namespace strata::bench
