// What becomes of each value in a step of a scan whose lanes stand alone (lane_loop.h): kept in scratch, computed where
// it is read, or neither because the scan is none.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/node_lowering.h"
#include "strata/ir/graph/graph.h"
#include "strata/ops/control/scan_parts.h"

namespace strata::compiler {

/// Thrown where a scan is none of this kind, and caught by lane_loop.cpp.
struct LaneRefusal {
  std::string why;
};

/// The axes that all state has: [lead..., (between), lane]. Without a lane: [lead..., between], and a step may mix what
/// lies at different places of all axes behind the leading ones.
struct LaneAxes {
  std::vector<ir::Dim> lead;
  std::optional<ir::Dim> lane;

  bool has(ir::Type t) const;
  std::span<const ir::Dim> between(ir::Type t) const {
    return t.shape().subspan(lead.size(), t.shape().size() - lead.size() - (lane ? 1 : 0));
  }
};

/// With as many leading axes as all state shares, which may be too many: a step may mix what lies along the last of
/// them.
LaneAxes widest_axes(const ir::Node& scan);
/// The same without a lane, where all state are matrices: with all but their last two axes.
LaneAxes matrix_axes(const ir::Node& scan);

/// result_places(); LaneRefusal where there are none.
std::vector<size_t> places_of(const ir::ContractionForm& product, ir::loops::LoopContext& context);

class LanePlan {
 public:
  /// LaneRefusal where a step mixes lanes, or does what no lane loop does.
  LanePlan(const ir::Node& scan, const LaneAxes& axes);

  /// Nodes of a step that are computed, in order.
  const std::vector<const ir::Node*>& nodes() const { return nodes_; }
  Form form(const ir::Node* node) const { return forms_.at(node); }
  bool is_kept(ir::Value v) const { return keeps_.contains(key(v)); }
  bool has_readers(ir::Value v) const { return readers_.contains(key(v)); }
  /// A product that is computed where its only reader is stored; and that of a reader, null if it has none.
  bool is_inlined(const ir::Node* product) const { return inlined_.contains(product); }
  struct InlinedProduct {
    const ir::Node* node = nullptr;
    std::vector<size_t> places;  ///< where the reader has each axis of the product
  };
  InlinedProduct product_in(const ir::Node* reader) const;
  /// A fold over all that a lane has of `elements`, which can be made at the same time; null: there is none.
  const ir::Node* fold_over(const ir::Node& elements) const;
  /// bool [lead..., lane], without lanes a scalar: what a step changes; null: all.
  ir::Value condition() const { return condition_; }
  /// New values of the carries, where the condition holds.
  const std::vector<ir::Value>& next() const { return next_; }
  /// Slices of stacked results, where the condition holds, and where it doesn't.
  const std::vector<ir::Value>& stacked() const { return stacked_; }
  const std::vector<ir::Value>& stacked_otherwise() const { return otherwise_; }

 private:
  using Key = std::pair<const ir::Node*, uint32_t>;
  static Key key(ir::Value v) { return {v.node, v.index}; }

  void find_nodes();
  void find_views();
  void find_condition();
  void find_condition_of_matrices();
  void drop_unneeded();
  /// What products read as the side that has the lanes.
  void keep_sides_of_products();
  void keep_matrices_of_products();
  void keep_what_is_shared();
  void compute_products_where_read();
  bool is_view(ir::Value v) const { return views_.contains(key(v)); }
  bool is_position(ir::Value v) const;
  bool is_next(const ir::Node* node) const;
  const ir::Node* cheap_reader_of(const ir::Node* product, std::vector<size_t>& places) const;

  const ir::Node& scan_;
  const ir::Graph& region_;
  ops::ScanParts parts_;
  const LaneAxes& axes_;
  std::vector<const ir::Node*> nodes_;
  std::map<const ir::Node*, Form> forms_;
  std::set<Key> views_;  ///< made of constants and slices alone, element by element
  std::map<Key, std::vector<const ir::Node*>> readers_;
  std::set<Key> keeps_;
  std::map<const ir::Node*, InlinedProduct> product_in_;
  std::set<const ir::Node*> inlined_;
  ir::Value condition_;
  std::vector<ir::Value> next_, stacked_, otherwise_;
};

}  // namespace strata::compiler
