#include "strata/tensor/transforms/score.h"

#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/composites/attention_blocks.h"
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
