#include "strata/base/environment/cache_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>

namespace strata::base {
namespace {

/// The three variables as they were, put back at the end of a test.
class CacheFolder : public testing::Test {
 protected:
  CacheFolder() {
    for (const char* name : {"STRATA_CACHE", "XDG_CACHE_HOME", "HOME"})
      before_[name] = std::getenv(name) ? std::optional<std::string>(std::getenv(name)) : std::nullopt;
  }
  ~CacheFolder() override {
    for (const auto& [name, value] : before_) set(name.c_str(), value);
  }
  static void set(const char* name, const std::optional<std::string>& value) {
    if (value)
      ::setenv(name, value->c_str(), 1);
    else
      ::unsetenv(name);
  }

 private:
  std::map<std::string, std::optional<std::string>> before_;
};

TEST_F(CacheFolder, IsWhatTheFirstVariableThatIsSetSays) {
  set("STRATA_CACHE", "/own");
  set("XDG_CACHE_HOME", "/xdg");
  set("HOME", "/home/me");
  EXPECT_EQ(cache_folder(), "/own");
  set("STRATA_CACHE", std::nullopt);
  EXPECT_EQ(cache_folder(), "/xdg/strata");
  set("XDG_CACHE_HOME", "");
  EXPECT_EQ(cache_folder(), "/home/me/.cache/strata");
  set("HOME", std::nullopt);
  EXPECT_EQ(cache_folder(), "");
}

TEST_F(CacheFolder, OfNothingMeansNoCacheThoughThereIsADefault) {
  set("STRATA_CACHE", "");
  set("XDG_CACHE_HOME", "/xdg");
  EXPECT_EQ(cache_folder(), "");
  EXPECT_EQ(default_cache_folder(), "/xdg/strata");
}

}  // namespace
}  // namespace strata::base
