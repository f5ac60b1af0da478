#include "strata/tensor/lazy/segment.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/compiler/graph/numbers/free_numbers.h"
#include "strata/compiler/graph/numbers/starts_as_numbers.h"
#include "strata/ir/graph/op.h"
#include "strata/machine/cpu_target.h"

namespace strata::lazy {
namespace {

base::Hash128 with_positions(base::Hash128 key, const ir::Graph& graph) {
  for (const ir::Node* node : graph.nodes()) {
    key = base::combine(key, reinterpret_cast<uintptr_t>(node->where.file));
    key = base::combine(key, reinterpret_cast<uintptr_t>(node->where.path) + node->where.line);
    for (const ir::GraphRef& region : node->regions()) key = with_positions(key, *region);
  }
  return key;
}

base::Hash128 for_this_target(base::Hash128 key) {
  return base::combine(key, base::hash_text(machine::chosen_cpu_target().name));
}

}  // namespace

Segment segment_of(const std::shared_ptr<const ir::Graph>& graph) {
  Segment segment{graph};
  if (auto with_starts = compiler::with_starts_as_numbers(*graph)) segment.graph = std::move(with_starts);
  segment.numbers = compiler::free_numbers(*segment.graph);
  for (const ir::Node* number : segment.numbers) segment.values.push_back(number->attrs.all()[0].hash());
  segment.written = compiler::written_sizes(*segment.graph);
  for (const compiler::WrittenSize& size : segment.written)
    segment.sizes.push_back(size.dim.is_constant() ? size.dim.constant() : 0);
  segment.family = for_this_target(with_positions(
      compiler::hash_without(*segment.graph, segment.numbers, compiler::Sizes::AreLeftOut), *segment.graph));
  return segment;
}

std::string place_of_extent(const Segment& segment, size_t size) {
  int64_t axis = std::count_if(segment.written.begin(), segment.written.begin() + static_cast<int64_t>(size),
                               [](const compiler::WrittenSize& w) { return w.is_extent; });
  int operand = 0;
  while (axis >= segment.graph->parameter(operand).rank()) axis -= segment.graph->parameter(operand++).rank();
  return fmt::format("dimension {} of operand {}", axis, operand);
}

base::Hash128 exact_key(const ir::Graph& graph) { return for_this_target(with_positions(graph.hash(), graph)); }

std::string lines_of(const ir::Graph& graph) {
  std::string first, last;
  for (const ir::Node* node : graph.nodes()) {
    if (!node->where.file) continue;
    last = node->where.str();
    if (first.empty()) first = last;
  }
  return first == last ? first : first + " .. " + last;
}

}  // namespace strata::lazy
