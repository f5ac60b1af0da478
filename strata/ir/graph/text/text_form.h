// The text form of tensor programs: printing and parsing. Text that parses prints, and what is printed parses to a
// program with the same hash that prints the same.
//
//   func @step(%x: f32[B,784], %w: f32[128,784]) -> (f32[B,128], f32[]) where B in [1, 64], B % 4 == 0 {
//     %0 = dot %x, %w {lhs_contract = [1], ..., result = f32} : f32[B,128]      @ mlp.cpp:17 hidden
//     %1 = constant {value = f32[2,2] [1.0, 2.0, 3.0, 4.0]} : f32[2,2]          elements, splat 0.5, or base64 "..."
//     %2, %3 = scan %0 {...} : f32[B,128], f32[]
//       func @body(%x: f32[B]) -> f32[B] { ... }                                regions follow their node
//     print %3 {label = "loss"}
//     return %2, %3
//   }
//
// When read: values may have any names; attributes any order; the types behind the colon may be left out, and are
// compared with what the op's rule infers when they stand there; a number or true or false as an operand is a constant
// of the first value operand's dtype, broadcast to its shape. An attribute that its op does not declare says what it
// is: dims [B, 2]. Comments run from // to the end of the line.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/error/error.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/op.h"

namespace strata::ir {

struct PrintOptions {
  bool positions = true;  ///< `@ file:line path` behind each node that has one
};
std::string print_graph(const Graph& graph, const PrintOptions& options = {});
/// One node without its regions, operands by id: for messages.
std::string print_node(const Node& node);

/// Bounds that keep hostile texts from exhausting memory or the stack.
struct ParseLimits {
  int region_depth = 32;
  int64_t literal_bytes = int64_t{1} << 30;  ///< of all literals together
};

/// One program. Errors: E0130 with line and column for the text; what an op's rule refuses keeps its own code.
base::Result<std::shared_ptr<Graph>> parse_graph(std::string_view text, const OpTable& ops,
                                                 const ParseLimits& limits = {});
/// Any number of programs, one after the other.
base::Result<std::vector<std::shared_ptr<Graph>>> parse_graphs(std::string_view text, const OpTable& ops,
                                                               const ParseLimits& limits = {});

class TextLexer;
/// For readers of texts that hold programs (plans): the program at the token at hand. Throws its errors.
std::shared_ptr<Graph> parse_graph_at(TextLexer& lexer, const OpTable& ops, int64_t& literal_budget);

/// `f32[2] [1.0, 2.0]`, as literals stand in a program.
std::string print_array(const HostArray& array);
base::Result<HostArray> parse_array(std::string_view text, int64_t largest_bytes = int64_t{1} << 30);

}  // namespace strata::ir
