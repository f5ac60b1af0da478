#include "strata/base/bytes/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/error.h"

namespace strata::base {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// A rename is durable only once its folder is; file systems that can't sync a folder keep their own promise.
void sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

constexpr int kMostLinks = 40;  // as the kernel follows

/// Where the path leads through symbolic links; the last of them may lead to nothing yet. Of links in a circle it is
/// one of them.
std::string followed(std::string path) {
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code none;
    const std::filesystem::path next = std::filesystem::read_symlink(path, none);
    if (none) break;
    path = (std::filesystem::path(path).parent_path() / next).string();
  }
  return path;
}

/// Links in a circle aren't: opening them reports it.
bool is_replaceable(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? S_ISREG(status.st_mode) : errno != ELOOP;
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), target_(path_) {
  static std::atomic<unsigned> counter{0};  // two writers of one process must not share a temporary file
  if (is_replaceable(path_)) {
    target_ = followed(path_);  // only now: the links of /proc that lead to pipes name no path
    temporary_ = fmt::format("{}.tmp-{}-{}", target_, ::getpid(), counter.fetch_add(1));
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } else {
    fd_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
  }
  if (fd_ < 0) fail("write", errno);
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (fd_ < 0) return;
  ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  fd_ = -1;
}

void AtomicFile::fail(const char* doing, int code) {
  discard();
  throw Error(code::kUnwritableFile, fmt::format("cannot {} {}: {}", doing, path_, errno_text(code)));
}

void AtomicFile::write_through(const char* data, size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(fd_, data, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write", errno);
    data += count;
    size -= count;
  }
}

void AtomicFile::flush() {
  write_through(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void AtomicFile::write(std::string_view text) {
  if (fd_ < 0) fail("write", EBADF);
  if (buffer_.size() + text.size() > kBufferBytes) flush();
  if (text.size() >= kBufferBytes) return write_through(text.data(), text.size());
  buffer_ += text;
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void AtomicFile::commit() {
  if (fd_ < 0) fail("write", EBADF);
  flush();
  if (!temporary_.empty()) {  // devices and pipes mostly can't be synced
    if (::fsync(fd_) != 0) fail("sync", errno);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("replace", errno);
  }
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0) fail("close", errno);
  if (!temporary_.empty()) sync_folder(folder_of(target_));
}

void write_file(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void write_file(const std::string& path, std::span<const std::byte> bytes) {
  write_file(path, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace strata::base
