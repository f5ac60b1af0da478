// What the writer and the reader of program files agree on besides the order of the fields (program_file.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace strata::runtime {

inline constexpr std::string_view kProgramMagic = "STRATAPF";
/// Raised when the order or the meaning of fields changes.
inline constexpr uint32_t kProgramFormat = 2;

}  // namespace strata::runtime
