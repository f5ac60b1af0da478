#include "strata/base/bytes/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/base_codes.h"

namespace strata::base {

Result<MappedFile> MappedFile::open(const std::string& path) {
  const auto refuse = [&](int code) {
    return Error(code::kUnreadableFile, fmt::format("cannot map {}: {}", path, errno_text(code)));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return refuse(errno);
  struct stat status{};
  const int stat_code = ::fstat(fd, &status) == 0 ? (S_ISDIR(status.st_mode) ? EISDIR : 0) : errno;
  if (stat_code != 0) {
    ::close(fd);
    return refuse(stat_code);
  }
  const size_t size = status.st_size;
  void* data = nullptr;
  if (size > 0) data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  const int map_code = data == MAP_FAILED ? errno : 0;
  ::close(fd);  // the mapping outlives the descriptor
  if (map_code != 0) return refuse(map_code);
  return MappedFile(path, static_cast<const std::byte*>(data), size);
}

MappedFile::MappedFile(std::string path, const std::byte* data, size_t size)
    : path_(std::move(path)), data_(data), size_(size) {}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace strata::base
