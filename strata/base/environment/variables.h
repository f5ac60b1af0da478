// The environment variables that Strata looks at: one table, which the reference page and `strata env` print. Reading
// one that is not in it is a bug (E0900), and tests/tools/environment_variables_test.py finds readers that go past it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace strata::base {

struct EnvironmentVariable {
  std::string_view name;
  std::string_view value;   ///< what may stand in it: "scalar, avx2, avx512, avx512-vnni or avx512-bf16"
  std::string_view effect;  ///< one line
  std::string_view reader;  ///< "every program", "strata bench", "tests", "make"
};

std::span<const EnvironmentVariable> environment_variables();

/// The value of a variable of the table; nothing where it is not set.
std::optional<std::string> environment(std::string_view name);

}  // namespace strata::base
