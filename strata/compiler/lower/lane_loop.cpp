#include "strata/compiler/lower/lane_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "strata/compiler/lower/aliased_index.h"
#include "strata/compiler/lower/lane_plan.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/loops/append.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/control/control.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::Node;
using ir::Type;
using ir::Value;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;
using Index = std::vector<Expr>;
using Key = std::pair<const Node*, uint32_t>;

/// Elements that a lane keeps: 64 lanes of them, in f32, are half a megabyte, what a second cache has.
constexpr int64_t kMostKept = 2048;
/// Elements that a point without lanes keeps: the same half a megabyte.
constexpr int64_t kMostOfPoint = 64 * kMostKept;

Key key(Value v) { return {v.node, v.index}; }

/// Where a value's elements come from.
struct ElementSource {
  const Buffer* kept = nullptr;    ///< scratch, [between...] or [1]
  const Buffer* memory = nullptr;  ///< a parameter of the kernel
  Value outside;                   ///< of a parameter of the step: the scan's operand, read at (prefix..., index...)
  Index prefix;
};

class LaneLoop {
 public:
  LaneLoop(const Graph& kernel, const Node& scan, const LaneAxes& axes, LoopContext& context,
           const std::vector<const Buffer*>& inputs, const std::vector<const Buffer*>& outputs)
      : kernel_(kernel),
        scan_(scan),
        region_(scan.region(0)),
        parts_(scan),
        axes_(axes),
        plan_(scan, axes_),
        c_(context),
        outputs_(outputs) {
    for (size_t i = 0; i < inputs.size(); ++i) sources_[key(kernel.parameter(i))] = {.memory = inputs[i]};
  }

  Stmts write() {
    std::vector<Dim> extents = axes_.lead;
    if (axes_.lane) extents.push_back(*axes_.lane);
    return ops::independent_nest(c_, extents, [&](std::span<const Expr> index) {
      lead_.assign(index.begin(), index.end());
      for (size_t axis = 0; axis < lead_.size(); ++axis)
        if (extents[axis] == Dim(1)) lead_[axis] = c_.i64(0);  // as a broadcast reads it
      if (axes_.lane) {
        lane_ = lead_.back();
        lead_.pop_back();
      }
      return at_lane();
    });
  }

 private:
  // Elements.

  Index full_index(std::span<const Expr> between) const {
    Index index = lead_;
    index.insert(index.end(), between.begin(), between.end());
    if (lane_) index.push_back(lane_);
    return index;
  }
  bool is_own(std::span<const Expr> index) const {
    if (lane_ && (index.size() <= lead_.size() || index.back() != lane_)) return false;
    return index.size() >= lead_.size() && std::ranges::equal(index.first(lead_.size()), lead_);
  }
  Index within(const Buffer* kept, std::span<const Expr> index) const {
    if (!is_own(index)) throw LaneRefusal{"a value is read in another lane than its own"};
    const auto between = index.subspan(lead_.size(), index.size() - lead_.size() - (lane_ ? 1 : 0));
    if (between.empty()) return {c_.i64(0)};
    if (between.size() != kept->shape.size()) throw LaneRefusal{"a value is read at an index of another rank"};
    return {between.begin(), between.end()};
  }
  const NodeLowering& lowering_of(const Node& node);
  Expr element(Value v, std::span<const Expr> index);

  // Statements.

  Stmts at_lane();
  Stmts step(Expr number);
  Stmts stage(const Node& node);
  Stmts stage_with_fold(const Node& node, const Node& reader);
  void keep_copy(Value v, Stmts& body);
  const Buffer* new_kept(const char* name, Value v);
  Stmts over_between(Type t, const std::function<Stmts(std::span<const Expr>)>& body);
  /// Declares what the product or fold at an index needs, and gives its value.
  Expr chain(const Node& node, std::span<const Expr> index, Stmts& body);
  /// Where an element is stored.
  using Place = std::function<std::pair<const Buffer*, Index>(const Index&)>;
  /// The stores of a value at all of its places, with a product that is computed where it is read.
  Stmts stores_of(Value v, const Place& place);
  Place in(const Buffer* kept) const {
    return [this, kept](const Index& index) { return std::pair{kept, within(kept, index)}; };
  }
  Stmts result(Value v, const Buffer* to);
  Stmts next_state();
  Stmts stacked(const std::vector<Value>& slices, Expr number);
  /// Carries that an expression still reads: where it is stored, and at other places.
  struct CarryReads {
    std::set<size_t> own, elsewhere;
  };
  CarryReads carries_read_by(Value v) const;

  const Graph& kernel_;
  const Node& scan_;
  const Graph& region_;  ///< of a step
  ops::ScanParts parts_;
  const LaneAxes& axes_;
  LanePlan plan_;
  LoopContext& c_;
  const std::vector<const Buffer*>& outputs_;
  Index lead_;
  Expr lane_ = nullptr;

  std::map<Key, ElementSource> sources_;
  std::map<const Node*, std::unique_ptr<NodeLowering>> rules_;
  const Node* hero_ = nullptr;  ///< a product whose value at `hero_index_` is `hero_value_`
  Index hero_index_;
  Expr hero_value_ = nullptr;
  int64_t kept_ = 0;
  int names_ = 0;
};

// Elements.

const NodeLowering& LaneLoop::lowering_of(const Node& node) {
  auto& rule = rules_[&node];
  if (!rule)
    rule = std::make_unique<NodeLowering>(node, c_, [this](Value v, std::span<const Expr> i) { return element(v, i); });
  return *rule;
}

Expr LaneLoop::element(Value v, std::span<const Expr> index) {
  if (hero_ && v.node == hero_) {
    if (!std::ranges::equal(index, hero_index_)) throw LaneRefusal{"a product is read at another index than its own"};
    return hero_value_;
  }
  if (const auto found = sources_.find(key(v)); found != sources_.end()) {
    const ElementSource& s = found->second;
    if (s.kept) return c_.load(s.kept, within(s.kept, index));
    if (s.memory) return c_.load(s.memory, {index.begin(), index.end()});
    Index all = s.prefix;
    all.insert(all.end(), index.begin(), index.end());
    return element(s.outside, all);
  }
  if (v.node->is_parameter() || v.node == &scan_) throw LaneRefusal{"a value is read before it is computed"};
  const NodeLowering& rule = lowering_of(*v.node);
  if (rule.form == Form::Alias) {
    const Value from = v.node->operand(rule.aliased);
    return element(from, aliased_index(c_, v.type(), from.type(), index));
  }
  if (rule.elements.empty()) throw LaneRefusal{fmt::format("{} is no element of its operands", v.node->op->name)};
  return rule.elements[0](index);
}

// Statements.

const Buffer* LaneLoop::new_kept(const char* name, Value v) {
  if (ir::is_half_float(v.dtype())) throw LaneRefusal{"half floats round in memory"};
  if (!axes_.has(v.type())) throw LaneRefusal{fmt::format("{} in a step lacks the lanes", v.type().str())};
  std::vector<Dim> shape(axes_.between(v.type()).begin(), axes_.between(v.type()).end());
  int64_t elements = 1;
  for (Dim d : shape) {
    if (!d.is_constant()) throw LaneRefusal{fmt::format("the extents of {} are no numbers", v.type().str())};
    elements *= d.constant();
  }
  if (elements == 0) throw LaneRefusal{"a value without elements"};
  kept_ += elements;
  const int64_t most = axes_.lane ? kMostKept : kMostOfPoint;
  if (kept_ > most)
    throw LaneRefusal{fmt::format("a {} keeps more than {} elements", axes_.lane ? "lane" : "point", most)};
  if (shape.empty()) shape = {Dim(1)};
  return c_.buffer({fmt::format("{}{}", name, names_++), v.dtype(), std::move(shape), BufferKind::Scratch});
}

Stmts LaneLoop::over_between(Type t, const std::function<Stmts(std::span<const Expr>)>& body) {
  std::vector<Expr> extents;
  for (Dim d : axes_.between(t)) extents.push_back(c_.dim(d));
  if (extents.empty()) return {make_block(body({}))};
  return ops::loop_nest(c_, extents, LoopKind::Serial, body);
}

void LaneLoop::keep_copy(Value v, Stmts& body) {
  const Buffer* kept = new_kept("k", v);
  body.push_back(make_alloc(kept));
  append(body, over_between(v.type(), [&](std::span<const Expr> between) -> Stmts {
           const Index index = full_index(between);
           const Expr value = element(v, index);
           return {make_store(kept, within(kept, index), value)};
         }));
  sources_[key(v)] = {.kept = kept};
}

Expr LaneLoop::chain(const Node& node, std::span<const Expr> index, Stmts& body) {
  const NodeLowering& rule = lowering_of(node);
  const auto all = [](std::span<const Expr> a, std::span<const Expr> b, std::span<const Expr> d) {
    Index joined(a.begin(), a.end());
    joined.insert(joined.end(), b.begin(), b.end());
    joined.insert(joined.end(), d.begin(), d.end());
    return joined;
  };
  if (rule.fold) {
    const ir::ReductionForm& fold = *rule.fold;
    if (fold.is_last_axis_reduced) throw LaneRefusal{"a reduction along the lanes"};
    const Local* total = c_.local("acc", {fold.identity->type.dtype, 1}, true);
    body.push_back(make_declare(total, fold.identity));
    append(body, ops::chain_nest(c_, fold.reduced, {}, kJoinBlock, total, [&](std::span<const Expr> r) -> Stmts {
             return {make_assign(total, fold.combine(c_.read(total), fold.term(all(index, r, {}))))};
           }));
    return fold.finish ? fold.finish(c_.read(total)) : c_.read(total);
  }
  const ir::ContractionForm& product = *rule.product;
  if (product.window_axes > 0 || product.block_terms > 0) throw LaneRefusal{"a product of another form"};
  Index parts;
  for (const size_t place : places_of(product, c_)) parts.push_back(index[place]);
  const size_t batch = product.batch.size(), rows = product.rows.size();
  const std::span<const Expr> all_parts(parts);
  const auto b = all_parts.subspan(0, batch), row = all_parts.subspan(batch, rows),
             column = all_parts.subspan(batch + rows);
  const DType dtype = ops::sum_dtype(node.operand(0).type(), node.type().dtype());
  if (!ir::is_float(dtype)) throw LaneRefusal{"a product of integers"};
  const Local* acc = c_.local("acc", {dtype, 1}, true);
  body.push_back(make_declare(acc, c_.constant(dtype, 0)));
  append(body, ops::chain_nest(c_, product.depth, {}, kJoinBlock, acc, [&](std::span<const Expr> k) -> Stmts {
           const Expr lhs = product.lhs(all(b, row, k)), rhs = product.rhs(all(b, column, k));
           return {make_assign(acc, c_.fma(lhs, rhs, c_.read(acc), product.fma))};
         }));
  return product.finish ? product.finish(c_.read(acc)) : c_.read(acc);
}

Stmts LaneLoop::stores_of(Value v, const Place& place) {
  return over_between(v.type(), [&](std::span<const Expr> between) {
    const Index index = full_index(between);
    Stmts body;
    const bool is_made_here = !sources_.contains(key(v)) && !v.node->is_parameter();
    const LanePlan::InlinedProduct product = is_made_here ? plan_.product_in(v.node) : LanePlan::InlinedProduct{};
    if (product.node) {
      Index own;
      for (const size_t place : product.places) own.push_back(index[place]);
      hero_value_ = chain(*product.node, own, body);
      hero_index_ = own;
      hero_ = product.node;
    }
    const bool is_chain = is_made_here && (lowering_of(*v.node).fold || lowering_of(*v.node).product);
    const Expr value = is_chain ? chain(*v.node, index, body) : element(v, index);
    hero_ = nullptr;
    const auto [to, at] = place(index);
    body.push_back(make_store(to, at, value));
    return body;
  });
}

Stmts LaneLoop::stage_with_fold(const Node& node, const Node& reader) {
  const Buffer *kept = new_kept("v", node.result()), *number = new_kept("v", reader.result());
  const ir::ReductionForm& fold = *lowering_of(reader).fold;
  if (fold.is_last_axis_reduced) throw LaneRefusal{"a reduction along the lanes"};
  const Local* total = c_.local("acc", {fold.identity->type.dtype, 1}, true);
  Stmts inner{make_declare(total, fold.identity)};
  append(inner, ops::chain_nest(c_, fold.reduced, {}, kJoinBlock, total, [&](std::span<const Expr> r) -> Stmts {
           const Index index = full_index(r);
           const Local* one = c_.local("x", {node.type().dtype(), 1}, false);
           const Expr value = element(node.result(), index);
           hero_ = &node, hero_index_ = index, hero_value_ = c_.read(one);
           Index at = full_index({});
           at.insert(at.end(), r.begin(), r.end());
           const Expr term = fold.term(at);
           hero_ = nullptr;
           return {make_declare(one, value), make_store(kept, within(kept, index), c_.read(one)),
                   make_assign(total, fold.combine(c_.read(total), term))};
         }));
  const Expr value = fold.finish ? fold.finish(c_.read(total)) : c_.read(total);
  inner.push_back(make_store(number, {c_.i64(0)}, value));
  sources_[key(node.result())] = {.kept = kept};
  sources_[key(reader.result())] = {.kept = number};
  return {make_alloc(kept), make_alloc(number), make_block(std::move(inner))};
}

Stmts LaneLoop::stage(const Node& node) {
  if (const Node* reader = plan_.fold_over(node)) return stage_with_fold(node, *reader);
  const Buffer* kept = new_kept("v", node.result());
  Stmts body{make_alloc(kept)};
  append(body, stores_of(node.result(), in(kept)));
  sources_[key(node.result())] = {.kept = kept};
  return body;
}

LaneLoop::CarryReads LaneLoop::carries_read_by(Value v) const {
  CarryReads reads;
  std::set<std::pair<Key, bool>> seen;
  std::vector<std::pair<Value, bool>> open{{v, true}};  // and whether it is read where `v` is stored
  while (!open.empty()) {
    const auto [at, is_own] = open.back();
    open.pop_back();
    if (!seen.insert({key(at), is_own}).second) continue;
    if (at.node->is_parameter()) {
      const size_t p = std::ranges::find(region_.parameters(), at.node) - region_.parameters().begin();
      if (parts_.is_carry(p)) (is_own ? reads.own : reads.elsewhere).insert(p - parts_.constants);
      continue;
    }
    if (sources_.contains(key(at))) continue;  // computed already
    for (const Value& x : at.node->operands()) open.emplace_back(x, is_own && at.node->op->is_pointwise);
  }
  return reads;
}

/// A carry that its new value alone reads, element by element, is changed where it lies; the others get theirs when all
/// are computed.
Stmts LaneLoop::next_state() {
  const std::vector<Value>& next = plan_.next();
  std::vector<CarryReads> reads;
  for (const Value& v : next) reads.push_back(carries_read_by(v));
  Stmts body, in_place, moves;
  for (size_t i = 0; i < next.size(); ++i) {
    const Value carry = region_.parameter(parts_.constants + i);
    if (next[i] == carry) continue;
    const Buffer* to = sources_.at(key(carry)).kept;
    bool is_read = reads[i].elsewhere.contains(i);
    for (size_t j = 0; j < next.size(); ++j)
      is_read = is_read || (i != j && (reads[j].own.contains(i) || reads[j].elsewhere.contains(i)));
    if (!is_read) {
      append(in_place, stores_of(next[i], in(to)));
      continue;
    }
    const Buffer* later = new_kept("n", next[i]);
    body.push_back(make_alloc(later));
    append(body, stores_of(next[i], in(later)));
    append(moves, over_between(carry.type(), [&](std::span<const Expr> between) -> Stmts {
             const Index at = within(to, full_index(between));
             return {make_store(to, at, c_.load(later, at))};
           }));
  }
  append(body, in_place);
  append(body, moves);
  return body;
}

Stmts LaneLoop::step(Expr number) {
  const std::span<const Node* const> slices = region_.parameters().subspan(parts_.first_slice());
  for (size_t i = 0; i < slices.size(); ++i)
    sources_[{slices[i], 0}] = {.outside = scan_.operand(static_cast<int>(parts_.first_slice() + i)),
                                .prefix = {number}};
  // In front of what the step keeps, which is not there where it does not hold.
  const Index of_condition = axes_.lane ? full_index({}) : Index{};
  const Expr taken = plan_.condition() ? element(plan_.condition(), of_condition) : nullptr;
  Stmts body;
  for (const Node* p : slices)
    if (plan_.is_kept(p->result())) keep_copy(p->result(), body);
  for (const Node* n : plan_.nodes()) {
    const Value v = n->result();
    if (!plan_.is_kept(v) || plan_.is_inlined(n) || sources_.contains(key(v))) continue;
    if (!plan_.has_readers(v) && std::ranges::find(plan_.next(), v) != plan_.next().end()) continue;  // goes there
    append(body, stage(*n));
  }
  append(body, stacked(plan_.stacked(), number));
  append(body, next_state());
  if (!taken) return body;
  return {make_if(taken, std::move(body), stacked(plan_.stacked_otherwise(), number))};
}

/// The stores of slices of stacked results.
Stmts LaneLoop::stacked(const std::vector<Value>& slices, Expr number) {
  Stmts body;
  for (size_t r = 0; r < slices.size(); ++r)
    for (size_t o = 0; o < outputs_.size(); ++o)
      if (kernel_.results()[o] == scan_.result(static_cast<uint32_t>(parts_.carries + r)))
        append(body, stores_of(slices[r], [&](const Index& at) {
                 Index all{number};
                 all.insert(all.end(), at.begin(), at.end());
                 return std::pair{outputs_[o], all};
               }));
  return body;
}

Stmts LaneLoop::at_lane() {
  Stmts body;
  for (size_t i = 0; i < parts_.constants; ++i) {
    const Value p = region_.parameter(i);
    sources_[key(p)] = {.outside = scan_.operand(i)};
    if (plan_.is_kept(p)) keep_copy(p, body);
  }
  for (size_t i = 0; i < parts_.carries; ++i) {
    const Value p = region_.parameter(parts_.constants + i);
    sources_[key(p)] = {.outside = scan_.operand(parts_.constants + i)};
    keep_copy(p, body);
  }
  const LoopVar* t = c_.loop_var("t");
  const Expr length = c_.dim(parts_.length);
  const Expr at =
      parts_.is_reverse() ? c_.binary(ExprOp::Sub, c_.binary(ExprOp::Sub, length, c_.i64(1)), c_.loop(t)) : c_.loop(t);
  body.push_back(make_for(t, c_.i64(0), length, LoopKind::Serial, step(at)));
  for (size_t i = 0; i < parts_.carries; ++i)
    sources_[key(scan_.result(i))] = sources_.at(key(region_.parameter(parts_.constants + i)));
  for (size_t r = 0; r < outputs_.size(); ++r) {
    const Value v = kernel_.results()[r];
    if (v.node != &scan_ || v.index < parts_.carries) append(body, result(v, outputs_[r]));
  }
  return body;
}

/// The stores of a result of the kernel that the last state gives; it may be transposed.
Stmts LaneLoop::result(Value v, const Buffer* to) {
  std::vector<size_t> axes(v.rank());
  for (size_t a = 0; a < axes.size(); ++a) axes[a] = a;
  for (; v.node->op == &ops::kTranspose; v = v.node->operand(0)) {
    const auto perm = v.node->attrs.ints("perm");
    for (size_t& a : axes) a = static_cast<size_t>(perm[a]);
  }
  if (!axes_.has(v.type())) throw LaneRefusal{fmt::format("a result is made of {}", v.type().str())};
  return stores_of(v, [&](const Index& at) {
    Index moved;
    for (const size_t a : axes) moved.push_back(at[a]);
    return std::pair{to, moved};
  });
}

/// The loop with as many leading axes as can be; without lanes where a step mixes them.
Stmts written(const Graph& kernel, LoopContext& context, const std::vector<const Buffer*>& inputs,
              const std::vector<const Buffer*>& outputs) {
  const Node* scan = nullptr;
  for (const Node* n : kernel.nodes())
    if (n->op == &ops::kScan) scan = n;
  if (!scan) throw LaneRefusal{"it has no scan"};
  try {
    for (LaneAxes axes = widest_axes(*scan);; axes.lead.pop_back()) {
      try {
        return LaneLoop(kernel, *scan, axes, context, inputs, outputs).write();
      } catch (const LaneRefusal&) {
        if (axes.lead.empty()) throw;
      }
    }
  } catch (const LaneRefusal&) {
    try {
      const LaneAxes axes = matrix_axes(*scan);
      return LaneLoop(kernel, *scan, axes, context, inputs, outputs).write();
    } catch (const LaneRefusal&) {
      // What keeps it from having lanes is the reason that is told.
    }
    throw;
  }
}

}  // namespace

std::string lane_loop_refusal(const Graph& kernel) {
  LoopContext context;
  std::vector<Type> parameters, results;
  for (const Node* p : kernel.parameters()) parameters.push_back(p->type());
  for (const Value& v : kernel.results()) results.push_back(v.type());
  try {
    written(kernel, context, parameter_buffers(context, parameters, BufferKind::Input),
            parameter_buffers(context, results, BufferKind::Output));
  } catch (const LaneRefusal& refusal) {
    return refusal.why;
  }
  return "";
}

Stmts lane_loop(const Graph& kernel, LoopContext& context, const std::vector<const Buffer*>& inputs,
                const std::vector<const Buffer*>& outputs) {
  return written(kernel, context, inputs, outputs);
}

}  // namespace strata::compiler
