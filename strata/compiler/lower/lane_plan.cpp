#include "strata/compiler/lower/lane_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/compiler/lower/nests.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ops/control/control.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::Node;
using ir::Type;
using ir::Value;
using namespace ir::loops;

namespace {

/// Nodes of a step: attention has 60, and each is a loop of the kernel at most.
constexpr size_t kMostNodes = 500;

/// Rows and columns of matrices that are worth a register tile.
constexpr int64_t kShortest = 8;

/// Arithmetic of an instruction or two.
bool is_cheap_op(const ir::Op* op) {
  return op == &ops::kAdd || op == &ops::kSub || op == &ops::kMul || op == &ops::kNeg || op == &ops::kSelect ||
         op == &ops::kMaximum || op == &ops::kMinimum;
}

}  // namespace

bool LaneAxes::has(Type t) const {
  const auto shape = t.shape();
  if (lane && (shape.size() <= lead.size() || shape.back() != *lane)) return false;
  return shape.size() >= lead.size() && std::ranges::equal(shape.first(lead.size()), lead);
}

LaneAxes widest_axes(const Node& scan) {
  std::vector<Type> types;  // of the carries and of the slices of stacked results
  for (const Value& v : scan.region(0).results()) types.push_back(v.type());
  if (types.empty()) throw LaneRefusal{"it gives nothing"};
  int rank = types[0].rank();
  for (Type t : types) rank = std::min(rank, t.rank());
  if (rank == 0) throw LaneRefusal{"its state has no axes"};
  LaneAxes axes{{}, types[0].shape().back()};
  for (int axis = 0; axis + 1 < rank; ++axis) {
    const Dim extent = types[0].dim(axis);
    if (!std::ranges::all_of(types, [&](Type t) { return t.dim(axis) == extent; })) break;
    axes.lead.push_back(extent);
  }
  for (Type t : types)
    if (!axes.has(t)) throw LaneRefusal{fmt::format("state is {}, which lacks the lanes of the rest", t.str())};
  return axes;
}

LaneAxes matrix_axes(const Node& scan) {
  LaneAxes axes;
  const auto results = scan.region(0).results();
  for (const Value& v : results)
    if (v.rank() != results[0].rank() || v.rank() < 3) throw LaneRefusal{"its state are no matrices of one rank"};
  if (results.empty()) throw LaneRefusal{"it gives nothing"};
  for (int axis = 0; axis + 2 < results[0].rank(); ++axis) axes.lead.push_back(results[0].type().dim(axis));
  if (std::ranges::all_of(axes.lead, [](Dim d) { return d == Dim(1); })) throw LaneRefusal{"it is one task"};
  for (const Value& v : results)
    if (!axes.has(v.type())) throw LaneRefusal{fmt::format("state is {}, of other axes than the rest", v.type().str())};
  return axes;
}

std::vector<size_t> places_of(const ir::ContractionForm& product, LoopContext& context) {
  auto places = result_places(product, context);
  if (!places) throw LaneRefusal{"a product's result has not the axes of its sides"};
  return std::move(*places);
}

void LanePlan::find_views() {
  const auto parameters = region_.parameters();
  for (size_t i = 0; i < parameters.size(); ++i)
    if (!parts_.is_carry(i)) views_.insert({parameters[i], 0});
  for (const Node* n : nodes_)
    if (forms_.at(n) == Form::Element && std::ranges::all_of(n->operands(), [&](Value v) { return is_view(v); }))
      for (uint32_t r = 0; r < n->result_count; ++r) views_.insert({n, r});
}

void LanePlan::keep_sides_of_products() {
  for (const Node* n : nodes_) {
    if (forms_.at(n) != Form::Contraction) continue;
    if (!axes_.has(n->type())) throw LaneRefusal{fmt::format("a product gives {}", n->type().str())};
    LoopContext c;
    std::vector<Value> with_lane, without;
    const LoopVar* lane = c.loop_var("lane");
    const NodeLowering rule(*n, c, [&](Value v, std::span<const Expr> index) {
      const bool moves = std::ranges::any_of(index, [&](Expr e) { return depends_on(e, lane); });
      (moves ? with_lane : without).push_back(v);
      return c.constant(v.dtype(), 0);
    });
    if (rule.product->block_terms > 0) throw LaneRefusal{"a product of blocks"};
    std::vector<Expr> at, depth;
    while (at.size() + 1 < static_cast<size_t>(n->type().rank())) at.push_back(c.loop(c.loop_var("p")));
    at.push_back(c.loop(lane));
    while (depth.size() < rule.product->depth.size()) depth.push_back(c.loop(c.loop_var("p")));
    const size_t batch = rule.product->batch.size(), rows = rule.product->rows.size();
    const std::vector<size_t> places = places_of(*rule.product, c);
    const auto index_of = [&](size_t first, size_t count) {
      std::vector<Expr> index;
      for (size_t i = 0; i < batch; ++i) index.push_back(at[places[i]]);
      for (size_t i = first; i < first + count; ++i) index.push_back(at[places[i]]);
      index.insert(index.end(), depth.begin(), depth.end());
      return index;
    };
    rule.product->lhs(index_of(batch, rows));
    rule.product->rhs(index_of(batch + rows, at.size() - batch - rows));
    for (const Value& v : without)
      if (!is_view(v)) throw LaneRefusal{"a product of state by state"};
    for (const Value& v : with_lane) {
      if (ir::is_bool(v.dtype()) && is_position(v)) continue;  // computed where it is read
      if (!axes_.has(v.type())) throw LaneRefusal{fmt::format("a product reads lanes of {}", v.type().str())};
      keeps_.insert(key(v));
    }
  }
}

/// Sides that a step computes, and constants that lie in memory by the other axis. A product's batch is a point of the
/// kernel: nothing is shared between points.
void LanePlan::keep_matrices_of_products() {
  for (const Node* n : nodes_) {
    if (forms_.at(n) == Form::Reduction) throw LaneRefusal{"a sum beside products of matrices"};
    if (forms_.at(n) != Form::Contraction) continue;
    LoopContext c;
    std::vector<Value> read;
    const NodeLowering rule(*n, c, [&](Value v, std::span<const Expr>) {
      read.push_back(v);
      return c.constant(v.dtype(), 0);
    });
    const ir::ContractionForm& product = *rule.product;
    const std::vector<size_t> places = places_of(product, c);
    // What hides elements by column is told the column on both sides: it stands among the batch.
    const size_t lead = axes_.lead.size(), batch = product.batch.size();
    if (product.block_terms > 0 || batch < lead || batch + product.columns.size() != lead + 1 ||
        !axes_.has(n->type()) || product.rows.size() != 1 || product.depth.size() != 1)
      throw LaneRefusal{"a product that is none of matrices of one point"};
    for (const Dim d : axes_.between(n->type()))
      if (!d.is_constant() || d.constant() < kShortest) throw LaneRefusal{"a product of a few rows or columns"};
    for (size_t axis = 0; axis < lead; ++axis)
      if (places[axis] != axis) throw LaneRefusal{"a product that is none of matrices of one point"};
    const auto index = [&](size_t free) {
      std::vector<Expr> at;
      while (at.size() < batch + free + 1) at.push_back(c.loop(c.loop_var("p")));
      return at;
    };
    product.lhs(index(1));
    product.rhs(index(product.columns.size()));
    for (const Value& v : read) {
      if (ir::is_bool(v.dtype()) && is_position(v)) continue;  // computed where it is read
      if (!axes_.has(v.type())) throw LaneRefusal{fmt::format("a product reads {}", v.type().str())};
      const auto parameters = region_.parameters();
      const auto constants = parameters.first(parts_.constants);
      const auto constant = std::ranges::find(constants, v.node);
      const bool is_by_columns =
          constant != constants.end() &&
          scan_.operand(static_cast<int>(constant - constants.begin())).node->op == &ops::kTranspose;
      if (!is_view(v) || is_by_columns) keeps_.insert(key(v));
    }
  }
}

/// Made of numbers and of where it stands: no memory is read for it.
bool LanePlan::is_position(Value v) const {
  if (!is_view(v)) return false;
  if (v.node->is_parameter()) return v.rank() == 0;
  return std::ranges::all_of(v.node->operands(), [&](Value x) { return is_position(x); });
}

/// What would be computed several times: sums and products, elements with several readers, numbers of a lane that are
/// spread.
void LanePlan::keep_what_is_shared() {
  for (const Node* n : nodes_) {
    if (is_view(n->result())) continue;
    if (forms_.at(n) != Form::Element || readers_[key(n->result())].size() > 1) keeps_.insert(key(n->result()));
  }
  // A number of the lane that is spread along what it has.
  for (const Node* n : nodes_) {
    if (n->op != &ops::kBroadcast || is_view(n->result())) continue;
    const Value from = n->operand(0);
    if (!from.node->is_parameter() && from.node->op != &ops::kBroadcast) keeps_.insert(key(from));
  }
  // Constants of the lanes: they are read in each step.
  for (size_t i = 0; axes_.lane && i < parts_.constants; ++i)
    if (const Value p = region_.parameter(i); axes_.has(p.type()) && readers_.contains(key(p))) keeps_.insert(key(p));
}

/// Where a product's elements end up through cheap arithmetic alone, each with one reader: something that is kept, a
/// new carry, or a slice of a result. Null if there is more: a register tile's sums wait in registers while it is
/// computed.
const Node* LanePlan::cheap_reader_of(const Node* product, std::vector<size_t>& places) const {
  constexpr int kMostOps = 8;
  places.resize(static_cast<size_t>(product->type().rank()));
  for (size_t axis = 0; axis < places.size(); ++axis) places[axis] = axis;
  const Node* at = product;
  for (int ops = 0; ops < kMostOps; ++ops) {
    const auto readers = readers_.find(key(at->result()));
    if (readers == readers_.end() || readers->second.size() != 1) return nullptr;
    const Type before = at->type();
    at = readers->second[0];
    if (!axes_.lane && at->op == &ops::kTranspose) {
      const auto perm = at->attrs.ints("perm");
      for (size_t& place : places)
        place = static_cast<size_t>(std::ranges::find(perm, static_cast<int64_t>(place)) - perm.begin());
      continue;
    }
    if (!is_cheap_op(at->op) || at->type() != before) return nullptr;
    const auto is_far = [&](Value v) { return is_view(v) && v.rank() > 0 && (axes_.lane || !v.node->is_parameter()); };
    if (std::ranges::any_of(at->operands(), is_far)) return nullptr;
    if (keeps_.contains(key(at->result())) || is_next(at)) return at;
  }
  return nullptr;
}

bool LanePlan::is_next(const Node* node) const {
  const auto is_it = [&](Value v) { return v.node == node; };
  return std::ranges::any_of(next_, is_it) || (!axes_.lane && std::ranges::any_of(stacked_, is_it));
}

void LanePlan::compute_products_where_read() {
  for (const Node* n : nodes_) {
    if (forms_.at(n) != Form::Contraction || is_next(n)) continue;
    std::vector<size_t> places;
    const Node* at = cheap_reader_of(n, places);
    if (!at || product_in_.contains(at)) continue;
    product_in_[at] = {n, places};
    inlined_.insert(n);
    keeps_.erase(key(n->result()));
  }
}

LanePlan::InlinedProduct LanePlan::product_in(const Node* reader) const {
  const auto found = product_in_.find(reader);
  return found == product_in_.end() ? InlinedProduct{} : found->second;
}

const Node* LanePlan::fold_over(const Node& elements) const {
  if (forms_.at(&elements) != Form::Element || product_in_.contains(&elements)) return nullptr;
  for (const Node* reader : readers_.at(key(elements.result()))) {
    if (forms_.at(reader) != Form::Reduction || !axes_.has(reader->type())) continue;
    if (axes_.between(reader->type()).empty()) return reader;
  }
  return nullptr;
}

/// select(c, new, old) for every carry, one c: its number for each lane.
void LanePlan::find_condition() {
  const auto results = region_.results();
  next_.assign(results.begin(), results.begin() + parts_.carries);
  stacked_.assign(results.begin() + parts_.carries, results.end());
  if (!axes_.lane) return find_condition_of_matrices();
  if (parts_.carries == 0 || results.size() != parts_.carries) return;
  // A condition of lanes, spread along what they have.
  const auto base_of = [&](Value c) {
    if (c.node->op != &ops::kBroadcast) return c;
    std::vector<int64_t> of_lanes;
    for (size_t axis = 0; axis < axes_.lead.size(); ++axis) of_lanes.push_back(static_cast<int64_t>(axis));
    of_lanes.push_back(c.rank() - 1);
    return std::ranges::equal(c.node->attrs.ints("axes"), of_lanes) ? c.node->operand(0) : c;
  };
  Value common;
  std::vector<Value> inner;
  for (size_t i = 0; i < parts_.carries; ++i) {
    const Node& n = *results[i].node;
    if (n.op != &ops::kSelect || n.operand(2) != region_.parameter(parts_.constants + i)) return;
    const Value c = base_of(n.operand(0));
    if (common && c != common) return;
    common = c;
    inner.push_back(n.operand(1));
  }
  if (!axes_.has(common.type()) || !axes_.between(common.type()).empty() || !is_view(common)) return;
  condition_ = common;
  next_ = inner;
}

/// select(c, new, old) for every result, one scalar c. What is old of a stacked result is a slice of an operand.
void LanePlan::find_condition_of_matrices() {
  Value common;
  std::vector<Value> inner, old;
  const auto parameters = region_.parameters();
  const auto slices = parameters.subspan(parts_.first_slice());
  for (size_t i = 0; i < region_.results().size(); ++i) {
    const Node& n = *region_.results()[i].node;
    if (n.op != &ops::kSelect) return;
    const Value spread = n.operand(0), before = n.operand(2);
    if (spread.node->op != &ops::kBroadcast || spread.node->operand(0).rank() != 0) return;
    const Value c = spread.node->operand(0);
    if (!is_view(c) || (common && c != common)) return;
    const bool is_old = i < parts_.carries ? before == region_.parameter(parts_.constants + i)
                                           : std::ranges::find(slices, before.node) != slices.end();
    if (!is_old) return;
    common = c;
    inner.push_back(n.operand(1));
    old.push_back(before);
  }
  condition_ = common;
  const auto split = static_cast<int64_t>(parts_.carries);
  next_.assign(inner.begin(), inner.begin() + split);
  stacked_.assign(inner.begin() + split, inner.end());
  otherwise_.assign(old.begin() + split, old.end());
}

void LanePlan::find_nodes() {
  const std::vector<bool> live = ir::live_nodes(region_);
  for (const Node* n : region_.nodes()) {
    if (n->is_parameter() || !live[n->id]) continue;
    if (nodes_.size() >= kMostNodes) throw LaneRefusal{fmt::format("it has more than {} nodes", kMostNodes)};
    if (n->op->effect != ir::Effect::None) throw LaneRefusal{fmt::format("{} has an effect", n->op->name)};
    const Form form = form_of(*n);
    if ((form != Form::Element && form != Form::Reduction && form != Form::Contraction) || n->result_count != 1)
      throw LaneRefusal{fmt::format("{} in a step is no element, sum or product", n->op->name)};
    nodes_.push_back(n);
    forms_[n] = form;
  }
  if (!std::ranges::any_of(nodes_, [&](const Node* n) { return forms_.at(n) == Form::Contraction; }))
    throw LaneRefusal{"it has no product"};
}

/// The selects of a condition are no readers: what they choose is.
void LanePlan::drop_unneeded() {
  std::vector<bool> needed(region_.nodes().size());
  for (const Value& v : next_) needed[v.node->id] = true;
  for (const Value& v : stacked_) needed[v.node->id] = true;
  needed[condition_.node->id] = true;
  for (size_t i = nodes_.size(); i-- > 0;)
    if (needed[nodes_[i]->id])
      for (const Value& v : nodes_[i]->operands()) needed[v.node->id] = true;
  std::erase_if(nodes_, [&](const Node* n) { return !needed[n->id]; });
}

LanePlan::LanePlan(const Node& scan, const LaneAxes& axes)
    : scan_(scan), region_(scan.region(0)), parts_(scan), axes_(axes) {
  find_nodes();
  find_views();
  find_condition();
  if (condition_) drop_unneeded();
  for (const Node* n : nodes_)
    for (const Value& v : n->operands()) readers_[key(v)].push_back(n);
  if (axes_.lane)
    keep_sides_of_products();
  else
    keep_matrices_of_products();
  keep_what_is_shared();
  compute_products_where_read();
}

}  // namespace strata::compiler
