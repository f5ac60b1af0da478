#include "strata/ir/graph/interpret.h"

#include <algorithm>
#include <cstdio>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/with_extents.h"

namespace strata::ir {
namespace {

std::string concrete_str(Encoding encoding, std::span<const int64_t> shape) {
  std::string text = std::string(encoding.name()) + "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? "," : "") + std::to_string(shape[i]);
  return text + "]";
}

class Interpreter {
 public:
  Interpreter(const Graph& graph, const DimBinding& dims, const InterpretOptions& options)
      : graph_(graph), dims_(dims), options_(options) {
    dims_.forget_counts_of(graph);
  }

  std::vector<HostArray> run(std::span<const HostArray> arguments) {
    values_.resize(graph_.nodes().size());
    for (size_t i = 0; i < arguments.size(); ++i) values_[graph_.parameters()[i]->id] = {arguments[i]};
    for (const Node* node : graph_.nodes())
      if (!node->is_parameter()) run_node(*node);
    std::vector<HostArray> results;
    for (const Value& v : graph_.results()) results.push_back(values_[v.node->id][v.index]);
    return results;
  }

 private:
  void run_node(const Node& node) {
    std::vector<HostArray> operands;
    for (const Value& v : node.operands()) operands.push_back(values_[v.node->id][v.index]);
    if (node.op->counts) bind_count(node, operands[0], dims_);
    values_[node.id] = interpret_node(node, operands, dims_, options_);
  }

  const Graph& graph_;
  DimBinding dims_;  ///< its own: what the program counts comes in
  const InterpretOptions& options_;
  std::vector<std::vector<HostArray>> values_;
};

}  // namespace

DimBinding::DimBinding(const Graph& graph, std::span<const Type> types, std::span<const std::vector<int64_t>> shapes,
                       const DimBinding* outer) {
  if (outer) values_ = outer->values_;
  forget_counts_of(graph);
  for (size_t i = 0; i < types.size(); ++i) {
    if (std::ssize(shapes[i]) != types[i].rank())
      throw base::Error(base::code::kArgumentMismatch, graph.name() + ": argument " + std::to_string(i) +
                                                           " should be " + types[i].str() + ", found " +
                                                           concrete_str(types[i].encoding(), shapes[i]));
    for (int axis = 0; axis < types[i].rank(); ++axis)
      if (const auto scaled = types[i].dim(axis).scaled_symbol();
          scaled && !std::any_of(values_.begin(), values_.end(), [&](auto& v) { return v.first == scaled->first; }))
        bind(scaled->first, shapes[i][axis] / scaled->second);
  }
  for (size_t i = 0; i < types.size(); ++i)
    for (int axis = 0; axis < types[i].rank(); ++axis)
      if (const int64_t expected = (*this)(types[i].dim(axis)); expected != shapes[i][axis])
        throw base::Error(base::code::kArgumentMismatch, graph.name() + ": argument " + std::to_string(i) +
                                                             " should be " + types[i].str() + ", found " +
                                                             concrete_str(types[i].encoding(), shapes[i]))
            .note("axis " + std::to_string(axis) + " should be " + std::to_string(expected));
  for (const SymbolFact& fact : graph.facts().all())
    for (const auto& [name, value] : values_)
      if (name == fact.name) require_fact(graph.name(), fact, value);
}

void require_fact(const std::string& program, const SymbolFact& fact, int64_t value) {
  if (fact.holds(value)) return;
  throw base::Error(base::code::kBrokenFact,
                    program + ": dimension " + fact.name + " is " + std::to_string(value) + ", expected " +
                        std::to_string(fact.lowest) +
                        (fact.highest == INT64_MAX ? " or more" : " to " + std::to_string(fact.highest)) +
                        (fact.multiple > 1 ? ", a multiple of " + std::to_string(fact.multiple) : ""));
}

void DimBinding::bind(std::string_view symbol, int64_t value) { values_.emplace_back(symbol, value); }

void DimBinding::forget_counts_of(const Graph& graph) {
  if (!graph.has_counts()) return;
  const CountBounds counts(graph);
  std::erase_if(values_, [&](const auto& v) { return counts.is_count(v.first); });
}

bool DimBinding::knows(Dim d) const {
  std::vector<std::string> symbols;
  d.collect_symbols(symbols);
  return std::ranges::all_of(symbols, [&](const std::string& symbol) {
    return std::ranges::any_of(values_, [&](const auto& v) { return v.first == symbol; });
  });
}

bool DimBinding::knows(std::span<const Dim> dims) const {
  return std::ranges::all_of(dims, [this](Dim d) { return knows(d); });
}

int64_t DimBinding::operator()(Dim d) const {
  if (d.is_constant()) return d.constant();
  return d.evaluate([this](std::string_view symbol) -> int64_t {
    for (const auto& [name, value] : values_)
      if (name == symbol) return value;
    throw base::Error(base::code::kArgumentMismatch,
                      "dimension '" + std::string(symbol) +
                          "' has no value: it is the extent of no argument's axis, and no extent is a multiple of it");
  });
}

namespace {

bool is_on_bytes(const Node& node) {
  return node.op->encoded && node.op->encoded->on_bytes &&
         std::ranges::any_of(node.operands(), [](const Value& v) { return v.type().is_encoded(); });
}

/// A movement of blocks is one of their bytes.
HostArray interpret_on_bytes(const Node& node, std::span<const HostArray> operands, const HostArray& result,
                             const DimBinding& dims, const InterpretOptions& options) {
  Graph graph(std::string(node.op->name));
  std::vector<Value> values;
  std::vector<HostArray> bytes;
  for (size_t i = 0; i < operands.size(); ++i) {
    values.push_back(graph.add_parameter(node.operand(i).type().stored()));
    bytes.push_back(operands[i].stored());
  }
  graph.set_results({node.op->encoded->on_bytes(node, values)});
  const HostArray moved = Interpreter(graph, dims, {}).run(bytes)[0];
  HostArray array(result.encoding(), result.shape(), moved.storage());
  if (options.observe) options.observe(node, {&array, 1});
  return array;
}

}  // namespace

std::vector<HostArray> interpret_node(const Node& node, std::span<const HostArray> operands, const DimBinding& dims,
                                      const InterpretOptions& options) {
  if (!node.op->reference)
    throw base::Error(base::code::kNotInterpreted,
                      std::string(node.op->name) + ": can't be interpreted: " +
                          (node.op->reference.reason ? node.op->reference.reason : "no rule"));
  const auto is_empty = [](const HostArray& a) { return a.elements() == 0; };
  if (node.graph->facts().has_counts() && !node.op->counts && std::ranges::any_of(operands, is_empty))
    ask_rules(node, dims);  // those of sizes that a call brought were asked when it came
  std::vector<HostArray> results;
  for (Type type : node.types()) {
    std::vector<int64_t> shape;
    for (Dim d : type.shape()) shape.push_back(dims(d));
    results.emplace_back(type.encoding(), std::move(shape));
  }
  if (is_on_bytes(node)) return {interpret_on_bytes(node, operands, results[0], dims, options)};
  Reference rule{node, operands, results, nullptr, nullptr, nullptr};
  rule.run = [&](const Graph& region, std::span<const HostArray> arguments) {
    return Interpreter(region, dims, options).run(arguments);
  };
  rule.dim = [&](Dim d) { return dims(d); };
  rule.print =
      options.print ? options.print : [](const std::string& text) { std::fputs((text + "\n").c_str(), stderr); };
  node.op->reference.fn(rule);
  if (options.observe) options.observe(node, results);
  return results;
}

std::vector<HostArray> interpret(const Graph& graph, std::span<const HostArray> arguments,
                                 const InterpretOptions& options) {
  const size_t count = graph.parameters().size();
  if (arguments.size() != count)
    throw base::Error(base::code::kArgumentMismatch, graph.name() + ": takes " + std::to_string(count) +
                                                         " arguments, found " + std::to_string(arguments.size()));
  std::vector<Type> types;
  std::vector<std::vector<int64_t>> shapes;
  for (size_t i = 0; i < count; ++i) {
    types.push_back(graph.parameters()[i]->type());
    shapes.push_back(arguments[i].shape());
    if (types[i].encoding() != arguments[i].encoding())
      throw base::Error(base::code::kArgumentMismatch, graph.name() + ": argument " + std::to_string(i) +
                                                           " should be " + types[i].str() + ", found " +
                                                           concrete_str(arguments[i].encoding(), shapes[i]));
  }
  const DimBinding dims(graph, types, shapes);
  const auto written = dims.all().empty() ? nullptr : with_extents(graph, dims);  // asks the type rules
  const bool has_negative_formula = smallest_extent(graph, dims) < 0;
  return Interpreter(has_negative_formula ? *written : graph, dims, options).run(arguments);
}

}  // namespace strata::ir
