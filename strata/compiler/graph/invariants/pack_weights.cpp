#include "strata/compiler/graph/invariants/pack_weights.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "strata/compiler/backends/target.h"
#include "strata/compiler/graph/invariants/invariants.h"
#include "strata/compiler/loop/packing.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/encoding/encoding.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::Graph;
using ir::GraphCopier;
using ir::GraphRef;
using ir::Node;
using ir::Value;

namespace {

/// [panel][element / group][column][element mod group] of a matrix as `how` says it; without the last axis where a
/// group is one element.
class PanelLayout {
 public:
  explicit PanelLayout(const ColumnsToPack& how)
      : how_(how),
        panels_((how.columns + how.width - 1) / how.width),
        groups_((how.line + how.group - 1) / how.group) {}

  ir::Shape shape() const { return without_unit({Dim(panels_), Dim(groups_), Dim(how_.width), Dim(how_.group)}, 3); }

  Value from(Value matrix) const {
    const ops::Padding columns{0, panels_ * how_.width - how_.columns}, line{0, filled_line() - how_.line};
    const Value stored = matrix.type().is_encoded() ? ops::encoded_bytes(matrix) : matrix;
    const Value x = ops::reshape(stored, outer_first(Dim(how_.columns), Dim(how_.line)));
    const bool is_whole = columns.hi == Dim(0) && line.hi == Dim(0);
    const Value whole = is_whole ? x : ops::pad_zero(x, outer_first(columns, line));
    return ops::transpose(ops::reshape(whole, parts()), order());
  }

  /// The matrix with the type that it had.
  Value back(Value panels, ir::Type type) const {
    const Value lines = ops::transpose(panels, ops::inverse_permutation(order()));
    Value x = ops::reshape(lines, outer_first(Dim(panels_ * how_.width), Dim(filled_line())));
    x = ops::slice_axis(x, how_.is_along_depth ? 0 : 1, {0, Dim(how_.columns)});
    if (filled_line() > how_.line) x = ops::slice_axis(x, how_.is_along_depth ? 1 : 0, {0, Dim(how_.line)});
    const auto stored = type.stored().shape();
    const Value matrix = ops::reshape(x, ir::Shape(stored.begin(), stored.end()));
    if (!type.is_encoded()) return matrix;
    return ops::from_encoded_bytes(matrix, type.encoding(), ir::Shape(type.shape().begin(), type.shape().end()));
  }

 private:
  int64_t filled_line() const { return groups_ * how_.group; }
  /// The axes of the matrix as it is stored.
  template <class T>
  std::vector<T> outer_first(T columns, T line) const {
    return how_.is_along_depth ? std::vector<T>{columns, line} : std::vector<T>{line, columns};
  }
  /// Its axes cut into panels and groups, and where each of them stands in the panels' order.
  ir::Shape parts() const {
    if (how_.is_along_depth) return without_unit({Dim(panels_), Dim(how_.width), Dim(groups_), Dim(how_.group)}, 3);
    return without_unit({Dim(groups_), Dim(how_.group), Dim(panels_), Dim(how_.width)}, 1);
  }
  ops::Ints order() const {
    if (how_.group == 1) return how_.is_along_depth ? ops::Ints{0, 2, 1} : ops::Ints{1, 0, 2};
    return how_.is_along_depth ? ops::Ints{0, 2, 1, 3} : ops::Ints{2, 0, 3, 1};
  }
  ir::Shape without_unit(ir::Shape shape, int64_t axis_of_group) const {
    if (how_.group == 1) shape.erase(shape.begin() + axis_of_group);
    return shape;
  }

  ColumnsToPack how_;
  int64_t panels_, groups_;
};

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
    operands.push_back(is_packed ? PanelLayout(how).back(parameter, type) : parameter);
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
    const std::vector<ColumnsToPack> matrices =
        columns_to_pack(lower_kernel(node, graph_.facts(), "packing"), vectors_);
    return std::ranges::any_of(matrices, [&](const ColumnsToPack& how) { return pack(node, how, copier, to); });
  }

 private:
  bool pack(const Node& node, const ColumnsToPack& how, GraphCopier& copier, Graph& to) {
    if (how.parameter >= std::ssize(node.operands())) return false;
    const Value matrix = node.operand(how.parameter);
    if (!is_invariant_[matrix.node->id]) return false;
    const ir::Type type = ir::Type::of(matrix.type().dtype(), PanelLayout(how).shape());
    const GraphRef region = region_on_panels(node, how, type);
    if (!reads_them(region, graph_.facts(), vectors_)) return false;
    std::vector<Value> operands = copier.get(node.operands());
    operands[how.parameter] = packed(copier.get(matrix), how, node.where, to);
    const ir::LocationScope scope(to, node.where);
    const Node* made = to.add(ops::kFusion, operands, {}, {&region, 1});
    for (uint32_t r = 0; r < node.result_count; ++r) copier.set(node.result(r), made->result(r));
    return true;
  }

  /// More than one axis, or one that stands for several: a bias has no columns.
  bool has_invariant(const Node& node) const {
    return node.op && std::ranges::any_of(node.operands(),
                                          [&](const Value& v) { return is_invariant_[v.node->id] && v.rank() >= 1; });
  }

  struct Packed {
    Value matrix, panels;
    ColumnsToPack how;
  };
  Value packed(Value matrix, ColumnsToPack how, const ir::Location& where, Graph& to) {
    how.parameter = 0;
    for (const Packed& p : packed_)
      if (p.matrix == matrix && p.how == how) return p.panels;
    const ir::LocationScope scope(to, where);
    const ir::Type types[] = {matrix.type()};
    const GraphRef region = ops::make_region("fusion", types, [&](Graph&, const std::vector<Value>& p) {
      return std::vector<Value>{PanelLayout(how).from(p[0])};
    });
    const Value panels = to.add(ops::kFusion, {&matrix, 1}, {}, {&region, 1})->result();
    packed_.push_back({matrix, panels, how});
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
