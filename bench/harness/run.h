// Runs suites and writes what they measured to bench/out/latest.json after each suite.
#pragma once

#include <string>
#include <vector>

#include "bench/harness/suite.h"

namespace strata::bench {

struct RunOptions {
  std::vector<std::string> suites;  ///< by name; empty: all
  SuiteOptions suite;
  std::string out = "bench/out/latest.json";  ///< rows of suites that don't run now are kept; empty: nothing is written
};

/// Asked for all, it leaves out with a line on stderr a suite whose data or peer fails; a suite that was named throws.
/// Throws E0710 for a suite that isn't there, E0720 when a peer fails half-way, E0002.
std::vector<Row> run(const RunOptions& options);

/// For measurements that need a fresh process (`strata bench --measure NAME`): one JSON object. E0710.
base::Json measure(const std::string& name);

}  // namespace strata::bench
