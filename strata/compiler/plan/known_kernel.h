// What is known of a kernel besides its code, whether it was compiled now or comes from the cache on disk.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "strata/base/bytes/hash.h"

namespace strata::compiler {

struct KnownKernel {
  base::Hash128 identity;                     ///< kernel_identity() of compile.h
  std::string name;                           ///< in its object
  std::vector<std::string> dims;              ///< that it is called with, by name
  std::vector<std::pair<int, int>> in_place;  ///< (output, input): output may be written over input
  bool is_surprise = false;                   ///< that it runs as written, if it does, is worth a warning
  friend bool operator==(const KnownKernel&, const KnownKernel&) = default;
};

}  // namespace strata::compiler
