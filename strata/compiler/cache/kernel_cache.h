// Objects on disk, one file per key, so that a program that was compiled once starts at once. A file that is truncated,
// changed or of another version is as good as absent: it is compiled again and replaced.
//
// Each build of the compiler has a folder of its own, kernels/<start of sources_hash()>/, since none can use another's
// objects. When a build writes its first object, only the folders of the latest few builds are kept.
//
//   | "SKC2" | key lo, hi | bytes of as_written, misfit, object | hash lo, hi of these | as_written | misfit | object |
#pragma once

#include <optional>
#include <string>

#include "strata/base/bytes/hash.h"
#include "strata/base/environment/cache_folder.h"
#include "strata/compiler/backends/target.h"

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
  explicit KernelCache(std::string folder = base::cache_folder()) : folder_(std::move(folder)) {}
  std::optional<CachedKernel> read(base::Hash128 key) const;
  /// Failure to write (read-only folder, full disk) is logged once and otherwise ignored: the program runs without.
  void write(base::Hash128 key, const CachedKernel& kernel) const;
  std::string path_of(base::Hash128 key) const;
  /// How many builds' objects are kept.
  static constexpr size_t kBuilds = 8;

 private:
  void forget_old_builds() const;
  std::string folder_;
};

}  // namespace strata::compiler
