#include "strata/base/environment/cache_folder.h"

#include <cstdlib>

#include "strata/base/environment/variables.h"

namespace strata::base {

std::string default_cache_folder() {
  if (const char* folder = std::getenv("XDG_CACHE_HOME"); folder && *folder) return std::string(folder) + "/strata";
  if (const char* home = std::getenv("HOME"); home && *home) return std::string(home) + "/.cache/strata";
  return "";
}

std::string cache_folder() {
  const auto own = environment("STRATA_CACHE");
  return own ? *own : default_cache_folder();
}

}  // namespace strata::base
