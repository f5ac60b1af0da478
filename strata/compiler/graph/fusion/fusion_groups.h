// The decision behind fuse: which nodes are inlined into their consumers, and which of the others share a kernel.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/rows.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/uses.h"

namespace strata::compiler {

/// Nodes computed by one kernel, in order. The inlined producers of the roots belong to it as well (possibly to other
/// groups too: they are computed again there).
struct FusionGroup {
  std::vector<const ir::Node*> roots;
};

/// A value that goes through memory from one kernel to another, and why.
struct FusionRefusal {
  const ir::Node* producer;
  const ir::Node* reader;  ///< the root that reads it, perhaps through inlined nodes
  std::string reason;
};

class FusionGroups {
 public:
  /// A kernel with more results than this runs out of registers and streams.
  static constexpr size_t kMostRoots = 12;
  /// Polynomials, divisions and roots of a kernel. Each is some hundred instructions, which keep the registers busy for
  /// longer than a buffer costs, and LLVM's time grows faster than their number.
  static constexpr uint32_t kMostCostly = 6;

  /// `constants`: parameters; what is kept of them alone (invariants.h) shares no kernel with the rest.
  explicit FusionGroups(const ir::Graph& graph, std::span<const int> constants = {});

  bool is_inlined(const ir::Node& node) const { return inlined_[node.id]; }
  /// Whether a value that `group` defines is needed by another group or is a result of the graph.
  bool is_used_outside(ir::Value value, const FusionGroup& group) const;
  /// Whether a root is computed for its whole row before what comes after it in a group that goes by rows.
  bool is_kept_for_row(const ir::Node& root, const FusionGroup& group) const;
  /// Whether a group's product makes rows whose reductions read this root's elements: they come from a result.
  bool is_stored_for_rows(const ir::Node& root, const FusionGroup& group) const;
  /// The groups in an order in which each comes after those that it reads.
  const std::vector<FusionGroup>& in_order() const { return groups_; }
  /// For `strata explain`, in the order of the readers (fusion_refusals.cpp).
  std::vector<FusionRefusal> refusals() const;

 private:
  /// Groups that are remembered as readers of one value.
  static constexpr size_t kMostReaders = 4;

  void find_residuals();
  void find_updates();
  bool waits_for(const ir::Node& node, const ir::Node& update) const;
  /// What is read through a node that is inlined is read where its users run: not where it is written over by then.
  std::string overwriting_refusal(const ir::Node& node) const;
  /// The same for a root that would run in the kernel of others: all would wait for what one of them waits for.
  bool would_read_too_late(const ir::Node& root, const FusionGroup& group) const;
  void decide_inlining();
  /// Why a node is not inlined into its users; empty: it is.
  std::string inline_refusal(const ir::Node& node) const;
  bool is_order_of_product(const ir::Node& node) const;
  bool may_repeat(const ir::Node& node) const;
  bool is_cheap(const ir::Node& node) const;
  bool may_inline_into(const ir::Node& node, const ir::Use& use) const;
  void make_groups();
  int group_to_join(const ir::Node& root);
  /// What a root reads through its inlined producers, each once: the roots at the index of the root itself, and those
  /// at other indices.
  struct Reads {
    std::vector<const ir::Node*> same_index, other_index;
  };
  /// Depth of a root's expression in the kernel of a group: roots of one kernel read each other's expressions.
  uint32_t depth_within(int group, const ir::Node& root, const Reads& reads) const;
  /// Why a root can't be computed in the kernel of a producer that it reads at its own index; empty: it can.
  std::string join_refusal(const ir::Node& root, const ir::Node& producer, const Reads& reads) const;
  bool may_reach(const Reads& reads, int group) const;
  // packed_producers.cpp
  bool is_made_where_packed(const ir::Node& node, const ir::Node& contraction) const;
  // row_groups.cpp
  std::optional<Rows> rows_with(const ir::Node& root, int group) const;
  bool reads_own_row(const ir::Node& root, int group, const Rows& rows, std::vector<const ir::Node*>& elements) const;
  /// Why a root is no further stage of a group's rows; empty: it can be.
  std::string row_refusal(const ir::Node& root, int group, const Reads& reads) const;
  int row_group_to_join(const ir::Node& root, const Reads& reads) const;
  void note_rows(const ir::Node& root, int group);
  bool has_product(const FusionGroup& group) const;
  // chain_groups.cpp
  /// A node whose element is read for a term of a chain, and which axis of the term's index each of its axes is.
  struct Term {
    const ir::Node* node;
    std::vector<int64_t> order;
    friend auto operator<=>(const Term&, const Term&) = default;
  };
  std::vector<Term> terms_of(const ir::Node& reduction) const;
  uint32_t costly_among(std::span<const Term> terms) const;
  int chain_group_to_join(const ir::Node& root, const Reads& reads) const;
  void note_chains(const ir::Node& root, int group);
  void add_reads(int group, const Reads& reads);
  void raise(int group, uint32_t level);
  Reads reads_of(const ir::Node& root) const;
  void order_groups();

  const ir::Graph& graph_;
  std::vector<bool> live_, inlined_, is_result_, is_kept_;
  std::vector<bool> is_residual_;      ///< by node id: Residuals::is_kept()
  std::vector<uint32_t> inline_size_;  ///< nodes that inlining this one pulls along
  /// Of the node's expression, in operations of the loop program: from what it reads in memory; of a root from what its
  /// kernel reads.
  std::vector<uint32_t> depth_;
  std::vector<std::vector<ir::Value>> inline_reads_;  ///< what inlining this one reads from memory; scalars left out
  std::vector<uint32_t> inline_costly_;               ///< polynomials, divisions and roots that inlining it repeats
  std::vector<bool> joins_computed_;                  ///< whether inlining it computes parts that are joined
  std::vector<Form> forms_;
  std::vector<std::vector<const ir::Node*>> counts_;  ///< by node id: ir::counts_before()
  std::vector<std::vector<ir::Use>> uses_;
  std::vector<int> updated_operand_;                                    ///< by node id; -1: it is no update
  std::map<const ir::Node*, std::vector<const ir::Node*>> updates_of_;  ///< by node whose memory is written over
  std::vector<std::vector<const ir::Node*>> overwritten_reads_;         ///< of them, what inlining this one reads
  mutable std::map<const ir::Node*, std::vector<bool>> waiting_;        ///< by update: which nodes wait for it
  std::vector<int> group_of_;                                           ///< by node id; -1: none
  std::vector<FusionGroup> groups_;
  std::vector<std::vector<int>> reads_from_;  ///< group -> groups whose values it reads
  std::vector<std::vector<int>> readers_;     ///< the other way round, while groups are made
  std::vector<uint32_t> costly_;              ///< by group: its polynomials, divisions and roots
  /// By group, above that of every group it reads: a group reaches none of its level or above.
  std::vector<uint32_t> levels_;
  std::vector<std::optional<Rows>> rows_;                    ///< by group: that its reductions reduce
  std::map<const ir::Node*, std::vector<int>> row_readers_;  ///< by what is read by elements: groups with rows
  std::map<Term, std::vector<int>> chain_readers_;  ///< groups of reductions in chains whose terms it is read for
  /// Marks of nodes (reads_of) and groups (may_reach, add_reads) in the walk of this number: a fresh vector for each
  /// walk would make time quadratic.
  mutable std::vector<uint64_t> node_marks_, group_marks_;
  mutable uint64_t walk_ = 0;
};

}  // namespace strata::compiler
