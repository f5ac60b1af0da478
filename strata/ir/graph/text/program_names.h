// Names that a text can't say, for readers who have the program that it was made of: those of parameters that have none
// (printed as p0, p1, ...), or that are no words.
#pragma once

#include <cstdint>
#include <memory>

#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/op.h"

namespace strata::ir {

class TextLexer;

struct ProgramNames {
  /// The program, and the parameters of it that are its first, are called as these; null: a parameter that the text
  /// calls as if it had no name has none. So it is with those of regions.
  const Graph* like = nullptr;
};

/// As parse_graph_at() of text_form.h, for programs that are run as they are: regions with the same text are one.
std::shared_ptr<Graph> parse_graph_at(TextLexer& lexer, const OpTable& ops, int64_t& literal_budget,
                                      const ProgramNames& names);

}  // namespace strata::ir
