// A folder of its own for a test or a scratch job, removed with all that is in it at the end of the scope.
#pragma once

#include <string>
#include <string_view>

namespace strata::base {

class TempFolder {
 public:
  /// Makes "<TMPDIR or /tmp>/strata-<name>-XXXXXX". Throws E0002.
  explicit TempFolder(std::string_view name = "work");
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder();

  const std::string& path() const { return path_; }
  /// The path of `name` inside the folder.
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace strata::base
