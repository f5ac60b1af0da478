#include "strata/ir/with_extents.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "strata/ir/rewrite.h"

namespace strata::ir {
namespace {

class ExtentWriter {
 public:
  explicit ExtentWriter(const DimBinding& dims) : dims_(dims) {}

  std::unique_ptr<Graph> write(const Graph& graph) {
    auto result = std::make_unique<Graph>(graph.name());
    for (const SymbolFact& fact : graph.facts().all())
      if (!value_of(fact.name)) result->facts().add(fact);
    GraphCopier copier(graph, *result);
    for (size_t i = 0; i < graph.parameters().size(); ++i) {
      const auto index = static_cast<int>(i);
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
    for (uint32_t i = 0; i < node.result_count; ++i)
      copier.set(node.result(static_cast<int>(i)), image->result(static_cast<int>(i)));
  }

  std::optional<int64_t> value_of(std::string_view symbol) const {
    for (const auto& [name, value] : dims_.all())
      if (name == symbol) return value;
    return std::nullopt;
  }

  Shape written(std::span<const Dim> dims) const {
    Shape shape;
    for (Dim d : dims)
      shape.push_back(d.substitute([this](std::string_view symbol) -> std::optional<Dim> {
        if (const auto value = value_of(symbol)) return Dim(*value);
        return std::nullopt;
      }));
    return shape;
  }

  const DimBinding& dims_;
  std::unordered_map<const Graph*, GraphRef> regions_;
};

bool is_bound(Dim extent, const DimBinding& dims) {
  std::vector<std::string> symbols;
  extent.collect_symbols(symbols);
  return std::all_of(symbols.begin(), symbols.end(), [&](const std::string& symbol) {
    return std::any_of(dims.all().begin(), dims.all().end(), [&](const auto& v) { return v.first == symbol; });
  });
}

}  // namespace

std::unique_ptr<Graph> with_extents(const Graph& graph, const DimBinding& dims) {
  return ExtentWriter(dims).write(graph);
}

int64_t smallest_extent(const Graph& graph, const DimBinding& dims) {
  int64_t smallest = INT64_MAX;
  const std::vector<bool> live = live_nodes(graph);
  for (const Node* node : graph.nodes()) {
    if (!live[node->id]) continue;
    for (Type type : node->types())
      for (Dim extent : type.shape())
        if (!extent.is_constant() && is_bound(extent, dims)) smallest = std::min(smallest, dims(extent));
    for (const GraphRef& region : node->regions()) smallest = std::min(smallest, smallest_extent(*region, dims));
  }
  return smallest;
}

}  // namespace strata::ir
