#include "strata/tensor/recording/function_graph.h"

#include <unordered_map>

#include "strata/ir/graph/rewrite.h"
#include "strata/tensor/recording/recording.h"

namespace strata::trace_detail {

using namespace recording_detail;

std::vector<ir::Type> types_of(std::span<const Tensor> tensors) {
  std::vector<ir::Type> types;
  for (const Tensor& t : tensors) types.push_back(t.type());
  return types;
}

Traced trace(const char* name, std::span<const ir::Type> types, const TensorFn& body) {
  const ir::Facts facts = Recording::current().graph().facts();
  TraceScope scope;
  Recording& recording = scope.recording();
  recording.graph().set_name(name);
  for (const ir::SymbolFact& fact : facts.all()) recording.graph().facts().add(fact);
  std::vector<Tensor> parameters;
  for (ir::Type t : types) parameters.push_back(recording.parameter(t, ""));
  const std::vector<Tensor> returned = body(parameters);
  std::vector<ir::Value> results;
  for (const Tensor& t : returned) results.push_back(recording.enter(t));
  recording.graph().set_results(results);
  Traced traced;
  for (const Recording::Capture& c : recording.captures()) traced.captures.push_back(c.outside);
  traced.graph = recording.take_graph();
  return traced;
}

std::vector<ir::GraphRef> share_captures(std::span<const Traced> traced, std::vector<Tensor>& captures) {
  std::unordered_map<const Cell*, size_t> position;
  for (const Traced& t : traced)
    for (const Tensor& c : t.captures)
      if (position.emplace(c.cell(), captures.size()).second) captures.push_back(c);
  std::vector<ir::GraphRef> graphs;
  for (const Traced& t : traced) {
    auto graph = std::make_shared<ir::Graph>(t.graph->name());
    for (const ir::SymbolFact& fact : t.graph->facts().all()) graph->facts().add(fact);
    ir::GraphCopier copier(*t.graph, *graph);
    const size_t own = t.graph->parameters().size() - t.captures.size();
    for (size_t i = 0; i < own; ++i)
      copier.set(t.graph->parameter(i), graph->add_parameter(t.graph->parameters()[i]->type()));
    std::vector<ir::Value> shared;
    for (const Tensor& c : captures) shared.push_back(graph->add_parameter(c.type()));
    for (size_t i = 0; i < t.captures.size(); ++i)
      copier.set(t.graph->parameter(own + i), shared[position.at(t.captures[i].cell())]);
    copier.copy_rest();
    copier.copy_results();
    graphs.push_back(std::move(graph));
  }
  return graphs;
}

std::vector<Tensor> append(Source at, std::span<const Tensor> tensors,
                           base::FunctionRef<std::vector<ir::Value>(ir::Graph&, std::span<const ir::Value>)> f) {
  std::vector<Tensor> results;
  {
    ops::HandleTraits<Tensor>::Recording recording(at, nullptr);
    noting_line_of(recording, [&] {
      std::vector<ir::Value> values;
      for (const Tensor& t : tensors) values.push_back(ops::HandleTraits<Tensor>::enter(recording, t));
      for (const ir::Value& v : f(recording.graph(), values))
        results.push_back(ops::HandleTraits<Tensor>::leave(recording, v));
    });
  }
  return results;
}

}  // namespace strata::trace_detail
