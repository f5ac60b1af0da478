// Compiled programs on disk, one file per key (entry_files.h): the plan, and which kernels it runs. These have their
// own files (kernel_cache.h), which programs share. A process that finds its program neither runs passes nor lowers a
// node.
//
//   | kernels | image |
//   kernel   | identity lo, hi | name | dims | pairs in place | 1: its having no schedule surprises |
//   image    a program's file without code and without the recorded program (runtime/program/program_file.h)
//
// Numbers are u64, a text is its length and its bytes, a list its length and its entries.
//
// The folder programs/ of a build holds so many bytes and files; past that those that were read longest ago go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/base/bytes/hash.h"
#include "strata/base/environment/cache_folder.h"
#include "strata/compiler/cache/entry_files.h"
#include "strata/compiler/plan/known_kernel.h"

namespace strata::compiler {

struct CachedProgram {
  std::vector<KnownKernel> kernels;
  std::string image;  ///< its kernels by their place in the list
  friend bool operator==(const CachedProgram&, const CachedProgram&) = default;
};

/// What is kept of a build's programs.
struct ProgramCacheLimits {
  uint64_t bytes = uint64_t{256} << 20;
  size_t files = 4096;
};

class ProgramCache {
 public:
  explicit ProgramCache(std::string folder = base::cache_folder(), ProgramCacheLimits limits = {})
      : files_(std::move(folder), "SPC1"), limits_(limits) {}
  bool has_folder() const { return files_.has_folder(); }
  std::optional<CachedProgram> read(base::Hash128 key) const;
  /// As EntryFiles::write(). One that is larger than an eighth of the limit is not written.
  void write(base::Hash128 key, const CachedProgram& program) const;
  std::string path_of(base::Hash128 key) const;
  /// Removes what is past the limits. write() does so for one key in sixteen, since it looks at every file.
  void trim() const;

 private:
  std::string folder() const { return files_.build_folder() + "/programs"; }
  EntryFiles files_;
  ProgramCacheLimits limits_;
};

}  // namespace strata::compiler
