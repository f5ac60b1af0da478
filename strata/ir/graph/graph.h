// The tensor program: an SSA graph of nodes in an arena, in the order in which they were recorded (so always
// topological).
//
//   Graph                     owns the arena, the nodes, the literals and shares of the regions
//     parameters, results
//     nodes: Node* -> [op | operands | result types | attributes | regions | 128-bit structural hash | source position]
//
// A graph is built by appending and then only read: passes and transforms make a new graph (rewrite.h). Regions of
// cond, while, scan, call and composites are graphs themselves, isolated (captures become operands), shared and
// immutable once attached. Recording a node costs well under 100 ns: one bump allocation, the op's type rule, and the
// hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/bytes/hash.h"
#include "strata/ir/attr.h"
#include "strata/ir/type.h"

namespace strata::ir {

struct Op;
class Graph;
class HostArray;
using GraphRef = std::shared_ptr<const Graph>;

/// Where a node was recorded: the user's line, and the path of names ("block.3.attention") that was open there.
/// Not part of the hash. Both texts are interned or static.
struct Location {
  const char* file = nullptr;
  uint32_t line = 0;
  const char* path = nullptr;
  std::string str() const;  ///< "mlp.cpp:17 hidden", or empty
};

/// Characters that live as long as the process, one copy per text.
const char* intern(std::string_view text);

struct Node;

/// One result of a node. A null Value stands for "none" (a symbolic zero in the transforms).
struct Value {
  Node* node = nullptr;
  uint32_t index = 0;

  explicit operator bool() const { return node != nullptr; }
  friend bool operator==(const Value& a, const Value& b) { return a.node == b.node && a.index == b.index; }
  Type type() const;
  DType dtype() const { return type().dtype(); }
  std::span<const Dim> shape() const { return type().shape(); }
  int rank() const { return type().rank(); }
  Graph& graph() const;
};

struct Node {
  const Op* op = nullptr;  ///< null: a parameter
  Graph* graph = nullptr;
  uint32_t id = 0;  ///< position among the graph's nodes
  uint32_t operand_count = 0, result_count = 0, region_count = 0;
  const Value* operand_data = nullptr;
  const Type* type_data = nullptr;
  const GraphRef* region_data = nullptr;
  Attrs attrs;
  base::Hash128 hash;
  Location where;

  bool is_parameter() const { return op == nullptr; }
  std::span<const Value> operands() const { return {operand_data, operand_count}; }
  std::span<const Type> types() const { return {type_data, result_count}; }
  std::span<const GraphRef> regions() const { return {region_data, region_count}; }
  Value operand(int i) const { return operand_data[i]; }
  Value result(int i = 0) const { return {const_cast<Node*>(this), static_cast<uint32_t>(i)}; }
  Type type(int i = 0) const { return type_data[i]; }
  const Graph& region(int i) const { return *region_data[i]; }
};

inline Type Value::type() const { return node->type_data[index]; }
inline Graph& Value::graph() const { return *node->graph; }

/// The hash that a node gets: op, operands, attributes, regions, and types where these don't follow.
base::Hash128 node_hash(const Op& op, std::span<const Value> operands, std::span<const Attr> attrs,
                        std::span<const GraphRef> regions, std::span<const Type> types);

class Graph {
 public:
  explicit Graph(std::string name = "main");
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

  Value add_parameter(Type type, std::string_view name = "");
  /// Appends a node: checks operands and attributes, runs the op's type rule, hashes. Throws User errors of the E01xx
  /// range with both operands' types and the position being recorded. Attribute lists are copied.
  Node* add(const Op& op, std::span<const Value> operands, std::span<const Attr> attrs = {},
            std::span<const GraphRef> regions = {});
  Value add1(const Op& op, std::initializer_list<Value> operands, std::initializer_list<Attr> attrs = {}) {
    return add(op, std::span(operands.begin(), operands.size()), std::span(attrs.begin(), attrs.size()))->result();
  }
  void set_results(std::span<const Value> results);
  void set_results(std::initializer_list<Value> results) { set_results(std::span(results.begin(), results.size())); }

  std::span<Node* const> nodes() const { return nodes_; }
  std::span<Node* const> parameters() const { return parameters_; }
  std::span<const Value> results() const { return results_; }
  Value parameter(int i) const { return parameters_[i]->result(); }
  std::string_view parameter_name(int i) const { return parameter_names_[i]; }

  /// Whether a node here or in a region within is a call or a composite. Kept while nodes are added: a pass that looks
  /// for them at each level of a deep nest must not go through all that is below each time.
  bool has_calls() const { return has_calls_; }
  /// Whether a node here or in a call within gives a symbol its value (ir/counts/counts.h).
  bool has_counts() const { return has_counts_; }

  Facts& facts() { return facts_; }
  const Facts& facts() const { return facts_; }

  /// Structural hash of parameters' types, facts, and the nodes that the results and effects need. Computed anew at
  /// each call.
  base::Hash128 hash() const;

  /// The position that nodes recorded from now on get.
  const Location& location() const { return location_; }
  void set_location(const Location& location) { location_ = location; }

  /// Values that recorders make again and again (the constants of x * 2.0), by a key of theirs; null if there is none.
  Value find_shared(base::Hash128 key) const;
  void share(base::Hash128 key, Value value);

  /// Keeps a literal alive as long as the graph.
  const HostArray* keep(HostArray array);

  /// Aligned memory of the arena; lives as long as the graph.
  void* allocate(size_t bytes);

 private:
  std::string name_;
  struct Arena;
  std::unique_ptr<Arena> arena_;
  std::vector<Node*> nodes_, parameters_;
  std::vector<std::string> parameter_names_;
  std::vector<Value> results_;
  Facts facts_;
  Location location_;
  bool has_calls_ = false, has_counts_ = false;
};

/// Sets a graph's recording position for a scope: transforms give the nodes they make the position of their origin.
class LocationScope {
 public:
  LocationScope(Graph& graph, const Location& location) : graph_(graph), before_(graph.location()) {
    graph.set_location(location);
  }
  ~LocationScope() { graph_.set_location(before_); }
  LocationScope(const LocationScope&) = delete;

 private:
  Graph& graph_;
  Location before_;
};

}  // namespace strata::ir
