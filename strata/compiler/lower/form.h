// Which of the six lowering forms a node has, found by asking its rule without making any loops.
#pragma once

#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

enum class Form : uint8_t {
  Element,      ///< a function of an index: fuses into its consumers
  Reduction,    ///< a fold: takes element producers in, and pointwise consumers behind it
  Contraction,  ///< a sum of products
  Loops,        ///< writes its own statements
  Update,       ///< writes some elements of an operand, in its memory
  Alias,        ///< the operand's memory under another shape
  Command,      ///< no loops: control flow, prints, large literals, many parts; the plan runs it or holds it
};

Form form_of(const ir::Node& node);

/// What a kernel node writes in place: the update that it is, or that stands in its fusion.
struct UpdateInKernel {
  const ir::Node* node = nullptr;  ///< null: it is no update
  int operand = -1;                ///< of the kernel node: whose elements result 0 begins with
  bool is_read_otherwise = false;  ///< what is written is made of that operand as well
};
UpdateInKernel update_in(const ir::Node& kernel);

/// The forms of a graph's nodes, by id. Slices of a value that is cut into very many are commands: in kernels, each
/// would make another kernel to compile. Copied out first, what reads them is one and the same.
std::vector<Form> forms_of(const ir::Graph& graph);

/// What stands in a value's memory: itself, or the value that it is another shape of. `forms`: of its graph's nodes.
ir::Value written_value(ir::Value v);
ir::Value written_value(ir::Value v, std::span<const Form> forms);

}  // namespace strata::compiler
