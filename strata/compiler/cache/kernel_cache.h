// Objects of kernels on disk, one file per key (entry_files.h), so that a program whose kernels were compiled once
// starts at once.
//
//   | bytes of as_written, misfit: 2 u64 | as_written | misfit | object |
#pragma once

#include <optional>
#include <string>

#include "strata/base/bytes/hash.h"
#include "strata/base/environment/cache_folder.h"
#include "strata/compiler/backends/target.h"
#include "strata/compiler/cache/entry_files.h"

namespace strata::compiler {

struct CachedKernel {
  Object object;
  /// What is said whenever it is used (loop/schedule.h): why its loops have no schedule, and why it has not the one
  /// that a database holds for it. Empty: nothing.
  std::string as_written, misfit;
  friend bool operator==(const CachedKernel&, const CachedKernel&) = default;
};

class KernelCache {
 public:
  explicit KernelCache(std::string folder = base::cache_folder()) : files_(std::move(folder), "SKC3") {}
  std::optional<CachedKernel> read(base::Hash128 key) const;
  /// As EntryFiles::write().
  void write(base::Hash128 key, const CachedKernel& kernel) const;
  std::string path_of(base::Hash128 key) const;

 private:
  EntryFiles files_;
};

}  // namespace strata::compiler
