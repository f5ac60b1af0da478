#include "strata/tensor/transforms/score.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/transform_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/composites/attention_blocks.h"
#include "strata/ops/composites/attention_walk.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/index/index.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/recording/function_graph.h"
#include "strata/transform/gradient.h"

namespace strata {
namespace {

/// The function for scores of a type, as a graph: (score, places) -> score.
trace_detail::Traced traced(const ScoreFn& score, ir::Type type) {
  const ir::Type place = type.with_dtype(DType::i32);
  const ir::Type types[] = {type, place, place, place, place};
  const auto body = [&](std::span<const Tensor> p) {
    const Tensor made = score(p[0], {p[1], p[2], p[3], p[4]});
    if (made.type() != type)
      throw base::Error(
          base::code::kOperandTypes,
          fmt::format("attention: the score function gives {}, expected {} as it got", made.type().str(), type.str()));
    return std::vector<Tensor>{made};
  };
  return trace_detail::trace("score", types, body);
}

/// What a value is made of, besides what has nothing to do with the block.
enum class MadeOf : uint8_t { Other, Place, Score };

/// What the function does to a score or its place with all of a block in view.
struct Across {
  std::string op;
  MadeOf of = MadeOf::Other;
  ir::Location where;
};

std::vector<bool> needed(const ir::Graph& graph) {
  std::vector<bool> is_needed(graph.nodes().size());
  for (const ir::Value& result : graph.results()) is_needed[result.node->id] = true;
  for (size_t i = graph.nodes().size(); i-- > 0;)
    if (is_needed[i])
      for (const ir::Value& operand : graph.nodes()[i]->operands()) is_needed[operand.node->id] = true;
  return is_needed;
}

/// Element by element, as far as what it has from the block is concerned. A table may be looked up by it.
bool is_elementwise(const ir::Node& node, std::span<const MadeOf> operands) {
  if (node.op == &ops::kGather) return operands[0] == MadeOf::Other;
  return node.op->is_pointwise || node.op == &ops::kReshape || node.op == &ops::kCheckedIndices;
}

/// Nodes of which the first region says what they compute of their operands.
bool is_its_body(const ir::Node& node) {
  const ir::Op* const op = node.op;
  return ops::is_composite(node) || op == &ops::kCustomVjp || op == &ops::kCustomJvp || op == &ops::kCheckpoint;
}

/// The first node on the way to the results that is not element by element; `parameters`: what these are made of.
std::optional<Across> first_across(const ir::Graph& graph, std::span<const MadeOf> parameters) {
  std::vector<MadeOf> made(graph.nodes().size(), MadeOf::Other);
  for (size_t i = 0; i < parameters.size(); ++i) made[graph.parameters()[i]->id] = parameters[i];
  const std::vector<bool> is_needed = needed(graph);
  for (const ir::Node* node : graph.nodes()) {
    if (node->is_parameter() || !is_needed[node->id]) continue;
    std::vector<MadeOf> operands;
    for (const ir::Value& operand : node->operands()) operands.push_back(made[operand.node->id]);
    if (operands.empty()) continue;
    const MadeOf of = made[node->id] = *std::ranges::max_element(operands);
    if (of == MadeOf::Other) continue;
    if (is_its_body(*node)) {
      auto within = first_across(node->region(0), operands);
      if (!within) continue;
      if (ops::is_composite(*node)) within->op = ops::composite_name(*node);
      if (!within->where.file) within->where = node->where;
      return within;
    }
    if (!is_elementwise(*node, operands)) return Across{std::string(node->op->name), of, node->where};
  }
  return std::nullopt;
}

/// A block is not all the scores of a row, and what looks across it would give what depends on where it ends.
void require_elementwise(const ir::Graph& function) {
  std::vector<MadeOf> parameters(function.parameters().size(), MadeOf::Other);
  std::fill_n(parameters.begin() + 1, 4, MadeOf::Place);
  parameters[0] = MadeOf::Score;
  const auto across = first_across(function, parameters);
  if (!across) return;
  const bool is_score = across->of == MadeOf::Score;
  base::Error error(base::code::kScoresMixed,
                    fmt::format("attention_with_score: the score function puts {} through {}, expected ops that work "
                                "element by element, since it gets a block of them at a time",
                                is_score ? "scores" : "places of scores", across->op));
  if (const std::string where = across->where.str(); !where.empty()) error.note("recorded at " + where);
  throw error.hint(is_score ? "what a row needs of all its scores, compute before and capture"
                            : "take(table, at.key, 0) looks a place up; what else a place gives is arithmetic");
}

/// (score, places, cotangent, captures...) -> cotangent of the score.
ir::GraphRef gradient_of(const ir::Graph& value) {
  auto graph = std::make_shared<ir::Graph>("score_gradient");
  for (const ir::SymbolFact& fact : value.facts().all()) graph->facts().add(fact);
  constexpr size_t kOwn = 5;
  std::vector<ir::Value> arguments;
  for (size_t i = 0; i < kOwn; ++i) arguments.push_back(graph->add_parameter(value.parameters()[i]->type()));
  const ir::Value d = graph->add_parameter(value.results()[0].type());
  for (size_t i = kOwn; i < value.parameters().size(); ++i)
    arguments.push_back(graph->add_parameter(value.parameters()[i]->type()));
  const ir::Value made = ir::inline_graph(value, *graph, arguments)[0];
  const auto found = transform::append_vjp(*graph, {&made, 1}, {&d, 1}, {arguments.data(), 1});
  graph->set_results(found);
  return graph;
}

}  // namespace

Tensor attention_with_score(const Tensor& q, const Tensor& k, const Tensor& v, const ScoreFn& score,
                            const ops::AttentionOptions& options, Source at) {
  if (!score) {
    base::Error error(base::code::kAttributeValue, "attention_with_score: the score function is empty");
    ops::note_line(error, {at.file, at.line});
    throw error;
  }
  std::vector<trace_detail::Traced> graphs;
  for (const auto by : {ops::WalkBy::Keys, ops::WalkBy::Queries})
    graphs.push_back(traced(score, ops::score_type(q.type(), k.type(), options.key_block, by)));
  require_elementwise(*graphs[0].graph);
  std::vector<Tensor> captures;
  const auto shared = trace_detail::share_captures(graphs, captures);
  const ops::ScoreFunction function{{shared[0], shared[1]}, {gradient_of(*shared[0]), gradient_of(*shared[1])}};
  std::vector<Tensor> operands{q, k, v};
  operands.insert(operands.end(), captures.begin(), captures.end());
  return trace_detail::append(at, operands, [&](ir::Graph&, std::span<const ir::Value> p) {
    const std::vector<ir::Value> captured(p.begin() + 3, p.end());
    return std::vector<ir::Value>{ops::attention_with_score(p[0], p[1], p[2], function, captured, options)};
  })[0];
}

}  // namespace strata
