// Attributes in text. What a list holds, integers or dimensions, follows from the op's declaration.
#pragma once

#include <string>
#include <vector>

#include "strata/ir/graph/op.h"
#include "strata/ir/text/lexer.h"

namespace strata::ir {

std::string attr_text(const Attr& attr, bool is_declared);

/// Attributes while they are read: owns what they point to until the graph has copied it.
struct AttrStore {
  std::vector<Attr> list;
  std::vector<std::unique_ptr<std::vector<int64_t>>> ints;
  std::vector<std::unique_ptr<std::vector<Dim>>> dims;
  std::vector<std::unique_ptr<std::string>> texts;
  std::vector<std::unique_ptr<HostArray>> arrays;
};

/// Reads `{name = value, ...}` if it is there, into the order that the op declares; undeclared ones (of composites)
/// come behind.
void read_attrs(TextLexer& lexer, const Op& op, AttrStore& store, int64_t& literal_budget);

Dim read_dim(TextLexer& lexer);
Type read_type(TextLexer& lexer);

}  // namespace strata::ir
