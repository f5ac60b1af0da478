// Walks through a tar archive as it streams by, bounded: sizes are checked before they are believed.
// Regular files only, with names of any length (ustar prefix and GNU long names); all else is passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace strata::data {

/// Fills up to `size` bytes and returns how many; 0 at the end.
using ByteSource = std::function<size_t(char* data, size_t size)>;

/// Which files to read: their bytes are given to `content`, those of others are passed over.
struct TarVisitor {
  std::function<bool(std::string_view name)> wanted;
  std::function<void(const std::string& name, std::string bytes)> content;
};

/// Largest file that is read from an archive.
constexpr uint64_t kMaxTarFileBytes = uint64_t{64} << 20;

/// Throws E0652, naming `archive`; reads to the end of the archive.
void read_tar(const ByteSource& source, std::string_view archive, const TarVisitor& visitor);

}  // namespace strata::data
