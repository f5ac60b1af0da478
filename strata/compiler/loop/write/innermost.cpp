#include "strata/compiler/loop/write/innermost.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>

#include "strata/compiler/loop/write/vectorise.h"
#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

/// Moves what does not change along `var` in front of its loop. The back end can't: for all it knows, a store may
/// change what is loaded.
class InvariantHoister {
 public:
  InvariantHoister(LoopContext& context, const LoopVar* var, const Stmts& body)
      : c_(context), rewriter_(context, [this](Expr e) { return replace(e); }) {
    changing_loops_.insert(var);
    for_each_stmt(body, [&](const Stmt& stmt) {
      if (stmt.kind == StmtKind::For) changing_loops_.insert(stmt.loop);
      if (stmt.kind == StmtKind::Declare) changing_locals_.insert(stmt.local);
      if (stmt.kind == StmtKind::Store || stmt.kind == StmtKind::Alloc) written_.insert(stmt.buffer);
    });
  }

  /// What stands in a branch stays there: where the condition does not hold, its loads may lie outside.
  Stmts operator()(const Stmts& body) {
    Stmts made;
    for (const StmtPtr& stmt : body) {
      Stmt next = *stmt;
      if (stmt->value && stmt->kind != StmtKind::While) next.value = rewriter_(stmt->value);
      if (stmt->kind != StmtKind::If && stmt->kind != StmtKind::While) next.body = (*this)(stmt->body);
      made.push_back(std::make_shared<const Stmt>(std::move(next)));
    }
    return made;
  }
  Stmts take() { return std::move(hoisted_); }

 private:
  Expr replace(Expr e) {
    if (e->arg_count == 0 || e->type.lanes != 1 || !reads_memory(e) || changes(e)) return nullptr;
    const Local* local = c_.local("h" + std::to_string(hoisted_.size()), e->type, false);
    hoisted_.push_back(make_declare(local, e));
    return c_.read(local);
  }
  bool changes(Expr e) const {
    return any_node(e, [&](Expr node) {
      if (node->op == ExprOp::Loop) return changing_loops_.contains(node->loop);
      if (node->op == ExprOp::Read) return node->local->is_mutable || changing_locals_.contains(node->local);
      return node->op == ExprOp::Load && (node->buffer->kind != BufferKind::Input || written_.contains(node->buffer));
    });
  }

  LoopContext& c_;
  ExprRewriter rewriter_;
  std::unordered_set<const LoopVar*> changing_loops_;
  std::unordered_set<const Local*> changing_locals_;
  std::unordered_set<const Buffer*> written_;
  Stmts hoisted_;
};

}  // namespace

HoistedBody hoist_invariants(LoopContext& c, const LoopVar* var, const Stmts& body) {
  InvariantHoister hoister(c, var, body);
  Stmts inside = hoister(body);
  return {hoister.take(), std::move(inside)};
}

Stmts innermost_loop(LoopContext& c, const LoopVar* var, Expr low, Expr high, std::span<const int> widths,
                     const Stmts& body, int64_t multiple) {
  auto [made, inside] = hoist_invariants(c, var, body);
  const Stmts loops = loop_in_stages(c, var, low, high, widths, inside, multiple);
  made.insert(made.end(), loops.begin(), loops.end());
  return made;
}

Stmts unrolled_loop(LoopContext& c, const LoopVar* var, int64_t count, std::span<const int> widths, const Stmts& body) {
  Stmts made;
  for (int64_t at = 0; at < count;) {
    const auto fits = [&](int width) { return width <= count - at; };
    const auto widest = std::ranges::find_if(widths, fits);
    const int width = widest == widths.end() ? 1 : *widest;
    const auto wide = vector_body(c, body, var, c.i64(at), width);
    if (!wide) return innermost_loop(c, var, c.i64(0), c.i64(count), widths, body);
    made.insert(made.end(), wide->begin(), wide->end());
    at += width;
  }
  return made;
}

}  // namespace strata::compiler
