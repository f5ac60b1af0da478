// Lists of arrays, as programs take and give them, in tests. check/equivalence.h tells where two lists differ.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "strata/ir/host_array.h"

namespace strata::compiler {

/// In the same types, those of NaN included.
inline bool same_bits(std::span<const ir::HostArray> a, std::span<const ir::HostArray> b) {
  return std::ranges::equal(a, b, [](const ir::HostArray& x, const ir::HostArray& y) { return x.same_bits(y); });
}

/// In memory of their own.
inline std::vector<ir::HostArray> copies_of(std::span<const ir::HostArray> arrays) {
  std::vector<ir::HostArray> copies;
  for (const ir::HostArray& a : arrays) copies.push_back(a.clone());
  return copies;
}

}  // namespace strata::compiler
