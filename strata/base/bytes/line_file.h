// A file that only grows by whole lines: metrics, logs, databases of one record a line.
// Each line is one write() to a descriptor in append mode, so lines of several writers don't mix. After a crash the
// file may end in a part of a line; opening it again cuts that part off, so that every line is a whole record.
#pragma once

#include <string>
#include <string_view>

namespace strata::base {

class LineFile {
 public:
  /// Opens or makes the file. Throws E0002.
  explicit LineFile(std::string path);
  LineFile(LineFile&& other) noexcept;
  LineFile& operator=(LineFile&&) = delete;
  ~LineFile();

  /// Appends `line` and a newline. Throws E0002; then nothing of the line stays in the file.
  void append(std::string_view line);
  const std::string& path() const { return path_; }

 private:
  [[noreturn]] void fail(int code) const;

  std::string path_;
  int fd_ = -1;
};

}  // namespace strata::base
