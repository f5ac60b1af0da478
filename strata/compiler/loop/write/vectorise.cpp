#include "strata/compiler/loop/write/vectorise.h"

#include <algorithm>

#include "strata/compiler/loop/nest/access.h"
#include "strata/ir/loops/legality.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

/// What stops a body from having a vector form. Thrown and caught in this file only.
struct NotPossible {};

class Vectoriser {
 public:
  Vectoriser(LoopContext& context, const LoopVar* var, Expr first, int lanes)
      : c_(context),
        lanes_(lanes),
        rewriter_(context, [this, var](Expr e) { return replace(e, var); }),
        ramp_(context.ramp(first, 1, lanes)) {}

  Stmts block(std::span<const StmtPtr> stmts) {
    Stmts made;
    for (const StmtPtr& stmt : stmts) made.push_back(statement(*stmt));
    return made;
  }

 private:
  Expr replace(Expr e, const LoopVar* var) {
    if (group_of(e->op)) throw NotPossible{};
    if (e->op == ExprOp::Interleave) return interleaved(e);
    if (e->op == ExprOp::Ramp) return ramp_of_ramps(e);
    if (e->op == ExprOp::Loop) {
      if (e->loop == var) return ramp_;
      if (auto found = loops_.find(e->loop); found != loops_.end()) return c_.loop(found->second);
    }
    if (e->op == ExprOp::Read)
      if (auto found = locals_.find(e->local); found != locals_.end()) return c_.read(found->second);
    if (e->op == ExprOp::Load)
      if (auto found = buffers_.find(e->buffer); found != buffers_.end())
        return c_.load(found->second, in_lanes({e->args, static_cast<size_t>(e->arg_count)}));
    return nullptr;
  }

  /// Where the values of all lanes lie that has_lane_axis() has one of.
  std::vector<Expr> in_lanes(std::span<const Expr> place) {
    std::vector<Expr> at;
    for (Expr index : place.first(place.size() - 1)) at.push_back(scalar(index));
    if (constant_value(place.back()) != 0) throw NotPossible{};
    at.push_back(c_.ramp(c_.i64(0), 1, lanes_));
    return at;
  }

  /// Several lanes of each iteration, one iteration after the other.
  Expr interleaved(Expr e) {
    const auto of = [&](Expr arg) {
      const Expr made = rewriter_(arg);
      if (made->type.lanes == arg->type.lanes * lanes_) return made;
      if (made->type.lanes != 1) throw NotPossible{};
      return c_.broadcast(made, lanes_);
    };
    const Expr a = of(e->args[0]);
    return c_.interleave(a, of(e->args[1]));
  }
  /// Neighbouring iterations have neighbouring groups of elements: one longer run.
  Expr ramp_of_ramps(Expr e) {
    const Expr base = rewriter_(e->args[0]);
    if (base->type.lanes == 1) return nullptr;
    const auto step = static_cast<int64_t>(e->args[1]->bits);
    if (base->op != ExprOp::Ramp || static_cast<int64_t>(base->args[1]->bits) != step * e->type.lanes)
      throw NotPossible{};
    return c_.ramp(base->args[0], step, e->type.lanes * lanes_);
  }

  Expr scalar(Expr e) {
    const Expr made = rewriter_(e);
    if (made->type.lanes != 1) throw NotPossible{};
    return made;
  }
  Expr wide(Expr e) {
    const Expr made = rewriter_(e);
    return made->type.lanes == 1 ? c_.broadcast(made, lanes_) : made;
  }

  StmtPtr statement(const Stmt& stmt) {
    switch (stmt.kind) {
      case StmtKind::Block:
        return make_block(block(stmt.body));
      case StmtKind::For: {
        if (stmt.loop_kind == LoopKind::Parallel) throw NotPossible{};
        const Expr begin = scalar(stmt.begin), end = scalar(stmt.end);
        const LoopVar* own = c_.loop_var(stmt.loop->name);
        loops_[stmt.loop] = own;
        return make_for(own, begin, end, stmt.loop_kind, block(stmt.body), stmt.step);
      }
      case StmtKind::If:
        return branch(stmt);
      case StmtKind::Declare: {
        const Expr value = stmt.local->is_mutable ? wide(stmt.value) : rewriter_(stmt.value);
        const Local* own = c_.local(stmt.local->name, value->type, stmt.local->is_mutable);
        locals_[stmt.local] = own;
        return make_declare(own, value);
      }
      case StmtKind::Assign: {
        const auto own = locals_.find(stmt.local);
        if (own == locals_.end()) throw NotPossible{};
        const Expr value = wide(stmt.value);
        return make_assign(own->second, mask_ ? c_.select(mask_, value, c_.read(own->second)) : value);
      }
      case StmtKind::Store:
        return store(stmt);
      case StmtKind::Alloc: {
        if (!has_lane_axis(*stmt.buffer)) throw NotPossible{};
        Buffer own = *stmt.buffer;
        own.shape.back() = ir::Dim(lanes_);
        return make_alloc(buffers_[stmt.buffer] = c_.buffer(std::move(own)));
      }
      case StmtKind::While:
      case StmtKind::Prefetch:
      case StmtKind::Check:
      case StmtKind::Barrier:
        break;
    }
    throw NotPossible{};
  }

  /// A condition that all lanes share stays a branch. Else every lane goes through both sides, and a mask says which of
  /// them change anything; that needs sides which may be gone through without harm.
  StmtPtr branch(const Stmt& stmt) {
    const Expr condition = rewriter_(stmt.value);
    if (condition->type.lanes == 1) {
      Stmts then = block(stmt.body);
      return make_if(condition, std::move(then), block(stmt.otherwise));
    }
    if (!is_harmless(stmt.body) || !is_harmless(stmt.otherwise)) throw NotPossible{};
    // In a local: the sides may assign to what the condition reads.
    const Local* taken = c_.local("taken", condition->type, false);
    Stmts made{make_declare(taken, condition)};
    const Expr outer = mask_;
    const auto side = [&](const Stmts& stmts, Expr mask) {
      if (stmts.empty()) return;
      mask_ = outer ? c_.binary(ExprOp::And, outer, mask) : mask;
      const Stmts all = block(stmts);
      made.insert(made.end(), all.begin(), all.end());
      mask_ = outer;
    };
    side(stmt.body, c_.read(taken));
    side(stmt.otherwise, c_.unary(ExprOp::Not, c_.read(taken)));
    return make_block(std::move(made));
  }

  /// Assignments and stores of values that read no memory: what a load's index is where the condition does not hold is
  /// unknown.
  static bool is_harmless(const Stmts& stmts) {
    return std::ranges::all_of(stmts, [](const StmtPtr& stmt) {
      const bool has_kind = stmt->kind == StmtKind::Declare || stmt->kind == StmtKind::Assign ||
                            stmt->kind == StmtKind::Store || stmt->kind == StmtKind::If;
      bool reads = false;
      for_each_expr(*stmt, [&](Expr e) { reads = reads || reads_memory(e); });
      return has_kind && !reads && is_harmless(stmt->body) && is_harmless(stmt->otherwise);
    });
  }

  StmtPtr store(const Stmt& stmt) {
    if (const auto own = buffers_.find(stmt.buffer); own != buffers_.end()) {
      if (stmt.mask) throw NotPossible{};
      return make_store(own->second, in_lanes(stmt.indices), wide(stmt.value), mask_);
    }
    std::vector<Expr> at;
    int lanes = 1;
    for (Expr index : stmt.indices) {
      at.push_back(rewriter_(index));
      lanes = std::max<int>(lanes, at.back()->type.lanes);
    }
    const int each = stmt.value->type.lanes;
    const Expr value = rewriter_(stmt.value);
    if (lanes != each * lanes_ || (each > 1 && (value->type.lanes != lanes || stmt.mask || mask_))) throw NotPossible{};
    Expr mask = stmt.mask ? rewriter_(stmt.mask) : nullptr;
    if (mask_) mask = mask ? c_.binary(ExprOp::And, mask_, mask) : mask_;
    return make_store(stmt.buffer, std::move(at), value, mask);
  }

  LoopContext& c_;
  int lanes_;
  ExprRewriter rewriter_;
  Expr ramp_;
  Expr mask_ = nullptr;  ///< of the lanes that the branches around take; null: all
  std::unordered_map<const LoopVar*, const LoopVar*> loops_;
  std::unordered_map<const Local*, const Local*> locals_;
  std::unordered_map<const Buffer*, const Buffer*> buffers_;  ///< those with a lane axis
};

}  // namespace

std::optional<Stmts> vector_body(LoopContext& context, std::span<const StmtPtr> body, const LoopVar* var, Expr first,
                                 int lanes) {
  try {
    return Vectoriser(context, var, first, lanes).block(body);
  } catch (const NotPossible&) {
    return std::nullopt;
  }
}

std::vector<int> halved_widths(int lanes) {
  std::vector<int> widths{lanes};
  for (int width = lanes / 2; width >= 4; width /= 2) widths.push_back(width);
  if (lanes > 1) widths.push_back(1);
  return widths;
}

Stmts loop_in_stages(LoopContext& c, const LoopVar* var, Expr low, Expr high, std::span<const int> widths,
                     const Stmts& body, int64_t multiple) {
  Stmts stages;
  for (const int lanes : widths) {
    const LoopVar* own = c.loop_var(var->name);
    std::optional<Stmts> wide;
    if (lanes > 1) {
      wide = vector_body(c, body, var, c.loop(own), lanes);
      if (!wide) continue;
    } else {
      Substitution with;
      with.loops[var] = c.loop(own);
      wide = copy_fresh(c, body, std::move(with));
    }
    const Expr width = c.i64(lanes), length = c.binary(ExprOp::Sub, high, low);
    // floordiv of a power of two: one shift.
    const Expr whole = c.binary(ExprOp::Mul, c.binary(ExprOp::FloorDiv, length, width), width);
    const Expr end = lanes == 1 ? high : c.binary(ExprOp::Add, low, whole);
    const bool is_empty = constant_value(c.binary(ExprOp::Sub, end, low)).value_or(1) <= 0;
    if (!is_empty) stages.push_back(make_for(own, low, end, LoopKind::Serial, std::move(*wide), lanes));
    if (multiple % lanes == 0) break;
    low = end;
  }
  return stages;
}

}  // namespace strata::compiler
