// The list of suites. A suite is one file of bench/suites/ and one line of suites.cpp.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "bench/harness/row.h"

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

}  // namespace strata::bench
