#include "strata/compiler/graph/fusion/fusion_groups.h"

#include <algorithm>

#include "strata/compiler/graph/costly_op.h"
#include "strata/compiler/graph/invariants/invariants.h"
#include "strata/compiler/graph/residuals/residuals.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/reduce/short_fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::Node;
using ir::Value;

namespace {

/// A region of more nodes than this compiles slowly and gains nothing more.
constexpr uint32_t kLargestInlineTree = 96;
/// How deep a kernel's expressions may become, in operations of the loop program, which bounds that depth: a polynomial
/// counts as deep as the longest (pow), any other op as its checks and roundings at most.
constexpr uint32_t kDeepest = 1500, kCostlyDepth = 70, kCheapDepth = 8;
/// Bounds of what is computed again in each consumer instead of stored once.
constexpr size_t kMostRepeatedReads = 2;
constexpr uint32_t kLargestRepeatedTree = 24;
/// Of what is made of repeated small arrays: a buffer of so many elements leaves the caches.
constexpr int64_t kFewestRepeatedElements = 1 << 20;
constexpr size_t kMostRepeatedUses = 8;
/// Updates whose readers are followed through the program. Of more, everything behind them counts as waiting for them.
constexpr size_t kMostFollowedUpdates = 64;
/// Groups that are looked at to see whether joining one makes a cycle. Where more lie between, it is not joined, which
/// is always right: time must not grow with the square of the program.
constexpr int kMostLookedAt = 1024;

bool is_movement(const Node& node) { return !node.op->is_pointwise; }

bool is_leaf(const Node& node) { return node.op && node.operand_count == 0; }

/// How often a node's expression has those of its operands: once for each term of a short fold, unless its terms are
/// parts that are joined, of which it takes each.
uint32_t copies_of_operands(const Node& node) {
  const auto terms = static_cast<uint32_t>(ops::terms_written_out(node));
  return terms == 0 || node.operand(0).node->op == &ops::kConcat ? 1 : terms;
}

/// Of two sizes that are not known, any may be large.
bool leaves_caches(ir::Type type) {
  const Dim elements = ir::product(type.shape());
  if (elements.is_constant()) return type.rank() >= 2 && elements.constant() >= kFewestRepeatedElements;
  return std::ranges::count_if(type.shape(), [](Dim d) { return !d.is_constant(); }) >= 2;
}

bool same_shape(ir::Type a, ir::Type b) {
  return std::equal(a.shape().begin(), a.shape().end(), b.shape().begin(), b.shape().end());
}

}  // namespace

FusionGroups::FusionGroups(const ir::Graph& graph, std::span<const int> constants)
    : graph_(graph),
      live_(live_nodes(graph)),
      is_kept_(invariants_to_keep(graph, constants)),
      uses_(ir::uses_of(graph, live_)) {
  const size_t n = graph.nodes().size();
  inlined_.resize(n);
  is_result_.resize(n);
  inline_size_.assign(n, 1);
  depth_.assign(n, kCheapDepth);
  inline_reads_.resize(n);
  inline_costly_.resize(n);
  joins_computed_.resize(n);
  forms_ = forms_of(graph);
  group_of_.assign(n, -1);
  node_marks_.resize(n);
  counts_ = ir::counts_before(graph);
  for (const Value& v : graph.results()) is_result_[v.node->id] = true;
  find_residuals();
  find_updates();
  decide_inlining();
  make_groups();
  order_groups();
}

void FusionGroups::find_residuals() {
  const Residuals residuals(graph_, forms_);
  for (const Node* node : graph_.nodes()) is_residual_.push_back(residuals.is_kept(*node));
}

bool FusionGroups::may_inline_into(const Node& node, const ir::Use& use) const {
  const Node& user = *use.user;
  switch (forms_[user.id]) {
    case Form::Element:
      if (user.op->is_pointwise) return true;
      // A movement reads each element at most once, unless it repeats it (broadcast) or picks by data (gather).
      if (is_movement(node) || is_leaf(node)) return true;
      return user.op->reads_each_once && !is_costly(node);
    case Form::Reduction:
      return user.op->reads_each_once || is_movement(node);
    case Form::Contraction:
      return !joins_computed_[node.id] && (is_movement(node) || is_made_where_packed(node, user));
    case Form::Update:
      return user.op->reads_each_once || is_movement(node) || is_leaf(node);
    case Form::Loops:
    case Form::Alias:
    case Form::Command:
      break;
  }
  return false;
}

void FusionGroups::find_updates() {
  updated_operand_.assign(graph_.nodes().size(), -1);
  overwritten_reads_.resize(graph_.nodes().size());
  for (const Node* node : graph_.nodes()) {
    if (!live_[node->id] || node->is_parameter() || forms_[node->id] != Form::Update) continue;
    updated_operand_[node->id] = update_in(*node).operand;
    updates_of_[written_value(node->operand(updated_operand_[node->id]), forms_).node].push_back(node);
  }
}

bool FusionGroups::waits_for(const Node& node, const Node& update) const {
  if (node.id <= update.id) return node.id == update.id;
  auto known = waiting_.find(&update);
  if (known == waiting_.end()) {
    if (waiting_.size() == kMostFollowedUpdates) return true;
    std::vector<bool> waits(graph_.nodes().size());
    waits[update.id] = true;
    for (const Node* n : graph_.nodes().subspan(update.id + 1))
      waits[n->id] = std::ranges::any_of(n->operands(), [&](const Value& v) { return waits[v.node->id]; });
    known = waiting_.emplace(&update, std::move(waits)).first;
  }
  return known->second[node.id];
}

std::string FusionGroups::overwriting_refusal(const Node& node) const {
  for (const Node* read : overwritten_reads_[node.id])
    for (const Node* update : updates_of_.at(read))
      for (const ir::Use& use : uses_[node.id])
        if (waits_for(*use.user, *update))
          return std::string(update->op->name) + " writes over what it reads before " +
                 std::string(use.user->op->name) + " runs";
  return "";
}

bool FusionGroups::would_read_too_late(const Node& root, const FusionGroup& group) const {
  std::vector<const Node*> together = group.roots;
  together.push_back(&root);
  for (const Node* reader : together)
    for (const Node* read : overwritten_reads_[reader->id])
      for (const Node* update : updates_of_.at(read))
        if (std::ranges::any_of(together, [&](const Node* n) { return waits_for(*n, *update); })) return true;
  return false;
}

std::string FusionGroups::inline_refusal(const Node& node) const {
  const Form form = forms_[node.id];
  if (form == Form::Reduction || form == Form::Contraction) return "a reduction or contraction ends its loops";
  if (form == Form::Command && node.op == &ops::kSlice) return "it is one of very many slices, which the host cuts";
  if (form == Form::Command && is_leaf(node)) return "a literal of so many elements is the plan's data";
  if (form != Form::Element) return "it runs loops of its own";
  if (is_result_[node.id]) return "it is a result of the program";
  if (node.result_count != 1) return "it has several results";
  if (is_order_of_product(node)) return "its product is stored in that order";
  for (const ir::Use& use : uses_[node.id])
    if (use.operand == updated_operand_[use.user->id])
      return std::string(use.user->op->name) + " writes over a part of it";
    else if (!may_inline_into(node, use))
      return std::string(use.user->op->name) + " reads its elements more than once, or in loops of its own";
  if (is_leaf(node)) return "";
  if (is_kept_[node.id] && std::ranges::any_of(uses_[node.id], [&](const ir::Use& u) { return !is_kept_[u.user->id]; }))
    return "it depends on constants alone, and is computed apart from the rest";
  if (is_residual_[node.id]) return "it is kept for what comes behind a contraction, in place of what it is made of";
  if (std::string refusal = overwriting_refusal(node); !refusal.empty()) return refusal;
  if (depth_[node.id] > kDeepest) return "its expression is " + std::to_string(depth_[node.id]) + " deep";
  if (inline_size_[node.id] > kLargestInlineTree)
    return "it pulls " + std::to_string(inline_size_[node.id]) + " nodes along, the most is " +
           std::to_string(kLargestInlineTree);
  if (inline_costly_[node.id] >= kMostCostly)
    return "its kernel has " + std::to_string(inline_costly_[node.id]) + " polynomials, divisions and roots already";
  const bool has_one_user = std::all_of(uses_[node.id].begin(), uses_[node.id].end(),
                                        [&](const ir::Use& u) { return u.user == uses_[node.id][0].user; });
  if (has_one_user || may_repeat(node)) return "";
  return std::to_string(uses_[node.id].size()) + " nodes read it, and computing it in each costs more than its memory";
}

/// Whether a node only says in which order the product that it reads is stored: nobody reads that otherwise, and all
/// that reads the node goes through elements. Another product would pack it as it comes.
bool FusionGroups::is_order_of_product(const Node& node) const {
  if (node.op != &ops::kTranspose) return false;
  const Node& product = *node.operand(0).node;
  return !product.is_parameter() && forms_[product.id] == Form::Contraction && uses_[product.id].size() == 1 &&
         !is_result_[product.id] && is_kept_[node.id] == is_kept_[product.id] &&
         std::ranges::all_of(uses_[node.id], [&](const ir::Use& use) { return use.user->op->is_pointwise; });
}

/// Whether computing the node again in each kernel that wants it is cheaper than a buffer: one element written and read
/// again costs as much as ten or twenty cheap operations, as long as they read little more than the buffer would give
/// them. This is what keeps a forward kernel from storing every factor that its derivative needs.
///
/// What is made of small arrays alone, each repeated along other axes, costs no reads: where it is large it is computed
/// again although that is costly, and so what is computed for all pairs of points never goes through memory.
bool FusionGroups::may_repeat(const Node& node) const {
  if (inline_reads_[node.id].empty() && uses_[node.id].size() <= kMostRepeatedUses && leaves_caches(node.type()))
    return inline_size_[node.id] <= kLargestInlineTree;
  return is_cheap(node);
}

bool FusionGroups::is_cheap(const Node& node) const {
  return inline_costly_[node.id] == 0 && inline_reads_[node.id].size() <= kMostRepeatedReads &&
         inline_size_[node.id] <= kLargestRepeatedTree;
}

void FusionGroups::decide_inlining() {
  for (const Node* node : graph_.nodes()) {
    if (!live_[node->id] || node->is_parameter()) continue;
    uint32_t size = 1, depth = 0, costly = is_costly(*node) ? 1 : 0;
    std::vector<Value>& reads = inline_reads_[node->id];
    std::vector<const Node*>& overwritten = overwritten_reads_[node->id];
    auto add_overwritten = [&](const Node* read) {
      if (std::ranges::find(overwritten, read) == overwritten.end()) overwritten.push_back(read);
    };
    // Beyond the limit, how many there are decides nothing.
    auto add_read = [&](const Value& v) {
      if (v.rank() > 0 && reads.size() <= kMostRepeatedReads && std::find(reads.begin(), reads.end(), v) == reads.end())
        reads.push_back(v);
    };
    // What is repeated along another axis is small beside the result, and read from the cache.
    const bool repeats = node->op == &ops::kBroadcast && node->operand(0).rank() < node->type().rank();
    const uint32_t copies = copies_of_operands(*node);
    for (const Value& v : node->operands()) {
      if (!inlined_[v.node->id]) {
        if (!repeats) add_read(v);
        const Node* read = written_value(v, forms_).node;
        if (updates_of_.contains(read)) add_overwritten(read);
        continue;
      }
      for (const Node* read : overwritten_reads_[v.node->id]) add_overwritten(read);
      if (joins_computed_[v.node->id] || (node->op == &ops::kConcat && v.node->op->is_pointwise && !is_leaf(*v.node)))
        joins_computed_[node->id] = true;
      size += inline_size_[v.node->id] * copies;
      depth = std::max(depth, depth_[v.node->id]);
      costly += inline_costly_[v.node->id] * copies;
      if (repeats) continue;
      for (const Value& r : inline_reads_[v.node->id]) add_read(r);
    }
    inline_size_[node->id] = size;
    // A movement of several operands (concat) picks one by as many selects, one inside the other.
    depth_[node->id] =
        depth + (is_costly(*node) ? kCostlyDepth : kCheapDepth) + (is_movement(*node) ? node->operand_count : 0);
    inline_costly_[node->id] = costly;
    inlined_[node->id] = inline_refusal(*node).empty();
  }
}

FusionGroups::Reads FusionGroups::reads_of(const Node& root) const {
  Reads reads;
  std::vector<std::pair<const Node*, bool>> open;  // node, whether it is read at the root's index
  const uint64_t walk = 4 * ++walk_;
  auto open_operands = [&](const Node& node, bool is_same) {
    const bool keeps_index = is_same && node.op->is_pointwise;
    if (!counts_.empty())  // what it names is read as well
      for (const Node* count : counts_[node.id]) reads.other_index.push_back(count);
    for (const Value& v : node.operands()) {
      const uint64_t mark = keeps_index ? 1 : 2;
      uint64_t& seen = node_marks_[v.node->id];
      if (seen < walk) seen = walk;
      if (seen & mark) continue;
      seen |= mark;
      open.emplace_back(v.node, keeps_index);
    }
  };
  open_operands(root, true);
  while (!open.empty()) {
    auto [node, is_same] = open.back();
    open.pop_back();
    if (inlined_[node->id])
      open_operands(*node, is_same);
    else if (!node->is_parameter())
      (is_same ? reads.same_index : reads.other_index).push_back(node);
  }
  return reads;
}

/// Whether `to` can be reached along reads from what is read of other groups; true as well where that would take long
/// to tell.
bool FusionGroups::may_reach(const Reads& reads, int to) const {
  const uint64_t walk = ++walk_;
  std::vector<int> open;
  auto look_at = [&](int g) {
    if (levels_[g] <= levels_[to] || group_marks_[g] == walk) return;
    group_marks_[g] = walk;
    open.push_back(g);
  };
  for (const auto* list : {&reads.same_index, &reads.other_index})
    for (const Node* other : *list)
      if (group_of_[other->id] != to) look_at(group_of_[other->id]);
  for (int looked_at = 0; !open.empty(); ++looked_at) {
    if (looked_at == kMostLookedAt) return true;
    const int g = open.back();
    open.pop_back();
    for (int h : reads_from_[g]) {
      if (h == to) return true;
      look_at(h);
    }
  }
  return false;
}

void FusionGroups::raise(int group, uint32_t level) {
  std::vector<std::pair<int, uint32_t>> open{{group, level}};
  while (!open.empty()) {
    const auto [g, lowest] = open.back();
    open.pop_back();
    if (levels_[g] >= lowest) continue;
    levels_[g] = lowest;
    for (int reader : readers_[g]) open.emplace_back(reader, lowest + 1);
  }
}

void FusionGroups::add_reads(int group, const Reads& reads) {
  const uint64_t walk = ++walk_;
  group_marks_[group] = walk;
  for (int h : reads_from_[group]) group_marks_[h] = walk;
  for (const auto* list : {&reads.same_index, &reads.other_index})
    for (const Node* producer : *list) {
      const int h = group_of_[producer->id];
      if (group_marks_[h] == walk) continue;
      group_marks_[h] = walk;
      reads_from_[group].push_back(h);
      readers_[h].push_back(group);
      raise(group, levels_[h] + 1);
    }
}

uint32_t FusionGroups::depth_within(int group, const Node& root, const Reads& reads) const {
  uint32_t below = 0;
  for (const Node* producer : reads.same_index)
    if (group_of_[producer->id] == group) below = std::max(below, depth_[producer->id]);
  return below + depth_[root.id];
}

std::string FusionGroups::join_refusal(const Node& root, const Node& producer, const Reads& reads) const {
  const int g = group_of_[producer.id];
  const Form form = forms_[producer.id];
  if (is_order_of_product(*groups_[g].roots.back())) return "its product is stored in another order";
  if (forms_[root.id] != Form::Element || root.result_count != 1) return "only element nodes of one result join";
  if (form == Form::Loops || form == Form::Update || form == Form::Alias || form == Form::Command)
    return "its kernel is not one of elements";
  if (is_kept_[root.id] != is_kept_[producer.id]) return "one of them depends on constants alone";
  if (groups_[g].roots.size() >= kMostRoots) return "its kernel has " + std::to_string(kMostRoots) + " results already";
  if (!same_shape(producer.type(), root.type())) return "the shapes differ";
  if (depth_within(g, root, reads) > kDeepest) return "its expressions would be too deep";
  if (costly_[g] + inline_costly_[root.id] > kMostCostly)
    return "its kernel has " + std::to_string(costly_[g]) + " polynomials, divisions and roots already";
  if (!updates_of_.empty() && would_read_too_late(root, groups_[g]))
    return "an update writes over what one of them reads";
  for (const Node* other : reads.other_index)
    if (group_of_[other->id] == g) return "its kernel is read at other indices, too";
  // Joining must not make a cycle: nothing else that the root reads may depend on the group.
  return may_reach(reads, g) ? "another operand waits for its kernel" : "";
}

int FusionGroups::group_to_join(const Node& root) {
  const Reads reads = reads_of(root);
  if (is_order_of_product(root) && groups_[group_of_[root.operand(0).node->id]].roots.size() == 1)
    return group_of_[root.operand(0).node->id];
  if (forms_[root.id] == Form::Element && root.result_count == 1)
    for (const Node* producer : reads.same_index)
      if (join_refusal(root, *producer, reads).empty()) return group_of_[producer->id];
  if (const int g = chain_group_to_join(root, reads); g >= 0) return g;
  return row_group_to_join(root, reads);
}

void FusionGroups::make_groups() {
  for (const Node* node : graph_.nodes()) {
    if (!live_[node->id] || node->is_parameter() || inlined_[node->id]) continue;
    int g = group_to_join(*node);
    if (g < 0) {
      g = groups_.size();
      groups_.emplace_back();
      reads_from_.emplace_back();
      readers_.emplace_back();
      levels_.push_back(0);
      costly_.push_back(0);
      rows_.emplace_back();
      group_marks_.push_back(0);
    }
    groups_[g].roots.push_back(node);
    group_of_[node->id] = g;
    costly_[g] += inline_costly_[node->id];
    const Reads reads = reads_of(*node);
    depth_[node->id] = depth_within(g, *node, reads);
    add_reads(g, reads);
    note_rows(*node, g);
    note_chains(*node, g);
  }
}

bool FusionGroups::is_used_outside(Value value, const FusionGroup& group) const {
  if (is_result_[value.node->id] &&
      (value.node->result_count == 1 ||
       std::find(graph_.results().begin(), graph_.results().end(), value) != graph_.results().end()))
    return true;
  const int g = group_of_[group.roots[0]->id];
  std::vector<const Node*> open;
  for (const ir::Use& use : uses_[value.node->id])
    if (use.user->operand(use.operand) == value) open.push_back(use.user);
  while (!open.empty()) {
    const Node* user = open.back();
    open.pop_back();
    if (!inlined_[user->id]) {
      if (group_of_[user->id] != g) return true;
      continue;
    }
    for (const ir::Use& use : uses_[user->id]) open.push_back(use.user);
  }
  return false;
}

void FusionGroups::order_groups() {
  // Depth first over reads, from the groups in their order: keeps the program's order where dependences allow.
  std::vector<FusionGroup> ordered;
  std::vector<uint8_t> state(groups_.size());
  std::vector<int> stack;
  std::vector<int> new_index(groups_.size(), -1);
  for (size_t start = 0; start < groups_.size(); ++start) {
    stack.push_back(start);
    while (!stack.empty()) {
      const int g = stack.back();
      if (state[g] == 2) {
        stack.pop_back();
        continue;
      }
      const bool is_opened = state[g] == 1;
      state[g] = 1;
      bool waits = false;
      if (!is_opened)
        for (int h : reads_from_[g])
          if (state[h] == 0) {
            stack.push_back(h);
            waits = true;
          }
      if (waits) continue;
      stack.pop_back();
      state[g] = 2;
      new_index[g] = ordered.size();
      ordered.push_back(groups_[g]);
    }
  }
  for (int& g : group_of_)
    if (g >= 0) g = new_index[g];
  std::vector<std::vector<int>> reads(groups_.size());
  std::vector<uint32_t> levels(groups_.size());
  std::vector<std::optional<Rows>> rows(groups_.size());
  for (size_t g = 0; g < groups_.size(); ++g) {
    levels[new_index[g]] = levels_[g];
    rows[new_index[g]] = std::move(rows_[g]);
    for (int h : reads_from_[g]) reads[new_index[g]].push_back(new_index[h]);
  }
  reads_from_ = std::move(reads);
  levels_ = std::move(levels);
  rows_ = std::move(rows);
  readers_.clear();
  groups_ = std::move(ordered);
}

}  // namespace strata::compiler
