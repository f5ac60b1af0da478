#include "strata/transform/transposition.h"

#include <algorithm>
#include <memory>

#include "strata/base/error/codes/transform_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/rules.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/transform/padded_sum.h"
#include "strata/transform/regions.h"

namespace strata::transform {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;

std::vector<bool> linear_nodes(const Graph& graph, std::span<const Value> parameters) {
  std::vector<bool> linear(graph.nodes().size());
  for (const Value& v : parameters) linear[v.node->id] = true;
  for (const Node* node : graph.nodes())
    for (const Value& v : node->operands())
      linear[node->id] = linear[node->id] || (linear[v.node->id] && is_float(v.dtype()));
  return linear;
}

namespace {

/// Whether a cotangent is zeros with sums in some rows: of a gather. A sum of few terms (`most`) is added to its row
/// term by term, which is another order.
bool is_sum_in_rows(Value v) {
  if (v.node->op != &ops::kScatter) return false;
  const ir::Attrs& a = v.node->attrs;
  const Value to = v.node->operand(0);
  const bool is_zero = to.node->op == &ops::kBroadcast && is_zero_number(to.node->operand(0));
  return is_zero && a.text("combine") == "add" && a.integer("most") == 0 && !ir::is_half_float(v.dtype());
}

/// What is zeros but for some rows is added in those rows: no zeros are made, and the sum is written in place of the
/// value that it joins. Rows that no position names keep the sign of their zeros. Half floats would be rounded once
/// instead of twice: they are added as they come.
Value sum_of_two(Value x, Value y) {
  if (!is_sum_in_rows(y)) std::swap(x, y);
  if (!is_sum_in_rows(y)) return x.graph().add1(ops::kAdd, {y, x});
  const Value operands[] = {x, y.node->operand(1), y.node->operand(2)};
  return x.graph().add(ops::kScatter, operands, y.node->attrs.all())->result();
}

/// Up to so many, each is padded and added, which fuses with what made it.
constexpr int kMostAddedSlices = 16;

}  // namespace

Transposition::Transposition(Graph& graph, std::span<const Value> tangent_parameters)
    : graph_(graph), linear_(linear_nodes(graph, tangent_parameters)), cotangents_(graph.nodes().size()) {}

void Transposition::add(Value of, Value cotangent) {
  if (!is_linear(of)) return;
  auto& slots = cotangents_[of.node->id];
  slots.resize(of.node->result_count);
  if (is_padded_block(cotangent)) {
    Slices& slices = slices_[{of.node->id, of.index}];
    if (++slices.added > kMostAddedSlices) return slices.waiting.push_back(cotangent);
  }
  Value& slot = slots[of.index];
  slot = slot ? sum_of_two(slot, cotangent) : cotangent;
}

Value Transposition::find(Value of) const {
  const auto& slots = cotangents_[of.node->id];
  return of.index < slots.size() ? slots[of.index] : Value{};
}

void Transposition::run() {
  const std::vector<Node*> nodes(graph_.nodes().begin(), graph_.nodes().begin() + linear_.size());
  for (size_t i = nodes.size(); i-- > 0;) {
    if (!linear_[i] || cotangents_[i].empty()) continue;
    add_pending(*nodes[i]);
    if (!nodes[i]->is_parameter()) transpose(*nodes[i]);
  }
}

void Transposition::add_pending(const Node& node) {
  for (uint32_t i = 0; i < node.result_count; ++i) {
    const auto found = slices_.find({node.id, i});
    if (found == slices_.end() || found->second.waiting.empty()) continue;
    const ir::LocationScope scope(graph_, node.where);
    Value& slot = cotangents_[node.id][i];
    slot = graph_.add1(ops::kAdd, {slot, sum_of_padded_blocks(found->second.waiting)});
  }
}

void Transposition::transpose(const Node& node) {
  if (!node.op->transpose)
    throw base::Error(base::code::kNoReverseMode,
                      std::string(node.op->name) + ": has no reverse mode: " +
                          (node.op->transpose.reason ? node.op->transpose.reason : "no rule"))
        .note("recorded at " + node.where.str());
  const ir::LocationScope scope(graph_, node.where);
  const auto flags = std::make_unique<bool[]>(node.operand_count);
  for (uint32_t i = 0; i < node.operand_count; ++i) flags[i] = is_linear(node.operand(i));
  ir::Transpose rule(node, cotangents_[node.id], {flags.get(), node.operand_count});
  rule.transpose_region = transpose_region;
  rule.split_region = split_region;
  node.op->transpose.fn(rule);
  for (uint32_t i = 0; i < node.operand_count; ++i)
    if (const Value c = rule.contributions()[i]; c && flags[i]) add(node.operand(i), c);
}

std::vector<bool> dependent_nodes(const Graph& graph, std::span<const Value> values) {
  std::vector<bool> depends(graph.nodes().size());
  for (const Value& v : values) depends[v.node->id] = true;
  for (const Node* node : graph.nodes())
    for (const Value& v : node->operands())
      if (depends[v.node->id]) depends[node->id] = true;
  return depends;
}

std::vector<const Node*> effects_between(const Graph& graph, size_t first, size_t behind,
                                         std::span<const Value> unknown) {
  const std::vector<bool> sees = dependent_nodes(graph, unknown);
  std::vector<const Node*> effects;
  for (const Node* node : graph.nodes().subspan(first, behind - first))
    if (!node->is_parameter() && node->op->effect != ir::Effect::None && !sees[node->id]) effects.push_back(node);
  return effects;
}

void copy_needed(const Graph& from, GraphCopier& copier, std::span<const Value> wanted,
                 std::span<const Node* const> effects) {
  std::vector<bool> needed(from.nodes().size());
  for (const Node* effect : effects) needed[effect->id] = true;
  for (const Value& v : wanted)
    if (v) needed[v.node->id] = true;
  auto is_mapped = [&](const Node& node) { return node.result_count > 0 && copier.find(node.result()); };
  const auto counts = ir::counts_before(from);
  for (size_t i = needed.size(); i-- > 0;) {
    const Node& node = *from.nodes()[i];
    if (!needed[i] || is_mapped(node)) continue;
    for (const Value& v : node.operands()) needed[v.node->id] = true;
    if (!counts.empty())
      for (const Node* count : counts[i]) needed[count->id] = true;
  }
  for (size_t i = 0; i < needed.size(); ++i)
    if (needed[i] && !is_mapped(*from.nodes()[i])) copier.copy(*from.nodes()[i]);
}

}  // namespace strata::transform
