// A file mapped read-only into memory: opening costs no copy, pages come in as they are touched.
// The bytes stay valid as long as the object (moving it keeps the address). A file that another process truncates while
// it is mapped raises SIGBUS, so only map files that are replaced by renaming (AtomicFile), not rewritten in place.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "strata/base/error/error.h"

namespace strata::base {

class MappedFile {
 public:
  /// Errors: E0001. An empty file gives empty bytes().
  static Result<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, const std::byte* data, size_t size);

  std::string path_;
  const std::byte* data_ = nullptr;  ///< owned mapping of size_ bytes, or nullptr
  size_t size_ = 0;
};

}  // namespace strata::base
