#include "strata/base/bytes/line_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/error.h"

namespace strata::base {
namespace {

/// Bytes of the file up to and with its last newline.
off_t end_of_whole_lines(int fd, off_t size) {
  char block[4096];
  while (size > 0) {
    const off_t begin = std::max<off_t>(0, size - static_cast<off_t>(sizeof block));
    const ssize_t count = ::pread(fd, block, size - begin, begin);
    if (count <= 0) return size;
    for (ssize_t i = count; i-- > 0;)
      if (block[i] == '\n') return begin + i + 1;
    size = begin;
  }
  return 0;
}

}  // namespace

LineFile::LineFile(std::string path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) fail(errno);
  const off_t size = ::lseek(fd_, 0, SEEK_END);
  const off_t whole = end_of_whole_lines(fd_, size);
  if (whole >= size) return;
  if (::ftruncate(fd_, whole) == 0) return;
  const int code = errno;
  ::close(fd_);
  fail(code);
}

LineFile::LineFile(LineFile&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

LineFile::~LineFile() {
  if (fd_ >= 0) ::close(fd_);
}

void LineFile::fail(int code) const {
  throw Error(code::kUnwritableFile, fmt::format("cannot append to {}: {}", path_, errno_text(code)));
}

void LineFile::append(std::string_view line) {
  std::string record(line);
  record += '\n';
  ssize_t count;
  do count = ::write(fd_, record.data(), record.size());
  while (count < 0 && errno == EINTR);
  if (count == std::ssize(record)) return;
  const int code = count < 0 ? errno : ENOSPC;
  if (count > 0) {  // a full disk takes a part: give it back
    const off_t size = ::lseek(fd_, 0, SEEK_END);
    if (::ftruncate(fd_, size - count) != 0) fail(errno);
  }
  fail(code);
}

}  // namespace strata::base
