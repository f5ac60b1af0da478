// Groups that go through rows in several stages (lower/rows.h): which roots join one.
#include <algorithm>

#include "strata/compiler/graph/fusion/fusion_groups.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/operands/broadcast.h"

namespace strata::compiler {

using ir::Dim;
using ir::Node;
using ir::Value;

namespace {

/// Shorter rows are mostly tails, and a pass over several of them at once is one loop without any.
constexpr int64_t kShortestRow = 64;
/// Longer ones leave the cache before they are read again, and their scratch would be large.
constexpr int64_t kLongestRow = 1 << 16;
/// Fewer rows than this are fewer tasks than threads.
constexpr int64_t kFewestRows = 8;

bool pays(const Rows& rows) {
  const Dim length = ir::product(rows.row_shape()), count = ir::product(rows.kept_shape());
  const bool has_length =
      !length.is_constant() || (length.constant() >= kShortestRow && length.constant() <= kLongestRow);
  return has_length && (!count.is_constant() || count.constant() >= kFewestRows);
}

bool is_broadcast_of_rows(const Node& node, const Rows& rows) {
  if (node.op != &ops::kBroadcast || !is_per_row(node.operand(0).type(), rows) || !is_per_element(node.type(), rows))
    return false;
  const auto axes = node.attrs.ints("axes");
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i] != static_cast<int64_t>(i)) return false;
  return true;
}

}  // namespace

std::optional<Rows> FusionGroups::rows_with(const Node& root, int g) const {
  std::optional<Rows> own = rows_reduced_by(root);
  if (own && rows_[g] && !(*own == *rows_[g])) return std::nullopt;
  return own ? own : rows_[g];
}

/// What a root reads of its group: at its own row, or its own element. Walks through what is inlined.
bool FusionGroups::reads_own_row(const Node& root, int g, const Rows& rows, std::vector<const Node*>& elements) const {
  enum class At : uint8_t { Element, Row, Anywhere };
  std::vector<std::pair<const Node*, At>> open;
  std::vector<std::pair<const Node*, At>> seen;
  const auto open_operands = [&](const Node& node, At at) {
    for (const Value& v : node.operands()) {
      const std::pair<const Node*, At> entry{v.node, at};
      if (std::ranges::find(seen, entry) != seen.end()) continue;
      seen.push_back(entry);
      open.push_back(entry);
    }
  };
  const bool is_reduction = forms_[root.id] == Form::Reduction;
  open_operands(root, !is_reduction && !root.op->is_pointwise             ? At::Anywhere
                      : is_reduction || is_per_element(root.type(), rows) ? At::Element
                                                                          : At::Row);
  while (!open.empty()) {
    const auto [node, at] = open.back();
    open.pop_back();
    if (!inlined_[node->id] || node->is_parameter()) {
      if (at == At::Element) elements.push_back(node);
      if (node->is_parameter() || group_of_[node->id] != g) continue;
      const bool is_own = (at == At::Element && is_per_element(node->type(), rows)) ||
                          (at == At::Row && is_per_row(node->type(), rows));
      if (!is_own || node->result_count != 1) return false;
    } else if (node->op->is_pointwise) {
      open_operands(*node, at);
    } else {
      open_operands(*node, at == At::Element && is_broadcast_of_rows(*node, rows) ? At::Row : At::Anywhere);
    }
  }
  return true;
}

std::string FusionGroups::row_refusal(const Node& root, int g, const Reads& reads) const {
  const bool is_reduction = rows_reduced_by(root).has_value();
  if (!is_reduction && (forms_[root.id] != Form::Element || root.result_count != 1))
    return "only reductions of trailing axes and element nodes of one result go by rows";
  const auto rows = rows_with(root, g);
  if (!rows) return "its kernel has no rows that are reduced, or other ones";
  if (!pays(*rows)) return "its rows are few, short or very long";
  if (!is_reduction && !is_per_element(root.type(), *rows) && !is_per_row(root.type(), *rows))
    return "the shapes differ";
  const bool is_behind_product = has_product(groups_[g]);
  if (is_behind_product && !is_reduction && !is_per_row(root.type(), *rows))
    return "elements behind the reductions of a product's rows are made where they are read";
  if (is_behind_product && is_order_of_product(*groups_[g].roots.back()))
    return "its product is stored in another order";
  for (const Node* other : groups_[g].roots) {
    if (forms_[other->id] == Form::Contraction && !makes_rows(*other, *rows))
      return "a task of its product holds no whole rows, or too few";
    const bool has_form = rows_reduced_by(*other) || forms_[other->id] == Form::Contraction ||
                          (forms_[other->id] == Form::Element && other->result_count == 1);
    const bool has_shape = is_per_element(other->type(), *rows) || is_per_row(other->type(), *rows);
    if (!has_form || !has_shape) return "its kernel has no rows";
  }
  if (groups_[g].roots.size() >= kMostRoots) return "its kernel has " + std::to_string(kMostRoots) + " results already";
  if (is_kept_[root.id] != is_kept_[groups_[g].roots[0]->id]) return "one of them depends on constants alone";
  if (costly_[g] + inline_costly_[root.id] > kMostCostly)
    return "its kernel has " + std::to_string(costly_[g]) + " polynomials, divisions and roots already";
  if (!counts_.empty()) return "the program has counts";
  if (!updates_of_.empty() && would_read_too_late(root, groups_[g]))
    return "an update writes over what one of them reads";
  std::vector<const Node*> elements;
  if (!reads_own_row(root, g, *rows, elements)) return "its kernel is read at other rows, too";
  return may_reach(reads, g) ? "another operand waits for its kernel" : "";
}

int FusionGroups::row_group_to_join(const Node& root, const Reads& reads) const {
  if (forms_[root.id] != Form::Element && !rows_reduced_by(root)) return -1;
  std::vector<int> tried;
  const auto fits = [&](int g) {
    if (g < 0 || std::ranges::find(tried, g) != tried.end()) return false;
    tried.push_back(g);
    return row_refusal(root, g, reads).empty();
  };
  for (const auto* list : {&reads.same_index, &reads.other_index})
    for (const Node* producer : *list)
      if (fits(group_of_[producer->id])) return group_of_[producer->id];
  // Reductions of the same rows share reading them.
  if (const auto rows = rows_reduced_by(root)) {
    std::vector<const Node*> elements;
    reads_own_row(root, -1, *rows, elements);
    for (const Node* read : elements)
      if (const auto at = row_readers_.find(read); at != row_readers_.end())
        for (const int g : at->second)
          if (fits(g)) return g;
  }
  return -1;
}

void FusionGroups::note_rows(const Node& root, int g) {
  const bool may_have_rows = groups_[g].roots.size() == 1 || rows_[g] || rows_reduced_by(root);
  if (!may_have_rows) return;
  if (auto rows = rows_reduced_by(root)) rows_[g] = std::move(rows);
  if (!rows_[g]) return;
  std::vector<const Node*> elements;
  reads_own_row(root, -1, *rows_[g], elements);
  for (const Node* read : elements) {
    std::vector<int>& readers = row_readers_[read];
    if (readers.size() < kMostReaders && std::ranges::find(readers, g) == readers.end()) readers.push_back(g);
  }
}

bool FusionGroups::has_product(const FusionGroup& group) const {
  return std::ranges::any_of(group.roots, [&](const Node* n) { return forms_[n->id] == Form::Contraction; });
}

bool FusionGroups::is_stored_for_rows(const Node& root, const FusionGroup& group) const {
  const int g = group_of_[group.roots[0]->id];
  if (!rows_[g] || !has_product(group) || !is_per_element(root.type(), *rows_[g])) return false;
  return std::ranges::any_of(group.roots, [&](const Node* reader) {
    std::vector<const Node*> elements;
    if (!is_per_element(reader->type(), *rows_[g])) reads_own_row(*reader, -1, *rows_[g], elements);
    return std::ranges::find(elements, &root) != elements.end();
  });
}

bool FusionGroups::is_kept_for_row(const Node& root, const FusionGroup& group) const {
  const auto& rows = rows_[group_of_[group.roots[0]->id]];
  return rows && !has_product(group) && forms_[root.id] == Form::Element && is_per_element(root.type(), *rows) &&
         std::ranges::any_of(group.roots, [&](const Node* n) { return n != &root && n->id > root.id; });
}

}  // namespace strata::compiler
