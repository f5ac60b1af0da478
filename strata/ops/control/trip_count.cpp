#include "strata/ops/control/trip_count.h"

#include "strata/ir/graph/interpret.h"
#include "strata/ir/host_array.h"
#include "strata/ops/control/regions.h"
#include "strata/ops/creation/creation.h"

namespace strata::ops {
namespace {

constexpr int64_t kMostSteps = 100'000;
/// A counter and its bound, not a computation: the steps are run by the interpreter.
constexpr size_t kMostOperands = 8;
constexpr int64_t kMostElements = 64;

/// By parameter: whether these results depend on it.
std::vector<bool> read_by(const Graph& region, std::span<const Value> results) {
  std::vector<bool> needed(region.nodes().size());
  for (const Value& v : results) needed[v.node->id] = true;
  for (size_t i = needed.size(); i-- > 0;)
    if (needed[i])
      for (const Value& v : region.nodes()[i]->operands()) needed[v.node->id] = true;
  std::vector<bool> parameters;
  for (const Node* p : region.parameters()) parameters.push_back(needed[p->id]);
  return parameters;
}

/// The operands that the condition depends on, over any number of steps.
std::vector<size_t> operands_of_condition(const Node& loop, size_t constants) {
  const Graph& body = loop.region(1);
  std::vector<bool> needed = read_by(loop.region(0), loop.region(0).results());
  for (bool changed = true; changed;) {
    std::vector<Value> next;
    for (size_t i = constants; i < needed.size(); ++i)
      if (needed[i]) next.push_back(body.results()[i - constants]);
    const std::vector<bool> more = read_by(body, next);
    changed = false;
    for (size_t i = 0; i < needed.size(); ++i)
      if (more[i] && !needed[i]) needed[i] = changed = true;
  }
  std::vector<size_t> list;
  for (size_t i = 0; i < needed.size(); ++i)
    if (needed[i]) list.push_back(i);
  return list;
}

/// The part of a region that computes some of its results from some of its parameters.
std::shared_ptr<Graph> part_of(const Graph& region, std::span<const size_t> parameters,
                               std::span<const Value> results) {
  auto part = std::make_shared<Graph>("trip count");
  std::vector<Value> arguments(region.parameters().size());
  for (size_t p : parameters) arguments[p] = part->add_parameter(region.parameters()[p]->type());
  part->set_results(inline_needed(region, *part, arguments, results));
  return part;
}

}  // namespace

std::optional<int64_t> trip_count(const Node& loop) {
  const size_t constants = loop.attrs.integer("constants");
  const std::vector<size_t> operands = operands_of_condition(loop, constants);
  if (operands.size() > kMostOperands) return std::nullopt;
  std::vector<HostArray> values;
  std::vector<Value> next;
  for (size_t i : operands) {
    const Node& node = *loop.operand(i).node;
    if (node.op != &kConstant || node.attrs.array("value").elements() > kMostElements) return std::nullopt;
    values.push_back(node.attrs.array("value"));
    if (i >= constants) next.push_back(loop.region(1).results()[i - constants]);
  }
  const auto condition = part_of(loop.region(0), operands, loop.region(0).results()),
             step = part_of(loop.region(1), operands, next);
  for (int64_t steps = 0; steps <= kMostSteps; ++steps) {
    if (ir::interpret(*condition, values)[0].get_int(0) == 0) return steps;
    auto made = ir::interpret(*step, values);
    for (size_t k = 0, s = 0; k < operands.size(); ++k)
      if (operands[k] >= constants) values[k] = std::move(made[s++]);
  }
  return std::nullopt;
}

}  // namespace strata::ops
