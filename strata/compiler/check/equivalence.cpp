#include "strata/compiler/check/equivalence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/base/error/error.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/conformance/sample_arrays.h"

namespace strata::compiler {

using ir::Dim;
using ir::Graph;
using ir::HostArray;
using ir::Node;

namespace {

constexpr std::string_view kSteps[] = {"floor", "ceil", "round", "trunc", "sign", "rem"};

/// A small error of an operand may change the result by much.
bool is_discrete(const Node& node) {
  if (std::find(std::begin(kSteps), std::end(kSteps), node.op->name) != std::end(kSteps)) return true;
  const bool reads_floats = std::any_of(node.operands().begin(), node.operands().end(),
                                        [](const ir::Value& v) { return ir::is_float(v.dtype()); });
  const bool gives_others =
      std::any_of(node.types().begin(), node.types().end(), [](ir::Type t) { return !ir::is_float(t.dtype()); });
  return reads_floats && gives_others;
}

bool has_discrete_ops(const Graph& graph) {
  for (const Node* node : graph.nodes()) {
    if (node->is_parameter()) continue;
    if (is_discrete(*node)) return true;
    for (const ir::GraphRef& region : node->regions())
      if (has_discrete_ops(*region)) return true;
  }
  return false;
}

/// An extent that the facts allow: small, and no power of two where there is a choice.
int64_t extent_of(const ir::Facts& facts, std::string_view symbol, uint64_t seed) {
  const ir::SymbolFact fact = facts.of(symbol);
  int64_t value = 3 + static_cast<int64_t>(seed % 3) * 2;
  value = std::clamp(value, std::max<int64_t>(fact.lowest, 0), fact.highest);
  value = (value + fact.multiple - 1) / fact.multiple * fact.multiple;
  return value <= fact.highest ? value : fact.highest / fact.multiple * fact.multiple;
}

void mix_in_special(HostArray& a, uint64_t seed) {
  constexpr double kSpecial[] = {0.0, -0.0, INFINITY, -INFINITY, NAN};
  for (int64_t i = seed % 3; i < a.elements(); i += 3 + i % 2) a.set(i, kSpecial[(i + seed) % 5]);
}

double number(const HostArray& a, int64_t i) {
  return ir::is_float(a.dtype()) ? a.get(i) : static_cast<double>(a.get_int(i));
}

bool same_element(const HostArray& a, const HostArray& b, int64_t i) {
  if (!ir::is_float(a.dtype())) return a.get_int(i) == b.get_int(i);
  const double x = a.get(i), y = b.get(i);
  if (std::isnan(x) || std::isnan(y)) return std::isnan(x) && std::isnan(y);
  return x == y && std::signbit(x) == std::signbit(y);
}

/// What a run gives: results, printed text, and the error's code if it failed.
struct Outcome {
  std::vector<HostArray> results;
  std::string printed, error;
};

Outcome run(const Graph& graph, std::span<const HostArray> arguments) {
  Outcome outcome;
  ir::InterpretOptions options;
  options.print = [&](const std::string& text) { outcome.printed += text + "\n"; };
  try {
    outcome.results = ir::interpret(graph, arguments, options);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::User) throw;
    outcome.error = error.text();
  }
  return outcome;
}

}  // namespace

std::vector<HostArray> finite_arguments(const Graph& graph, uint64_t seed) {
  const bool is_exact = has_discrete_ops(graph);
  std::vector<HostArray> arguments;
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    const ir::Type type = graph.parameters()[i]->type();
    ir::Shape shape;
    for (Dim d : type.shape())
      shape.push_back(
          d.substitute([&](std::string_view s) { return std::optional<Dim>(extent_of(graph.facts(), s, seed)); }));
    ir::SampleOperand operand{type.with_shape(shape),
                              is_exact ? ir::SampleOperand::Domain::Exact : ir::SampleOperand::Domain::Normal};
    if (ir::is_int(type.dtype())) operand = {operand.type, ir::SampleOperand::Domain::Index, 3};
    arguments.push_back(ops::sample_array(operand, seed * 1000003 + i * 7919));
  }
  return arguments;
}

std::vector<HostArray> random_arguments(const Graph& graph, uint64_t seed) {
  std::vector<HostArray> arguments = finite_arguments(graph, seed);
  for (size_t i = 0; i < arguments.size() && seed % 3 == 0; ++i)
    if (ir::is_float(graph.parameters()[i]->type().dtype())) mix_in_special(arguments[i], seed + i);
  return arguments;
}

std::optional<std::string> first_difference(std::span<const HostArray> expected, std::span<const HostArray> found) {
  if (expected.size() != found.size()) return fmt::format("{} results, found {}", expected.size(), found.size());
  for (size_t r = 0; r < expected.size(); ++r) {
    if (expected[r].encoding() != found[r].encoding() || expected[r].shape() != found[r].shape())
      return fmt::format("result {} has another type", r);
    const HostArray a = expected[r].stored(), b = found[r].stored();
    for (int64_t i = 0; i < a.elements(); ++i)
      if (!same_element(a, b, i))
        return fmt::format("result {}, element {}: expected {}, found {}", r, i, number(a, i), number(b, i));
  }
  return std::nullopt;
}

std::vector<std::vector<HostArray>> random_argument_sets(const Graph& graph, int runs, uint64_t seed) {
  std::vector<std::vector<HostArray>> sets;
  for (int i = 0; i < runs; ++i) sets.push_back(random_arguments(graph, seed + i));
  return sets;
}

std::optional<std::string> find_inequivalence_on(const Graph& before, const Graph& after,
                                                 std::span<const HostArray> arguments) {
  const Outcome expected = run(before, arguments), found = run(after, arguments);
  if (expected.error.empty() != found.error.empty())
    return fmt::format("{} fails: {}", expected.error.empty() ? "the second" : "the first",
                       expected.error + found.error);
  if (!expected.error.empty()) return std::nullopt;
  if (expected.printed != found.printed) return "other text is printed";
  return first_difference(expected.results, found.results);
}

std::optional<std::string> find_inequivalence(const Graph& before, const Graph& after, int runs, uint64_t seed) {
  for (int i = 0; i < runs; ++i)
    if (const auto difference = find_inequivalence_on(before, after, random_arguments(before, seed + i)))
      return fmt::format("seed {}: {}", seed + i, *difference);
  return std::nullopt;
}

}  // namespace strata::compiler
