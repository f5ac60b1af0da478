// Literal arrays in text: `f32[2,2] [1.0, 2.0, 3.0, 4.0]`, `f32[1000] splat 0.5`, `u8[300] base64 "..."`, `f32[] 0.5`.
#pragma once

#include <string>

#include "strata/ir/host_array.h"
#include "strata/ir/text/lexer.h"

namespace strata::ir {

/// Reads back to the same bits. Up to `kInlineElements` elements are listed, equal ones told once, the rest is base64.
inline constexpr int64_t kInlineElements = 64;
std::string array_text(const HostArray& array);

/// Reads an array; `budget` is what literals may take in bytes and is lowered by what this one takes.
HostArray read_array(TextLexer& lexer, int64_t& budget);

/// A number, true, false, inf, -inf, nan or bits(...) as bits of `dtype`; fails at the token if it does not fit.
uint64_t read_element(TextLexer& lexer, DType dtype);
/// Whether the token at hand can begin an element.
bool begins_element(const TextLexer& lexer);

}  // namespace strata::ir
