// Literals of the loop program's text: shortest decimal that reads back to the same bits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "strata/ir/dtype.h"

namespace strata::ir::loops {

/// "1.5" or, with its type, "1.5f32"; infinities are "inf" or, as NaNs always, "bits(f32, 0x7fc00000)". Not for bool.
std::string literal_text(DType type, uint64_t bits, bool with_type);

/// The bits of a literal without suffix ("-3", "1e-5", "inf") in a type; nothing if it does not fit.
std::optional<uint64_t> literal_bits(DType type, std::string_view text);

}  // namespace strata::ir::loops
