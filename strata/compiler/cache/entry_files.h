// Files of the compile cache, one per key: what kernels (kernel_cache.h) and programs (program_cache.h) have in common.
// A file that is truncated, changed or of another version is as good as absent: what it held is made again and replaces
// it.
//
// Each build of the compiler has a folder of its own, kernels/<start of sources_hash()>/, since none can use another's
// files. When a build writes its first file, only the folders of the latest few builds are kept.
//
//   | magic: 4 | key lo, hi | hash lo, hi of the content | content |                  numbers are u64, little-endian
//
// A file is replaced as a whole, so that processes that write the same key at once leave one of their files.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/bytes/hash.h"

namespace strata::compiler {

/// How many builds' folders are kept.
inline constexpr size_t kBuildsInCache = 8;

/// The content of a file, with the header before it.
class EntryContent {
 public:
  EntryContent(std::vector<std::byte> file, size_t header_bytes) : file_(std::move(file)), header_(header_bytes) {}
  std::span<const std::byte> bytes() const { return std::span(file_).subspan(header_); }

 private:
  std::vector<std::byte> file_;
  size_t header_;
};

/// `folder` is the cache's; "": there is none, and nothing is read or written.
class EntryFiles {
 public:
  EntryFiles(std::string folder, std::string_view magic) : folder_(std::move(folder)), magic_(magic) {}

  bool has_folder() const { return !folder_.empty(); }
  /// The folder of this build.
  std::string build_folder() const;

  std::optional<EntryContent> read(const std::string& path, base::Hash128 key) const;
  /// Failure to write (read-only folder, full disk) is logged once and otherwise ignored: the program runs without.
  void write(const std::string& path, base::Hash128 key, std::span<const std::byte> content) const;
  /// Says, once in a process, that what a file holds can't be used: a damaged cache is damaged in many places.
  static void tell_damaged(const std::string& path);

 private:
  void forget_old_builds() const;
  std::string folder_;
  std::string_view magic_;
};

}  // namespace strata::compiler
