#include "strata/compiler/graph/apply_rules.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <mutex>
#include <set>

#include "strata/base/trace/log.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/creation/creation.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::HostArray;
using ir::Node;
using ir::Value;

namespace {

/// Rules shrink or normalise, so a few rounds reach the end; the bound keeps a pair of rules that undo each other from
/// hanging.
constexpr int kMostRounds = 16;

Value first_match(const Node& node, std::span<const NodeRule> rules) {
  for (const NodeRule rule : rules)
    if (const Value v = rule(node)) return v;
  return {};
}

std::unique_ptr<Graph> one_round(const Graph& graph, std::span<const NodeRule> rules, bool& changed) {
  return rewrite_graph(graph, [&](const Node& node, GraphCopier& copier, Graph&) {
    if (node.result_count != 1 || node.op->effect != ir::Effect::None) return false;
    const Node* image = copier.copy(node);
    const Value v = first_match(*image, rules);
    if (v) {
      copier.set(node.result(), v);
      changed = true;
    }
    return true;
  });
}

void tell_of_the_limit(const Graph& graph, const PassContext& context) {
  const std::string text = fmt::format("pass {} stopped after {} rounds, and its rules still fire",
                                       context.pass.empty() ? "without a name" : context.pass, kMostRounds);
  if (context.remarks) context.remarks->push_back(text);
  static std::mutex lock;
  static auto* told = new std::set<std::string, std::less<>>;  // names of passes; guarded by the lock
  {
    std::lock_guard hold(lock);
    if (!told->emplace(context.pass).second) return;
  }
  base::log_warn("{}: {}", graph.name(), text);
}

}  // namespace

std::unique_ptr<Graph> apply_rules(const Graph& graph, std::span<const NodeRule> rules, const PassContext& context) {
  std::unique_ptr<Graph> current;
  const Graph* from = &graph;
  for (int round = 0; round < kMostRounds; ++round) {
    bool changed = false;
    auto next = one_round(*from, rules, changed);
    current = std::move(next);
    from = current.get();
    if (!changed) return current;
  }
  tell_of_the_limit(graph, context);
  return copy_graph(*current);  // leaves out what the last round replaced
}

std::optional<HostArray> splat_of(Value value) {
  const Node* node = value.node;
  while (node->op == &ops::kBroadcast) node = node->operand(0).node;
  if (node->op != &ops::kConstant) return std::nullopt;
  const HostArray& array = node->attrs.array("value");
  if (array.elements() == 0) return std::nullopt;
  const int64_t size = ir::dtype_bytes(array.dtype());
  for (int64_t i = 1; i < array.elements(); ++i)
    if (std::memcmp(array.data(), array.data() + i * size, size) != 0) return std::nullopt;
  HostArray scalar(array.dtype(), {});
  std::memcpy(scalar.data(), array.data(), size);
  return scalar;
}

bool is_splat(Value value, double number) {
  const auto scalar = splat_of(value);
  if (!scalar) return false;
  if (!ir::is_float(scalar->dtype())) return scalar->get_int(0) == static_cast<int64_t>(number);
  const double x = scalar->get(0);
  return x == number && std::signbit(x) == std::signbit(number);
}

}  // namespace strata::compiler
