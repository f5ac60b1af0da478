#include "strata/ir/counts/counts.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/with_extents.h"

namespace strata::ir {
namespace {

std::vector<std::string> symbols_of(Dim d) {
  std::vector<std::string> symbols;
  d.collect_symbols(symbols);
  return symbols;
}

/// Calls `see` with each dimension of the node's types and attributes, and of what stands in a fusion.
template <class See>
void for_each_dim(const Node& node, See&& see) {
  for (Type t : node.types())
    for (Dim d : t.shape()) see(d);
  for (const Attr& a : node.attrs.all())
    if (a.kind == AttrKind::Dims)
      for (Dim d : a.as_dims()) see(d);
  for (const GraphRef& region : node.regions())
    for (const Node* inner : region->nodes()) for_each_dim(*inner, see);
}

}  // namespace

std::optional<Count> count_of(const Node& node) {
  if (!node.op || !node.op->counts) return std::nullopt;
  const auto attrs = node.attrs.all();
  return Count{std::string(*attrs[0].as_dims()[0].symbol_name()), attrs[1].as_dims()[0]};
}

void bind_count(const Node& node, const HostArray& value, DimBinding& dims) {
  const Count count = *count_of(node);
  const int64_t found = value.get_int(0), capacity = dims(count.capacity);
  const auto refuse = [&](const std::string& what) {
    base::Error error(base::code::kCountOutOfRange, std::string(node.op->name) + ": " + what);
    if (const std::string where = node.where.str(); !where.empty()) error.note("recorded at " + where);
    throw error;
  };
  if (found < 0 || found > capacity)
    refuse(
        fmt::format("{} would be {}, and its capacity {} is {}", count.symbol, found, count.capacity.str(), capacity));
  if (!dims.knows(Dim::symbol(count.symbol))) return dims.bind(count.symbol, found);
  if (const int64_t known = dims(Dim::symbol(count.symbol)); known != found)
    refuse(fmt::format("{} is {} already, and would be {}", count.symbol, known, found));
}

CountBounds::CountBounds(const Graph& graph) : graph_(graph) {
  if (!graph.has_counts()) return;
  for (const Node* node : graph.nodes())
    if (auto count = count_of(*node); count && !is_count(count->symbol)) counts_.push_back(*std::move(count));
}

bool CountBounds::is_count(std::string_view symbol) const {
  return std::ranges::find(counts_, symbol, &Count::symbol) != counts_.end();
}

bool CountBounds::mentions(Dim d) const {
  return !empty() && !d.is_constant() &&
         std::ranges::any_of(symbols_of(d), [&](const std::string& symbol) { return is_count(symbol); });
}

bool CountBounds::is_mentioned_by(const Node& node) const {
  bool is_found = false;
  for_each_dim(node, [&](Dim d) { is_found = is_found || mentions(d); });
  return is_found;
}

/// Each term at its own end; a product is there when all its factors are, none of which is below 0.
Dim CountBounds::bound(Dim d, bool from_above) const {
  if (!mentions(d)) return d;
  Dim sum(0);
  for (const DimTerm& term : d.expr()->terms) {
    const bool is_above = (term.coefficient > 0) == from_above;
    Dim product(1);
    for (const DimAtom* atom : term.atoms) {
      Dim end = bound_of_atom(*atom, is_above);
      if (term.atoms.size() > 1 && graph_.facts().range(end).first < 0) end = max(end, 0);
      product = product * end;
    }
    sum = sum + Dim(term.coefficient) * product;
  }
  return sum;
}

/// A divisor that holds a count is 1 or more where it divides, and leaves the whole of what it divides at most.
Dim CountBounds::bound_of_atom(const DimAtom& atom, bool from_above) const {
  switch (atom.kind) {
    case DimAtom::Kind::Symbol: {
      const auto count = std::ranges::find(counts_, std::string_view(atom.name), &Count::symbol);
      if (count == counts_.end()) return Dim::symbol(atom.name);
      return from_above ? bound(count->capacity, true) : Dim(0);
    }
    case DimAtom::Kind::FloorDiv: {
      const Dim a = bound(atom.a, from_above);
      if (!mentions(atom.b)) return floor_div(a, atom.b);
      return from_above ? max(a, 0) : min(a, 0);
    }
    case DimAtom::Kind::Mod:
      return from_above ? bound(atom.b, true) : Dim(0);
    case DimAtom::Kind::Min:
      return min(bound(atom.a, from_above), bound(atom.b, from_above));
    case DimAtom::Kind::Max:
      break;
  }
  return max(bound(atom.a, from_above), bound(atom.b, from_above));
}

std::vector<std::vector<const Node*>> counts_before(const Graph& graph) {
  if (!graph.has_counts()) return {};
  std::vector<std::vector<const Node*>> before(graph.nodes().size());
  std::vector<std::pair<std::string, const Node*>> counted;
  for (const Node* node : graph.nodes()) {
    for_each_dim(*node, [&](Dim d) {
      if (d.is_constant()) return;
      for (const std::string& symbol : symbols_of(d))
        for (const auto& [name, by] : counted)
          if (name == symbol && std::ranges::find(before[node->id], by) == before[node->id].end())
            before[node->id].push_back(by);
    });
    const auto count = count_of(*node);
    if (count && std::ranges::none_of(counted, [&](const auto& c) { return c.first == count->symbol; }))
      counted.emplace_back(count->symbol, node);
  }
  return before;
}

std::string fresh_count_name(const Graph& graph, const Graph* and_of) {
  std::vector<std::string> taken;
  for (const Graph* g : {&graph, and_of}) {
    if (!g) continue;
    for (const SymbolFact& fact : g->facts().all()) taken.push_back(fact.name);
    for (const Node* parameter : g->parameters())
      for (Dim d : parameter->type().shape()) d.collect_symbols(taken);
  }
  for (int i = 0;; ++i)
    if (std::string name = i == 0 ? "N" : fmt::format("N{}", i); std::ranges::find(taken, name) == taken.end())
      return name;
}

std::unique_ptr<Graph> with_fresh_counts(const Graph& graph, const Graph& to) {
  const CountBounds counts(graph);
  if (counts.empty()) return nullptr;
  std::unique_ptr<Graph> renamed;
  for (const Count& count : counts.all()) {
    const Graph& from = renamed ? *renamed : graph;
    const Dim fresh = Dim::symbol(fresh_count_name(to, &from));
    renamed = with_dims(from, [&](std::string_view symbol) -> std::optional<Dim> {
      return symbol == count.symbol ? std::optional(fresh) : std::nullopt;
    });
  }
  return renamed;
}

}  // namespace strata::ir
