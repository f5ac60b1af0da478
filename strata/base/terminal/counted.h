// Numbers with what they count.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::base {

/// counted(1, "time") is "1 time", counted(2, "time") "2 times"; of nouns that take an s.
inline std::string counted(int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace strata::base
