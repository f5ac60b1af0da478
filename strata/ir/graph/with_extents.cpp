#include "strata/ir/graph/with_extents.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "strata/ir/graph/rewrite.h"

namespace strata::ir {
namespace {

using DimOf = base::FunctionRef<std::optional<Dim>(std::string_view)>;

class ExtentWriter {
 public:
  explicit ExtentWriter(DimOf dim_of) : dim_of_(dim_of) {}

  std::unique_ptr<Graph> write(const Graph& graph) {
    auto result = std::make_unique<Graph>(graph.name());
    for (SymbolFact fact : graph.facts().all()) {
      if (dim_of_(fact.name)) continue;
      if (fact.capacity) fact.capacity = fact.capacity->substitute(dim_of_);
      result->facts().add(fact);
    }
    GraphCopier copier(graph, *result);
    for (size_t i = 0; i < graph.parameters().size(); ++i) {
      const int index = i;
      const LocationScope scope(*result, graph.parameters()[i]->where);
      const Type type = graph.parameters()[i]->type();
      copier.set(graph.parameter(index),
                 result->add_parameter(type.with_shape(written(type.shape())), graph.parameter_name(index)));
    }
    const std::vector<bool> live = live_nodes(graph);
    for (const Node* node : graph.nodes())
      if (!node->is_parameter() && live[node->id]) copy(*node, copier, *result);
    copier.copy_results();
    return result;
  }

 private:
  void copy(const Node& node, GraphCopier& copier, Graph& to) {
    std::vector<Attr> attrs(node.attrs.all().begin(), node.attrs.all().end());
    std::vector<Shape> lists(attrs.size());
    for (size_t i = 0; i < attrs.size(); ++i) {
      if (attrs[i].kind != AttrKind::Dims) continue;
      lists[i] = written(attrs[i].as_dims());
      attrs[i] = Attr(attrs[i].name, std::span<const Dim>(lists[i]));
    }
    std::vector<GraphRef> regions;
    for (const GraphRef& region : node.regions()) {
      GraphRef& image = regions_[region.get()];
      if (!image) image = write(*region);
      regions.push_back(image);
    }
    const LocationScope scope(to, node.where);
    const Node* image = to.add(*node.op, copier.get(node.operands()), attrs, regions);
    for (uint32_t i = 0; i < node.result_count; ++i) copier.set(node.result(i), image->result(i));
  }

  Shape written(std::span<const Dim> dims) const {
    Shape shape;
    for (Dim d : dims) shape.push_back(d.substitute(dim_of_));
    return shape;
  }

  DimOf dim_of_;
  std::unordered_map<const Graph*, GraphRef> regions_;
};

}  // namespace

std::unique_ptr<Graph> with_dims(const Graph& graph, DimOf dim_of) { return ExtentWriter(dim_of).write(graph); }

std::unique_ptr<Graph> with_extents(const Graph& graph, const DimBinding& dims) {
  return with_dims(graph, [&](std::string_view symbol) -> std::optional<Dim> {
    for (const auto& [name, value] : dims.all())
      if (name == symbol) return Dim(value);
    return std::nullopt;
  });
}

void ask_rules(const Node& node, const DimBinding& dims) {
  Graph alone(node.graph->name());
  std::vector<Value> operands;
  for (const Value& v : node.operands()) operands.push_back(alone.add_parameter(v.type()));
  const LocationScope scope(alone, node.where);
  const Node* image = alone.add(*node.op, operands, node.attrs.all(), node.regions());
  std::vector<Value> results;
  for (uint32_t i = 0; i < image->result_count; ++i) results.push_back(image->result(i));
  alone.set_results(results);
  with_extents(alone, dims);
}

int64_t smallest_extent(const Graph& graph, const DimBinding& dims) {
  int64_t smallest = INT64_MAX;
  const std::vector<bool> live = live_nodes(graph);
  for (const Node* node : graph.nodes()) {
    if (!live[node->id]) continue;
    for (Type type : node->types())
      for (Dim extent : type.shape())
        if (!extent.is_constant() && dims.knows(extent)) smallest = std::min(smallest, dims(extent));
    for (const GraphRef& region : node->regions()) smallest = std::min(smallest, smallest_extent(*region, dims));
  }
  return smallest;
}

}  // namespace strata::ir
