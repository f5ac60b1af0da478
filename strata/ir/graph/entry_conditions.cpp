#include "strata/ir/graph/entry_conditions.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/with_extents.h"

namespace strata::ir {
namespace {

thread_local ConditionScope* innermost = nullptr;

/// Symbolic dimensions, each once, in the order in which they were met.
class DimSet {
 public:
  void add(Dim d) {
    if (!d.is_constant() && known_.insert(d.expr()).second) list_.push_back(d);
  }
  const std::vector<Dim>& list() const { return list_; }

 private:
  std::unordered_set<const DimExpr*> known_;
  std::vector<Dim> list_;
};

void collect_extents(const Graph& graph, DimSet& extents) {
  const std::vector<bool> live = live_nodes(graph);
  for (const Node* node : graph.nodes()) {
    if (!live[node->id]) continue;
    for (Type type : node->types())
      for (Dim extent : type.shape()) extents.add(extent);
    for (const GraphRef& region : node->regions()) collect_extents(*region, extents);
  }
}

std::vector<std::string> symbols_of(Dim d) {
  std::vector<std::string> symbols;
  d.collect_symbols(symbols);
  return symbols;
}

/// The symbols that a call's shapes bind: those that are extents of parameters, or of which an extent is a multiple.
/// Those that the program counts as well.
std::vector<std::string> bound_symbols(const Graph& graph) {
  std::vector<std::string> symbols;
  const CountBounds counts(graph);
  for (const Count& count : counts.all()) symbols.push_back(count.symbol);
  for (const Node* parameter : graph.parameters())
    for (Dim extent : parameter->type().shape())
      if (const auto scaled = extent.scaled_symbol()) symbols.emplace_back(scaled->first);
  return symbols;
}

/// Takes conditions that neither facts nor earlier conditions on single symbols imply.
class ConditionList {
 public:
  ConditionList(const Graph& graph) : facts_(graph.facts()), bound_(bound_symbols(graph)) {}

  void add(Dim value, int64_t lowest) {
    if (value.is_constant() || facts_.range(value).first >= lowest || !is_bound(value)) return;
    list_.push_back({value, lowest});
    if (const auto name = value.symbol_name()) facts_.add({std::string(*name), lowest, INT64_MAX, 1});
  }
  std::vector<EntryCondition> take() { return std::move(list_); }

 private:
  bool is_bound(Dim d) const {
    return std::ranges::all_of(
        symbols_of(d), [&](const std::string& symbol) { return std::ranges::find(bound_, symbol) != bound_.end(); });
  }

  Facts facts_;
  std::vector<std::string> bound_;
  std::vector<EntryCondition> list_;
};

}  // namespace

bool is_below_zero(Dim d) {
  if (d.is_constant()) return d.constant() < 0;
  if (innermost) innermost->noted_.push_back(d);
  return false;
}

bool is_not_multiple(Dim d, int64_t by) { return is_below_zero(Dim(0) - mod(d, Dim(by))); }

ConditionScope::ConditionScope() : before_(innermost) { innermost = this; }
ConditionScope::~ConditionScope() { innermost = before_; }

std::vector<EntryCondition> entry_conditions(const Graph& recorded, const Graph& compiled) {
  DimSet extents, noted;
  collect_extents(recorded, extents);
  collect_extents(compiled, extents);
  if (extents.list().empty()) return {};
  const ConditionScope scope;
  with_extents(recorded, {});  // asks every rule, with the symbols as they are
  for (Dim d : scope.noted()) noted.add(d);

  ConditionList conditions(compiled.has_counts() ? compiled : recorded);
  for (Dim d : extents.list())  // first those that others follow from
    if (d.symbol_name()) conditions.add(d, 1);
  for (Dim d : extents.list()) conditions.add(d, 1);
  for (Dim d : noted.list()) conditions.add(d, 0);
  return conditions.take();
}

}  // namespace strata::ir
