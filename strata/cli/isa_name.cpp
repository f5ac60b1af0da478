#include "strata/cli/isa_name.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"

namespace strata::cli {

runtime::IsaLevel isa_level_named(const std::string& name) {
  if (name.empty()) return runtime::chosen_isa_level();
  if (const auto level = runtime::isa_level_from_name(name)) return *level;
  std::vector<std::string> names;
  for (const runtime::IsaLevel level : runtime::kAllIsaLevels) names.emplace_back(runtime::isa_level_name(level));
  base::Error error("E0401", fmt::format("--isa: '{}' is no instruction set level", name));
  if (const auto near = base::nearest_name(name, names)) error.hint("did you mean " + *near + "?");
  throw error.hint("the levels are scalar, avx2 and avx512");
}

}  // namespace strata::cli
