// The list of suites. A suite is one file of bench/suites/ and one line of suites.cpp.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "bench/harness/row.h"
#include "strata/machine/peaks.h"

namespace strata::bench {

struct SuiteOptions {
  int rounds = 7;  ///< turns of each side
  bool with_peers = true;
};

/// Hands a row on as soon as it is measured.
using Report = std::function<void(Row)>;

struct Suite {
  std::string_view name, summary;
  void (*run)(const SuiteOptions&, const Report&);
};

/// In the order in which they run.
std::span<const Suite> suites();

/// What this machine reaches with so many threads, measured now, once for each number of threads. Figures that are kept
/// from earlier, perhaps quieter, moments count where they are higher: other programs only ever take away.
const machine::MachinePeaks& peaks_of(int threads);

/// f32 multiply-add operations per second with so many threads: the limit of dense arithmetic.
inline double peak_flops(int threads) { return 1e9 * peaks_of(threads).fma_gflops_all_threads; }

/// Sets the pool's thread count for a scope.
class ThreadsScope {
 public:
  explicit ThreadsScope(int threads);
  ~ThreadsScope();
  ThreadsScope(const ThreadsScope&) = delete;
  ThreadsScope& operator=(const ThreadsScope&) = delete;

 private:
  int before_;
};

}  // namespace strata::bench
