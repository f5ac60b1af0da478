// The tensor interpreter: what a program means. Plain loops through each op's reference rule, in f64 (integers
// exactly), rounded once to each result's dtype. Slow and obviously right; every compiled result is compared with it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/host_array.h"

namespace strata::ir {

struct InterpretOptions {
  /// Called after each node with its results: finds the first NaN, prints intermediate values.
  std::function<void(const Node&, std::span<const HostArray>)> observe;
  /// What `print` nodes write; empty: standard error.
  std::function<void(const std::string&)> print;
};

/// Runs a graph on arrays, one per parameter. Symbolic dimensions are bound from the arrays' shapes; a mismatch, a
/// broken fact, an extent that an op's type rule refuses (with_extents.h) or a false check is a User error.
std::vector<HostArray> interpret(const Graph& graph, std::span<const HostArray> arguments,
                                 const InterpretOptions& options = {});

/// Binds the symbols of the parameters' shapes to the arguments' shapes and checks shapes, dtypes and facts (E0110,
/// E0111).
class DimBinding {
 public:
  DimBinding() = default;
  /// `outer`: what the program around a region has bound already; its symbols mean the same inside.
  DimBinding(const Graph& graph, std::span<const Type> types, std::span<const std::vector<int64_t>> shapes,
             const DimBinding* outer = nullptr);
  int64_t operator()(Dim d) const;
  void bind(std::string_view symbol, int64_t value);
  /// Leaves out what `graph` counts itself: a call that is run again counts anew.
  void forget_counts_of(const Graph& graph);
  /// Whether all symbols of d have values; of all of them.
  bool knows(Dim d) const;
  bool knows(std::span<const Dim> dims) const;
  const std::vector<std::pair<std::string, int64_t>>& all() const { return values_; }

 private:
  std::vector<std::pair<std::string, int64_t>> values_;
};

/// E0111 if the value of a symbol breaks what `program` says of it.
void require_fact(const std::string& program, const SymbolFact& fact, int64_t value);

/// One node on its operands, regions included: what a kernel of a plan should give.
std::vector<HostArray> interpret_node(const Node& node, std::span<const HostArray> operands, const DimBinding& dims,
                                      const InterpretOptions& options = {});

}  // namespace strata::ir
