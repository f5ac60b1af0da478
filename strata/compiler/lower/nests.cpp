#include "strata/compiler/lower/nests.h"

#include <algorithm>

#include "strata/compiler/lower/aliased_index.h"
#include "strata/compiler/lower/one_term.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ops/reduce/fold.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

std::vector<Expr> joined(std::span<const Expr> a, std::span<const Expr> b) {
  std::vector<Expr> both(a.begin(), a.end());
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

/// 32 lanes of the terms low..high, row by row, and a tree: total = combine(total, their value).
class LaneFold {
 public:
  LaneFold(LoopContext& context, const ir::ReductionForm& form, std::span<const Expr> kept, const Local* total)
      : c_(context),
        form_(form),
        kept_(kept),
        total_(total),
        dtype_(form.identity->type.dtype),
        extent_(c_.dim(ir::product(form.reduced))),
        width_(c_.i64(kReductionLanes)),
        lanes_(c_.buffer({"lanes", dtype_, {Dim(kReductionLanes)}, BufferKind::Register})),
        l_(c_.loop_var("l")),
        lane_(c_.loop(l_)) {}

  /// Of the whole rows first..last and, if it is the last block, the rest behind them.
  Stmts block(Expr first, Expr last, Expr is_last) {
    Stmts body = {make_alloc(lanes_), over_lanes(form_.identity)};
    const LoopVar* row = c_.loop_var("rb");
    const Expr index = c_.binary(ExprOp::Add, c_.binary(ExprOp::Mul, c_.loop(row), width_), lane_);
    body.push_back(make_for(row, first, last, LoopKind::Serial, {over_lanes(form_.combine(at_lane(), term(index)))}));
    const Expr rest = c_.binary(ExprOp::FloorMod, extent_, width_);
    if (constant_value(rest) != 0) {
      const Expr count = is_last ? c_.select(is_last, rest, c_.i64(0)) : rest;
      const Stmts tail = rest_of_rows(c_.binary(ExprOp::FloorDiv, extent_, width_), count);
      body.insert(body.end(), tail.begin(), tail.end());
    }
    for (int64_t s = kReductionLanes / 2; s >= 1; s /= 2)
      body.push_back(make_for(
          l_, c_.i64(0), c_.i64(s), s >= 4 ? LoopKind::Vector : LoopKind::Unrolled,
          {make_store(lanes_, {lane_},
                      form_.combine(at_lane(), c_.load(lanes_, {c_.binary(ExprOp::Add, lane_, c_.i64(s))})))}));
    body.push_back(make_assign(total_, form_.combine(c_.read(total_), c_.load(lanes_, {c_.i64(0)}))));
    return body;
  }

 private:
  Expr term(Expr r) { return form_.term(joined(kept_, unflatten(c_, r, form_.reduced))); }
  Expr at_lane() { return c_.load(lanes_, {lane_}); }
  StmtPtr over_lanes(Expr value) {
    return make_for(l_, c_.i64(0), width_, LoopKind::Vector, {make_store(lanes_, {lane_}, value)});
  }

  /// Padding with the identity changes no lane: combine(x, identity) is x for every x that a lane can hold.
  Stmts rest_of_rows(Expr rows, Expr rest) {
    const Buffer* tail = c_.buffer({"tail", dtype_, {Dim(kReductionLanes)}, BufferKind::Scratch});
    const LoopVar* t = c_.loop_var("t");
    const Expr start = c_.binary(ExprOp::Mul, rows, width_);
    return {make_alloc(tail),
            make_for(l_, c_.i64(0), width_, LoopKind::Vector, {make_store(tail, {lane_}, form_.identity)}),
            make_for(t, c_.i64(0), rest, LoopKind::Vector,
                     {make_store(tail, {c_.loop(t)}, term(c_.binary(ExprOp::Add, start, c_.loop(t))))}),
            over_lanes(form_.combine(at_lane(), c_.load(tail, {lane_})))};
  }

  LoopContext& c_;
  const ir::ReductionForm& form_;
  std::span<const Expr> kept_;
  const Local* total_;
  DType dtype_;
  Expr extent_, width_;
  const Buffer* lanes_;
  const LoopVar* l_;
  Expr lane_;
};

/// 32 lanes and a tree for each block, at one result index.
Stmts fold_in_lanes(LoopContext& c, const ir::ReductionForm& form, std::span<const Expr> kept, const Local*& total) {
  total = c.local("total", {form.identity->type.dtype, 1}, true);
  const Dim extent = ir::product(form.reduced);
  const Expr rows = c.binary(ExprOp::FloorDiv, c.dim(extent), c.i64(kReductionLanes));
  LaneFold fold(c, form, kept, total);
  Stmts body = {make_declare(total, form.identity)};
  if (extent.is_constant() && extent.constant() <= kReductionLanes * kSumBlock) {
    const Stmts whole = fold.block(c.i64(0), rows, nullptr);
    body.insert(body.end(), whole.begin(), whole.end());
    return body;
  }
  const LoopVar* b = c.loop_var("b");
  const Expr blocks = c.dim(ir::ceil_div(extent, Dim(kReductionLanes * kSumBlock)));
  const Expr first = c.binary(ExprOp::Mul, c.loop(b), c.i64(kSumBlock));
  const Expr last = c.binary(ExprOp::Min, rows, c.binary(ExprOp::Add, first, c.i64(kSumBlock)));
  const Expr is_last = c.binary(ExprOp::Eq, c.loop(b), c.binary(ExprOp::Sub, blocks, c.i64(1)));
  const StmtPtr loop = make_for(b, c.i64(0), blocks, LoopKind::Serial, fold.block(first, last, is_last));
  const StmtPtr joining = make_joining(loop, total, 1, 1, 0);
  body.push_back(ir::is_float(total->type.dtype) && join_op(*joining) ? joining : loop);
  return body;
}

/// Ascending chains, joined by blocks, at one result index.
Stmts fold_in_chain(LoopContext& c, const ir::ReductionForm& form, std::span<const Expr> kept, const Local*& total) {
  total = c.local("acc", {form.identity->type.dtype, 1}, true);
  Stmts body = {make_declare(total, form.identity)};
  const Stmts chain =
      ops::chain_nest(c, form.reduced, {}, ir::loops::kJoinBlock, total, [&](std::span<const Expr> r) -> Stmts {
        return {make_assign(total, form.combine(c.read(total), form.term(joined(kept, r))))};
      });
  body.insert(body.end(), chain.begin(), chain.end());
  return body;
}

/// The same of several folds: block by block, each sum for itself, so that their order is that of one alone.
Stmts fold_in_chains(LoopContext& c, std::span<const ir::ReductionForm* const> forms, std::span<const Expr> kept,
                     std::vector<const Local*>& totals) {
  const std::vector<Dim>& reduced = forms[0]->reduced;
  const Dim terms = ir::product(reduced);
  const bool is_one_block = terms.is_constant() && terms.constant() <= kJoinBlock;
  const LoopVar *r = c.loop_var("r"), *b = c.loop_var("block");
  const std::vector<Expr> at = joined(kept, unflatten(c, c.loop(r), reduced));
  const Expr block = c.loop(b), length = c.i64(kJoinBlock), blocks = c.dim(ir::ceil_div(terms, Dim(kJoinBlock)));
  const Expr first = is_one_block ? c.i64(0) : c.binary(ExprOp::Mul, block, length);
  const Expr last =
      is_one_block ? c.dim(terms) : c.binary(ExprOp::Min, c.dim(terms), c.binary(ExprOp::Add, first, length));
  const Expr is_first = c.binary(ExprOp::Eq, block, c.i64(0)),
             is_last = c.binary(ExprOp::Ge, block, c.binary(ExprOp::Sub, blocks, c.i64(1)));
  Stmts around, starts, steps, joins;
  for (const ir::ReductionForm* form : forms) {
    const ScalarType type{form->identity->type.dtype, 1};
    const Local* total = c.local("acc" + std::to_string(totals.size()), type, true);
    totals.push_back(total);
    around.push_back(make_declare(total, form->identity));
    const StmtPtr step = make_assign(total, form->combine(c.read(total), form->term(at)));
    steps.push_back(step);
    const auto op = join_op_of(*step);
    if (is_one_block || !op || !is_float(type.dtype)) continue;
    starts.push_back(make_assign(total, c.select(is_first, c.read(total), join_identity(c, *op, type))));
    const auto count = terms.is_constant() ? constant_value(blocks) : std::nullopt;
    const PartialResults partial(c, *op, type, partial_results(count));
    const Stmts declared = partial.declare(), join = partial.push(block, total, is_last);
    around.insert(around.end(), declared.begin(), declared.end());
    joins.insert(joins.end(), join.begin(), join.end());
  }
  Stmts chain = std::move(starts);
  chain.push_back(make_for(r, first, last, LoopKind::Serial, std::move(steps)));
  chain.insert(chain.end(), joins.begin(), joins.end());
  if (is_one_block)
    around.insert(around.end(), chain.begin(), chain.end());
  else
    around.push_back(make_for(b, c.i64(0), blocks, LoopKind::Serial, std::move(chain)));
  return around;
}

}  // namespace

Stmts fold_at(LoopContext& c, const ir::ReductionForm& form, std::span<const Expr> kept, Expr& value) {
  Stmts body;
  value = fold_of_one_term(c, form, kept);
  if (!value) {
    const Local* total = nullptr;
    body = form.is_last_axis_reduced ? fold_in_lanes(c, form, kept, total) : fold_in_chain(c, form, kept, total);
    value = c.read(total);
  }
  if (form.finish) value = form.finish(value);
  return body;
}

Stmts reduction_nest(LoopContext& c, std::span<const ir::ReductionForm* const> forms, const StoreBody& store) {
  const ir::ReductionForm& first = *forms[0];
  return ops::independent_nest(c, first.kept, [&](std::span<const Expr> kept) {
    Stmts body;
    std::vector<Expr> values(forms.size(), nullptr);
    if (forms.size() == 1) {
      body = fold_at(c, first, kept, values[0]);
    } else {
      std::vector<const Local*> totals;
      body = fold_in_chains(c, forms, kept, totals);
      for (size_t i = 0; i < forms.size(); ++i)
        values[i] = forms[i]->finish ? forms[i]->finish(c.read(totals[i])) : c.read(totals[i]);
    }
    const Stmts stores = store(kept, values);
    body.insert(body.end(), stores.begin(), stores.end());
    return body;
  });
}

std::optional<std::vector<size_t>> result_places(const ir::ContractionForm& product, LoopContext& c) {
  std::vector<Expr> parts;
  while (parts.size() < product.batch.size() + product.rows.size() + product.columns.size())
    parts.push_back(c.loop(c.loop_var("p")));
  const std::vector<Expr> placed = product.result_index(parts);
  std::vector<size_t> places;
  for (const Expr part : parts) {
    const auto at = std::ranges::find(placed, part);
    if (at == placed.end()) return std::nullopt;
    places.push_back(static_cast<size_t>(at - placed.begin()));
  }
  return places;
}

Stmts contraction_at(LoopContext& c, const ir::ContractionForm& form, DType dtype, std::span<const Expr> index,
                     const StoreBody& store) {
  const size_t batch = form.batch.size(), rows = form.rows.size();
  const std::span<const Expr> b = index.subspan(0, batch), row = index.subspan(batch, rows),
                              column = index.subspan(batch + rows);
  const Local* acc = c.local("acc", {dtype, 1}, true);
  Stmts body = {make_declare(acc, c.constant(dtype, 0))};
  const std::span<const Dim> all(form.depth);
  const size_t outer = all.size() - form.window_axes;
  const auto step = [&](std::span<const Expr> k) -> Stmts {
    if (form.block_terms) return ops::block_step(c, form, joined(joined(b, row), k), joined(joined(b, column), k), acc);
    const Expr lhs = form.lhs(joined(joined(b, row), k)), rhs = form.rhs(joined(joined(b, column), k));
    const Expr next = is_float(dtype) ? c.fma(lhs, rhs, c.read(acc), form.fma)
                                      : c.binary(ExprOp::Add, c.binary(ExprOp::Mul, lhs, rhs), c.read(acc));
    return {make_assign(acc, next)};
  };
  const Stmts depth = ops::chain_nest(c, all.subspan(0, outer), all.subspan(outer), ir::loops::kJoinBlock, acc, step);
  body.insert(body.end(), depth.begin(), depth.end());
  const Expr value = form.finish ? form.finish(c.read(acc)) : c.read(acc);
  const Stmts stores = store(form.result_index(index), {&value, 1});
  body.insert(body.end(), stores.begin(), stores.end());
  return body;
}

Stmts contraction_nest(LoopContext& c, const ir::ContractionForm& form, DType dtype, const StoreBody& store) {
  std::vector<Dim> extents = form.batch;
  extents.insert(extents.end(), form.rows.begin(), form.rows.end());
  extents.insert(extents.end(), form.columns.begin(), form.columns.end());
  return ops::independent_nest(
      c, extents, [&](std::span<const Expr> index) { return contraction_at(c, form, dtype, index, store); });
}

}  // namespace strata::compiler
