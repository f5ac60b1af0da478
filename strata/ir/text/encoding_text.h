// Declarations of encodings in the text of programs and plans: they stand before what uses them.
//
//   encoding q5 {
//     kernel @decode(%b: u8[22]) -> (%y: f32[32]) { ... }
//   }
#pragma once

#include <string>

#include "strata/ir/graph/graph.h"
#include "strata/ir/text/lexer.h"

namespace strata::ir {

/// Reads the declarations that stand here, if any. Errors as those of declare_encoding.
void read_declarations(TextLexer& lexer);
/// Of the encodings in a program's types that Strata does not bring by itself.
std::string declarations_text(const Graph& graph);
/// A dtype's or an encoding's name.
Encoding read_encoding(TextLexer& lexer);

}  // namespace strata::ir
