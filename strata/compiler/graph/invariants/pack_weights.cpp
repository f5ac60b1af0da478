#include "strata/compiler/graph/invariants/pack_weights.h"

#include <algorithm>
#include <optional>

#include "strata/compiler/backends/target.h"
#include "strata/compiler/graph/invariants/invariants.h"
#include "strata/compiler/loop/packing.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::Graph;
using ir::GraphCopier;
using ir::GraphRef;
using ir::Node;
using ir::Value;

namespace {

Value into_panels(Value matrix, const ColumnsToPack& how) {
  const int64_t panels = (how.columns + how.width - 1) / how.width, more = panels * how.width - how.columns;
  const ops::Padding none, end{0, more};
  if (how.is_along_depth) {
    const Value x = ops::reshape(matrix, {Dim(how.columns), Dim(how.depth)});
    const Value whole = more > 0 ? ops::pad_zero(x, {end, none}) : x;
    return ops::transpose(ops::reshape(whole, {Dim(panels), Dim(how.width), Dim(how.depth)}), {0, 2, 1});
  }
  const Value x = ops::reshape(matrix, {Dim(how.depth), Dim(how.columns)});
  const Value whole = more > 0 ? ops::pad_zero(x, {none, end}) : x;
  return ops::transpose(ops::reshape(whole, {Dim(how.depth), Dim(panels), Dim(how.width)}), {1, 0, 2});
}

/// The matrix with the shape that it had.
Value out_of_panels(Value panels, const ColumnsToPack& how, ir::Type type) {
  const Dim columns = panels.type().dim(0) * panels.type().dim(2);
  const int64_t axis = how.is_along_depth ? 0 : 1;
  const Value lines = ops::transpose(panels, how.is_along_depth ? ops::Ints{0, 2, 1} : ops::Ints{1, 0, 2});
  const Value whole = how.is_along_depth ? ops::reshape(lines, {columns, Dim(how.depth)})
                                         : ops::reshape(lines, {Dim(how.depth), columns});
  const Value x = ops::slice_axis(whole, axis, {0, Dim(how.columns)});
  return ops::reshape(x, ir::Shape(type.shape().begin(), type.shape().end()));
}

bool has_product(const Graph& region) {
  return std::ranges::any_of(region.nodes(), [](const Node* n) {
    return !n->is_parameter() && n->regions().empty() && form_of(*n) == Form::Contraction;
  });
}
bool is_product(const Node& node) {
  if (node.op == &ops::kFusion) return has_product(node.region(0));
  return node.regions().empty() && form_of(node) == Form::Contraction;
}

/// The kernel of a product, whose parameter `how.parameter` is panels.
GraphRef region_on_panels(const Node& node, const ColumnsToPack& how, ir::Type panels) {
  auto region = std::make_shared<Graph>("fusion");
  for (const ir::SymbolFact& fact : node.graph->facts().all()) region->facts().add(fact);
  std::vector<Value> operands;
  for (int i = 0; i < std::ssize(node.operands()); ++i) {
    const ir::Type type = node.operand(i).type();
    const bool is_packed = i == how.parameter;
    const Value parameter = region->add_parameter(is_packed ? panels : type);
    const ir::LocationScope scope(*region, node.where);
    operands.push_back(is_packed ? out_of_panels(parameter, how, type) : parameter);
  }
  if (node.op == &ops::kFusion) {
    region->set_results(ir::inline_graph(node.region(0), *region, operands));
    return region;
  }
  const ir::LocationScope scope(*region, node.where);
  region->set_results({region->add(*node.op, operands, node.attrs.all())->result()});
  return region;
}

/// Whether the schedule of the kernel with this region reads the panels where they lie.
bool reads_them(const GraphRef& region, const ir::Facts& facts, const machine::VectorUnit& vectors) {
  Graph alone("packing");
  for (const ir::SymbolFact& fact : facts.all()) alone.facts().add(fact);
  std::vector<Value> operands;
  for (const Node* p : region->parameters()) operands.push_back(alone.add_parameter(p->type()));
  const Node* fusion = alone.add(ops::kFusion, operands, {}, {&region, 1});
  return reads_panels(lower_kernel(*fusion, facts, "packing"), vectors);
}

class Packer {
 public:
  Packer(const Graph& graph, const PassContext& context)
      : graph_(graph),
        vectors_(*context.target->vector_unit()),
        is_invariant_(invariant_nodes(graph, context.constants)) {
    for (int i : context.constants) is_invariant_[graph.parameters()[i]->id] = true;
  }

  bool pack(const Node& node, GraphCopier& copier, Graph& to) {
    if (!has_invariant(node) || !is_product(node)) return false;
    const auto how = columns_to_pack(lower_kernel(node, graph_.facts(), "packing"), vectors_);
    if (!how || how->parameter >= std::ssize(node.operands())) return false;
    const Value matrix = node.operand(how->parameter);
    if (!is_invariant_[matrix.node->id]) return false;
    const int64_t panels = (how->columns + how->width - 1) / how->width;
    const ir::Type type = matrix.type().with_shape(ir::Shape{Dim(panels), Dim(how->depth), Dim(how->width)});
    const GraphRef region = region_on_panels(node, *how, type);
    if (!reads_them(region, graph_.facts(), vectors_)) return false;
    std::vector<Value> operands = copier.get(node.operands());
    operands[how->parameter] = packed(copier.get(matrix), *how, node.where, to);
    const ir::LocationScope scope(to, node.where);
    const Node* made = to.add(ops::kFusion, operands, {}, {&region, 1});
    for (uint32_t r = 0; r < node.result_count; ++r) copier.set(node.result(r), made->result(r));
    return true;
  }

 private:
  /// More than one axis, or one that stands for several: a bias has no columns.
  bool has_invariant(const Node& node) const {
    return node.op && std::ranges::any_of(node.operands(),
                                          [&](const Value& v) { return is_invariant_[v.node->id] && v.rank() >= 1; });
  }

  struct Packed {
    Value matrix, panels;
    bool is_along_depth;
    int64_t columns;
  };
  Value packed(Value matrix, const ColumnsToPack& how, const ir::Location& where, Graph& to) {
    for (const Packed& p : packed_)
      if (p.matrix == matrix && p.is_along_depth == how.is_along_depth && p.columns == how.columns) return p.panels;
    const ir::LocationScope scope(to, where);
    const ir::Type types[] = {matrix.type()};
    const GraphRef region = ops::make_region("fusion", types, [&](Graph&, const std::vector<Value>& p) {
      return std::vector<Value>{into_panels(p[0], how)};
    });
    const Value panels = to.add(ops::kFusion, {&matrix, 1}, {}, {&region, 1})->result();
    packed_.push_back({matrix, panels, how.is_along_depth, how.columns});
    return panels;
  }

  const Graph& graph_;
  machine::VectorUnit vectors_;
  std::vector<bool> is_invariant_;
  std::vector<Packed> packed_;
};

}  // namespace

std::unique_ptr<Graph> pack_weights(const Graph& graph, const PassContext& context) {
  if (context.constants.empty() || !context.target || !context.target->vector_unit()) return ir::copy_graph(graph);
  Packer packer(graph, context);
  return ir::rewrite_graph(
      graph, [&](const Node& node, GraphCopier& copier, Graph& to) { return packer.pack(node, copier, to); });
}

}  // namespace strata::compiler
