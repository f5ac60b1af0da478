// For tests: compiles without the kernels of earlier runs, and leaves none behind.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace strata::compiler {

/// As long as it lives, this process uses no compile cache on disk.
class NoDiskCache {
 public:
  NoDiskCache() {
    if (const char* value = std::getenv("STRATA_CACHE")) before_ = value;
    setenv("STRATA_CACHE", "", 1);
  }
  NoDiskCache(const NoDiskCache&) = delete;
  NoDiskCache& operator=(const NoDiskCache&) = delete;
  ~NoDiskCache() {
    if (before_)
      setenv("STRATA_CACHE", before_->c_str(), 1);
    else
      unsetenv("STRATA_CACHE");
  }

 private:
  std::optional<std::string> before_;
};

}  // namespace strata::compiler
