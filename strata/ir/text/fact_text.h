// Facts about dimensions as text: "B >= 1, T in [1, 64], T % 4 == 0", behind the word `where` of programs and kernels.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "strata/ir/dim.h"
#include "strata/ir/text/lexer.h"

namespace strata::ir {

/// Reads facts up to the end of their list and adds them. A name for which `is_dim` (null: any will do) is false is
/// refused, as are facts that no number fits.
void read_facts(TextLexer& lexer, Facts& facts, const std::function<bool(std::string_view)>& is_dim = nullptr);

/// " where B >= 1, ..." of the facts of dimensions for which `is_dim` is true; empty if there are none.
std::string facts_text(const Facts& facts, const std::function<bool(std::string_view)>& is_dim = nullptr);

}  // namespace strata::ir
