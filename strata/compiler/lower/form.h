// Which of the five lowering forms a node has, found by asking its rule without making any loops.
#pragma once

#include "strata/ir/graph.h"

namespace strata::compiler {

enum class Form : uint8_t {
  Element,      ///< a function of an index: fuses into its consumers
  Reduction,    ///< a fold: takes element producers in, and pointwise consumers behind it
  Contraction,  ///< a sum of products
  Loops,        ///< writes its own statements
  Alias,        ///< the operand's memory under another shape
  Command,      ///< no loops: control flow, prints, large literals; the plan runs it or holds it
};

Form form_of(const ir::Node& node);

}  // namespace strata::compiler
