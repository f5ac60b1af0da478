// Replaces a file as a whole: readers see the old content or the new, never a part of it, also after a crash.
//
//   write beside the target -> fsync -> rename over it -> fsync of the folder
//
// A symbolic link stays: the file that it leads to is replaced. What is no regular file (a device, a pipe) can't be
// replaced by renaming without destroying it, so it is written to as it stands.
//
// Failures (full disk, folder not writable) throw E0002 with the path and what the system said; the old file stays as
// it was and the temporary file is removed.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace strata::base {

class AtomicFile {
 public:
  /// Opens a temporary file beside the target ("<target>.tmp-<pid>-<number>"), or a device or pipe itself.
  explicit AtomicFile(std::string path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  /// Without commit() the temporary file is removed and the target untouched.
  ~AtomicFile();

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// Makes the content durable and visible under the path. Nothing may be written after it.
  void commit();

 private:
  [[noreturn]] void fail(const char* doing, int code);
  void flush();
  void write_through(const char* data, size_t size);
  void discard() noexcept;

  std::string path_;       ///< as given, for messages
  std::string target_;     ///< path_ with symbolic links followed
  std::string temporary_;  ///< empty: target_ is no regular file and is written to directly
  std::string buffer_;     ///< small writes gather here, up to 1 MiB
  int fd_ = -1;
};

/// Replaces the file at `path` by `text` in one step. Throws E0002.
void write_file(const std::string& path, std::string_view text);
void write_file(const std::string& path, std::span<const std::byte> bytes);

}  // namespace strata::base
