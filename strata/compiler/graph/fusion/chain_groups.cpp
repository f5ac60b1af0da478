// Reductions of the same axes that have terms in common share a kernel: their chains run side by side (lower/nests.h),
// and what they read goes through memory once, as the gradients of a scale and of an offset, or a sum and a sum of
// squares.
#include <algorithm>
#include <numeric>

#include "strata/compiler/graph/costly_op.h"
#include "strata/compiler/graph/fusion/fusion_groups.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/reduce/short_fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Node;
using ir::Value;

namespace {

/// Sums that are kept in registers at once, beside what their terms need.
constexpr int64_t kMostChains = 6;

bool has_same_extents(const Node& a, const Node& b) {
  return std::ranges::equal(a.operand(0).type().shape(), b.operand(0).type().shape()) &&
         std::ranges::equal(a.attrs.ints("axes"), b.attrs.ints("axes"));
}

}  // namespace

/// What the terms of a chain are made of at their own index: the operand, and through inlined element nodes and
/// transposes what that is made of. Empty for a node that is no reduction in chains.
std::vector<FusionGroups::Term> FusionGroups::terms_of(const Node& reduction) const {
  if (forms_[reduction.id] != Form::Reduction || !ops::is_reduction_over_axes(reduction)) return {};
  const Value x = reduction.operand(0);
  const auto axes = reduction.attrs.ints("axes");
  if (axes.back() == x.rank() - 1) return {};  // lanes
  std::vector<int64_t> as_it_is(x.rank());
  std::iota(as_it_is.begin(), as_it_is.end(), 0);
  std::vector<Term> terms{{x.node, as_it_is}};
  for (size_t i = 0; i < terms.size(); ++i) {
    const Node& node = *terms[i].node;
    if (node.is_parameter() || !inlined_[node.id]) continue;
    std::vector<int64_t> order = terms[i].order;
    if (node.op == &ops::kTranspose) {
      const auto perm = node.attrs.ints("perm");
      for (size_t a = 0; a < order.size(); ++a) order[perm[a]] = terms[i].order[a];
    } else if (!node.op->is_pointwise) {
      continue;
    }
    for (const Value& v : node.operands()) {
      Term term{v.node, order};
      if (v.rank() > 0 && std::ranges::find(terms, term) == terms.end()) terms.push_back(std::move(term));
    }
  }
  return terms;
}

/// Polynomials, divisions and roots of which a kernel with these terms consists, each once.
uint32_t FusionGroups::costly_among(std::span<const Term> terms) const {
  return static_cast<uint32_t>(std::ranges::count_if(
      terms, [&](const Term& t) { return !t.node->is_parameter() && inlined_[t.node->id] && is_costly(*t.node); }));
}

int FusionGroups::chain_group_to_join(const Node& root, const Reads& reads) const {
  const std::vector<Term> terms = terms_of(root);
  const auto fits = [&](int g) {
    const FusionGroup& group = groups_[g];
    const auto is_chain = [&](const Node* n) { return forms_[n->id] == Form::Reduction; };
    if (std::ranges::count_if(group.roots, is_chain) >= kMostChains || group.roots.size() >= kMostRoots) return false;
    std::vector<Term> all = terms;
    for (const Node* other : group.roots)
      for (const Term& term : terms_of(*other))
        if (std::ranges::find(all, term) == all.end()) all.push_back(term);
    if (costly_among(all) > kMostCostly || is_kept_[root.id] != is_kept_[group.roots[0]->id]) return false;
    if (!counts_.empty() || (!updates_of_.empty() && would_read_too_late(root, group))) return false;
    for (const auto* list : {&reads.same_index, &reads.other_index})
      if (std::ranges::any_of(*list, [&](const Node* n) { return group_of_[n->id] == g; })) return false;
    const auto chain = std::ranges::find_if(group.roots, is_chain);
    return has_same_extents(root, **chain) && !may_reach(reads, g);
  };
  for (const Term& term : terms)
    if (const auto at = chain_readers_.find(term); at != chain_readers_.end())
      for (const int g : at->second)
        if (fits(g)) return g;
  return -1;
}

void FusionGroups::note_chains(const Node& root, int g) {
  for (const Term& term : terms_of(root)) {
    std::vector<int>& readers = chain_readers_[term];
    if (readers.size() < kMostReaders && std::ranges::find(readers, g) == readers.end()) readers.push_back(g);
  }
}

}  // namespace strata::compiler
