#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/base_codes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace strata::base {
namespace {

Error unreadable(const std::string& path, int code) {
  return Error(code::kUnreadableFile, fmt::format("cannot read {}: {}", path, errno_text(code)));
}

/// Of what has no size (devices, pipes, /proc): it may never end.
constexpr size_t kMostWithoutSize = size_t{64} << 20;

/// Reads until the end, whatever size the system reported: /proc says 0, and a file may grow meanwhile.
template <class Container>
Result<Container> read_all(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return unreadable(path, errno);
  struct stat status{};
  if (::fstat(fd, &status) != 0) {
    const int code = errno;
    ::close(fd);
    return unreadable(path, code);
  }
  Container content;
  size_t used = 0;
  content.resize(static_cast<size_t>(status.st_size) + 1);  // one more, so that a regular file ends with a short read
  while (true) {
    if (used == content.size()) content.resize(content.size() + std::max<size_t>(content.size(), 4096));
    const ssize_t count = ::read(fd, content.data() + used, content.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int code = errno;
      ::close(fd);
      return unreadable(path, code);
    }
    if (count == 0) break;
    used += count;
    if (status.st_size == 0 && used > kMostWithoutSize) {
      ::close(fd);
      return Error(code::kUnreadableFile, fmt::format("cannot read {}: it has no size, and doesn't end within {} bytes",
                                                      path, kMostWithoutSize));
    }
  }
  ::close(fd);
  content.resize(used);
  return content;
}

}  // namespace

std::string errno_text(int code) {
  std::string text = std::error_code(code, std::generic_category()).message();
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

Result<std::string> read_text(const std::string& path) { return read_all<std::string>(path); }

Result<std::vector<std::byte>> read_bytes(const std::string& path) { return read_all<std::vector<std::byte>>(path); }

Result<uint64_t> file_bytes(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return unreadable(path, errno);
  return status.st_size;
}

bool is_file(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

void make_folders(const std::string& path) {
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (failure)
    throw Error(code::kUnwritableFile, fmt::format("cannot make folder {}: {}", path, errno_text(failure.value())));
}

Result<std::vector<std::string>> list_folder(const std::string& path) {
  std::error_code failure;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(path, failure), end;
  for (; !failure && entry != end; entry.increment(failure)) names.push_back(entry->path().filename().string());
  if (failure) return unreadable(path, failure.value());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace strata::base
