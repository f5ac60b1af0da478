// Counted dimensions: symbols whose value is data of the program itself, bounded by a capacity that is known when the
// program is bound (docs/decisions/0031).
//
//   func @f(%x: f32[B]) -> i64[N] where N in [0, B] counted {
//     ...
//     %5 = counted_range %4 {symbol = [N], capacity = [B]} : i64[N]     N is the value of %4 from here on
//
// The node that counts gives the symbol to the graph that it stands in; regions of other nodes read it like any symbol
// of the program around them. Nothing in front of that node may name the symbol, and nothing but 0 <= N <= capacity can
// be known of it before the run: what a rule needs beyond that is refused when it is recorded (E0145).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/interpret.h"

namespace strata::ir {

class Infer;

struct Count {
  std::string symbol;
  Dim capacity;
};

/// What a node counts; nothing for other nodes.
std::optional<Count> count_of(const Node& node);

/// Gives the symbol of a node that counts its value: operand 0, as the run found it. E0146 outside of [0, capacity],
/// and where the symbol has another value already.
void bind_count(const Node& node, const HostArray& value, DimBinding& dims);

/// The counts of one graph, those of its regions left out, and what its dimensions are at most.
class CountBounds {
 public:
  explicit CountBounds(const Graph& graph);
  /// Some of them.
  CountBounds(const Graph& graph, std::span<const Count> counts)
      : graph_(graph), counts_(counts.begin(), counts.end()) {}

  bool empty() const { return counts_.empty(); }
  std::span<const Count> all() const { return counts_; }
  bool is_count(std::string_view symbol) const;
  bool mentions(Dim d) const;
  /// Whether d stands in a type or an attribute of the node, or of the fusion in it.
  bool is_mentioned_by(const Node& node) const;
  /// No less than d for any value of the counts, and without them: what memory is laid out for.
  Dim largest(Dim d) const { return bound(d, true); }

 private:
  Dim bound(Dim d, bool from_above) const;
  Dim bound_of_atom(const DimAtom& atom, bool from_above) const;

  const Graph& graph_;
  std::vector<Count> counts_;
};

/// By node, the nodes that must come first because it names what they count; empty where nothing is counted.
std::vector<std::vector<const Node*>> counts_before(const Graph& graph);

/// A name that stands for no dimension of the graph: N, N1, N2 ...
std::string fresh_count_name(const Graph& graph, const Graph* and_of = nullptr);

/// The program with names for its counts that `to` doesn't have, before it is appended there; null if it has no counts.
std::unique_ptr<Graph> with_fresh_counts(const Graph& graph, const Graph& to);

/// Asks a type rule where counts are about: what it can't decide about one is refused (E0145), what it can't decide
/// about other symbols is noted as ever.
void apply_type_rule_with_counts(Infer& infer);
/// Throws E0145 in place of an error that follows a question about a count, asked since questions_asked() was that.
void refuse_question_of_count(const base::Error& error, const Graph& graph, uint64_t questions_before);
/// What a node of this op does to the counts of its graph: refuses a second meaning of a symbol, and regions that count
/// where only a call may (E0147).
void check_counts(const Infer& infer);

}  // namespace strata::ir
