#include "strata/ir/loops/joined_loops.h"

#include <algorithm>
#include <bit>

#include "strata/ir/loops/rewrite.h"

namespace strata::ir::loops {

std::optional<ExprOp> join_op_of(const Stmt& assign) {
  const ExprOp root = assign.value->op;
  if (root == ExprOp::Fma || root == ExprOp::FmaFlushed || root == ExprOp::Add) return ExprOp::Add;
  return root == ExprOp::Mul ? std::optional(root) : std::nullopt;
}

std::optional<ExprOp> join_op(const Stmt& joining) {
  std::optional<ExprOp> op;
  for_each_stmt(joining.body, [&](const Stmt& stmt) {
    if (stmt.kind != StmtKind::Assign || stmt.local != joining.local) return;
    if (const auto own = join_op_of(stmt)) op = own;
  });
  return op;
}

int partial_results(std::optional<int64_t> blocks) {
  constexpr int most = 30;  // 2^30 blocks of 128 terms and more
  if (!blocks) return most;
  return std::min<int>(most, std::bit_width(static_cast<uint64_t>(std::max<int64_t>(0, *blocks - 1))));
}

using Stmts = std::vector<StmtPtr>;

Expr join_identity(LoopContext& context, ExprOp op, ScalarType type) {
  return context.broadcast(context.constant(type.dtype, op == ExprOp::Mul ? 1 : 0), type.lanes);
}

namespace {

/// Levels in locals where there are many: in memory a join takes a loop over the levels, once in so many blocks.
constexpr int kLevelsInLocals = 4;
/// Where there are no more, all are.
constexpr int kFewLevels = 8;

}  // namespace

PartialResults::PartialResults(LoopContext& context, ExprOp op, ScalarType type, int levels) : c_(context), op_(op) {
  const int in_locals = levels <= kFewLevels ? levels : kLevelsInLocals;
  for (int level = 0; level < in_locals; ++level) waiting_.push_back(c_.local("p" + std::to_string(level), type, true));
  if (levels > in_locals)
    above_ = c_.buffer({"above", type.dtype, {Dim(levels - in_locals), Dim(type.lanes)}, BufferKind::Scratch});
}

Stmts PartialResults::declare() const {
  Stmts stmts;
  for (const Local* local : waiting_) stmts.push_back(make_declare(local, join_identity(c_, op_, local->type)));
  if (above_) stmts.push_back(make_alloc(above_));
  return stmts;
}

Expr PartialResults::is_set(Expr number, Expr level) const {
  return c_.binary(ExprOp::Eq, c_.binary(ExprOp::And, c_.binary(ExprOp::ShrLogical, number, level), c_.i64(1)),
                   c_.i64(1));
}

StmtPtr PartialResults::over_levels_above(const LoopVar* level, Stmts body) const {
  return make_for(level, c_.i64(0), c_.dim(above_->shape[0]), LoopKind::Serial, std::move(body));
}

std::vector<Expr> PartialResults::place_above(Expr level) const {
  const auto lanes = static_cast<int>(above_->shape[1].constant());
  return {level, lanes == 1 ? c_.i64(0) : c_.ramp(c_.i64(0), 1, lanes)};
}

Stmts PartialResults::push(Expr number, const Local* value, Expr is_last) const {
  return push_from(0, number, value, is_last);
}

Stmts PartialResults::push_from(size_t level, Expr number, const Local* value, Expr is_last) const {
  if (level == waiting_.size()) return above_ ? push_above(number, value, is_last) : Stmts();
  const Expr is_second = is_set(number, c_.i64(static_cast<int64_t>(level)));
  const Expr both = c_.binary(op_, c_.read(waiting_[level]), c_.read(value));
  const Expr goes_up = is_last ? c_.binary(ExprOp::Or, is_second, is_last) : is_second;
  return {make_if(is_second, {make_assign(value, both)}), make_if(goes_up, push_from(level + 1, number, value, is_last),
                                                                  {make_assign(waiting_[level], c_.read(value))})};
}

/// The ones at the end of the rest of the number are the levels at which the value is a second, and the zero behind
/// them is where it waits.
Stmts PartialResults::push_above(Expr number, const Local* value, Expr is_last) const {
  const Expr one = c_.i64(1);
  const Expr rest = c_.binary(ExprOp::ShrLogical, number, c_.i64(static_cast<int64_t>(waiting_.size())));
  Expr seconds = c_.binary(ExprOp::And, rest, c_.unary(ExprOp::Not, c_.binary(ExprOp::Add, rest, one)));
  Expr waits = c_.binary(ExprOp::Add, seconds, one);
  if (is_last) {
    seconds = c_.select(is_last, rest, seconds);
    waits = c_.select(is_last, c_.i64(0), waits);
  }
  const LoopVar* loop = c_.loop_var("level");
  const Expr level = c_.loop(loop);
  const std::vector<Expr> place = place_above(level);
  const Expr both = c_.binary(op_, c_.load(above_, place), c_.read(value));
  return {over_levels_above(loop, {make_if(is_set(seconds, level), {make_assign(value, both)}),
                                   make_if(is_set(waits, level), {make_store(above_, place, c_.read(value))})})};
}

Stmts PartialResults::total(Expr count, const Local* into) const {
  Stmts stmts;
  const auto add = [&](Expr level, Expr mine) {
    const Expr below = c_.binary(ExprOp::Sub, c_.binary(ExprOp::Shl, c_.i64(1), level), c_.i64(1));
    const Expr has_lower = c_.binary(ExprOp::Ne, c_.binary(ExprOp::And, count, below), c_.i64(0));
    const Expr both = c_.binary(op_, mine, c_.read(into));
    return make_if(is_set(count, level), {make_assign(into, c_.select(has_lower, both, mine))});
  };
  for (size_t level = 0; level < waiting_.size(); ++level)
    stmts.push_back(add(c_.i64(static_cast<int64_t>(level)), c_.read(waiting_[level])));
  if (!above_) return stmts;
  const LoopVar* loop = c_.loop_var("level");
  const Expr level = c_.binary(ExprOp::Add, c_.loop(loop), c_.i64(static_cast<int64_t>(waiting_.size())));
  stmts.push_back(over_levels_above(loop, {add(level, c_.load(above_, place_above(c_.loop(loop))))}));
  return stmts;
}

namespace {

class Expansion {
 public:
  Expansion(LoopContext& context, const Stmt& joining) : c_(context), loop_(joining), sum_(joining.local) {
    const Stmt* at = &joining;
    for (int i = 0; i < joining.outer_loops + joining.inner_loops; ++i) {
      nest_.push_back(at);
      body_ = at->body;
      at = at->body.empty() ? nullptr : at->body[0].get();
    }
  }

  Stmts write() {
    const Expr one = c_.i64(1), length = c_.i64(loop_.block);
    const std::span<const Stmt* const> outer(nest_.data(), static_cast<size_t>(loop_.outer_loops)),
        inner(nest_.data() + loop_.outer_loops, static_cast<size_t>(loop_.inner_loops));
    const Expr steps = let("steps", extent(outer)), terms = let("terms", extent(inner));
    const Expr per_block = inner.empty() ? length : let("per_block", max(one, div(length, max(one, terms))));
    const Expr pieces = inner.empty() ? one : let("pieces", ceil_div(terms, length));
    const Expr blocks = let("blocks", mul(ceil_div(steps, per_block), pieces));
    const LoopVar* block = c_.loop_var("block");
    const Expr number = c_.loop(block);
    const bool is_whole = constant_value(pieces) == 1;
    const Expr first = mul(is_whole ? number : div(number, pieces), per_block),
               piece = is_whole ? c_.i64(0) : mul(c_.binary(ExprOp::FloorMod, number, pieces), length);
    Stmts chain = along(inner, piece, min(terms, add(piece, length)), body_);
    chain = along(outer, first, min(steps, add(first, per_block)), std::move(chain));
    const Expr start = c_.select(c_.binary(ExprOp::Eq, number, c_.i64(0)), c_.read(sum_),
                                 join_identity(c_, *join_op(loop_), sum_->type));
    chain.insert(chain.begin(), make_assign(sum_, start));
    const PartialResults partial(c_, *join_op(loop_), sum_->type, partial_results(constant_value(blocks)));
    const Stmts declared = partial.declare();
    made_.insert(made_.end(), declared.begin(), declared.end());
    const Stmts join = partial.push(number, sum_, c_.binary(ExprOp::Ge, number, sub(blocks, one)));
    chain.insert(chain.end(), join.begin(), join.end());
    made_.push_back(make_for(block, c_.i64(0), blocks, LoopKind::Serial, std::move(chain)));
    return std::move(made_);
  }

 private:
  Expr add(Expr a, Expr b) { return c_.binary(ExprOp::Add, a, b); }
  Expr sub(Expr a, Expr b) { return c_.binary(ExprOp::Sub, a, b); }
  Expr mul(Expr a, Expr b) { return c_.binary(ExprOp::Mul, a, b); }
  Expr div(Expr a, Expr b) { return c_.binary(ExprOp::FloorDiv, a, b); }
  Expr min(Expr a, Expr b) { return c_.binary(ExprOp::Min, a, b); }
  Expr max(Expr a, Expr b) { return c_.binary(ExprOp::Max, a, b); }
  Expr ceil_div(Expr a, Expr b) { return div(add(a, sub(b, c_.i64(1))), b); }

  Expr let(const char* name, Expr value) {
    if (value->arg_count == 0) return value;
    const Local* local = c_.local(name, {DType::i64, 1}, false);
    made_.push_back(make_declare(local, value));
    return c_.read(local);
  }

  Expr extent(std::span<const Stmt* const> loops) {
    Expr product = c_.i64(1);
    for (const Stmt* loop : loops) product = mul(product, loop->end);
    return product;
  }

  /// One loop over low..high of the flat index of `loops` around `body`.
  Stmts along(std::span<const Stmt* const> loops, Expr low, Expr high, Stmts body) {
    if (loops.empty()) return body;
    const LoopVar* own = c_.loop_var(loops.size() == 1 ? loops[0]->loop->name : "flat");
    Expr flat = c_.loop(own);
    Substitution with;
    for (size_t i = loops.size(); i-- > 0;) {
      with.loops[loops[i]->loop] = i ? c_.binary(ExprOp::FloorMod, flat, loops[i]->end) : flat;
      if (i) flat = div(flat, loops[i]->end);
    }
    return {make_for(own, low, high, LoopKind::Serial, substitute(c_, body, with))};
  }

  LoopContext& c_;
  const Stmt& loop_;
  const Local* sum_;
  std::vector<const Stmt*> nest_;
  Stmts body_, made_;
};

}  // namespace

Stmts expand_joining(LoopContext& context, std::span<const StmtPtr> stmts) {
  return map_stmts(stmts, [&](const StmtPtr& stmt) -> std::optional<Stmts> {
    if (!stmt->block) return std::nullopt;
    return Stmts{make_block(Expansion(context, *stmt).write())};
  });
}

}  // namespace strata::ir::loops
