#include "strata/compiler/loop/nest/masked_chain.h"

#include <algorithm>

namespace strata::compiler {

using namespace ir::loops;

namespace {

bool is_zero(Expr e) { return e->op == ExprOp::Constant && ir::is_float(e->type.dtype) && e->bits == 0; }

/// A whole number that grows evenly with the loops; one that is loaded may stand in it if it is the kernel's own: the
/// number of a block. It does not wrap: positions are compared in i32, of arrays that have fewer rows
/// (ops/composites/attention_blocks.h).
bool is_linear(Expr e, std::span<const LoopVar* const> loops) {
  const auto is_fixed = [&](Expr x) {
    return std::ranges::none_of(loops, [&](const LoopVar* v) { return depends_on(x, v); });
  };
  if (!ir::is_int(e->type.dtype)) return false;
  const auto is_of_memory = [](Expr n) {
    return n->op == ExprOp::Load && !(n->buffer->shape.size() == 1 && n->buffer->shape[0] == ir::Dim(1));
  };
  if (is_fixed(e)) return !any_node(e, is_of_memory);
  switch (e->op) {
    case ExprOp::Loop:
      return true;
    case ExprOp::Cast:
      return ir::dtype_bytes(e->type.dtype) >= 4 && is_linear(e->args[0], loops);
    case ExprOp::Add:
    case ExprOp::Sub:
      return is_linear(e->args[0], loops) && is_linear(e->args[1], loops);
    case ExprOp::Mul:
      return is_linear(e->args[0], loops) && is_linear(e->args[1], loops) &&
             (is_fixed(e->args[0]) || is_fixed(e->args[1]));
    default:
      return false;
  }
}

bool holds_on_half_planes(Expr e, std::span<const LoopVar* const> loops) {
  switch (e->op) {
    case ExprOp::And:
      return holds_on_half_planes(e->args[0], loops) && holds_on_half_planes(e->args[1], loops);
    case ExprOp::Lt:
    case ExprOp::Le:
    case ExprOp::Gt:
    case ExprOp::Ge:
      return is_linear(e->args[0], loops) && is_linear(e->args[1], loops);
    default:
      return false;
  }
}

}  // namespace

std::optional<MaskedChain> read_chain(std::span<const StmtPtr> stmts) {
  if (stmts.size() < 3 || stmts[0]->kind != StmtKind::Declare || !stmts[0]->local->is_mutable) return std::nullopt;
  MaskedChain chain{.accumulator = stmts[0]->local, .start = stmts[0]->value};
  if (chain.start->op != ExprOp::Constant) return std::nullopt;
  const Stmt* at = stmts[1].get();
  while (at->kind == StmtKind::For) {
    if (at->block != 0 || at->body.size() != 1) return std::nullopt;
    chain.depth.push_back(at);
    at = at->body[0].get();
  }
  if (chain.depth.empty() || at->kind != StmtKind::Assign || at->local != chain.accumulator) return std::nullopt;
  const Expr step = at->value;
  if (step->op != ExprOp::Fma || step->args[2]->op != ExprOp::Read || step->args[2]->local != chain.accumulator)
    return std::nullopt;
  chain.left = step->args[0], chain.right = step->args[1];
  for (const StmtPtr& s : stmts.subspan(2)) {
    if (s->kind != StmtKind::Store || s->mask) return std::nullopt;
    chain.stores.push_back(s);
  }
  return chain;
}

std::optional<MaskedChain> with_mask_apart(MaskedChain chain) {
  if (chain.left->op != ExprOp::Select || chain.right->op != ExprOp::Select) return std::nullopt;
  const Expr where = chain.left->args[0];
  if (chain.right->args[0] != where || !is_zero(chain.left->args[2]) || !is_zero(chain.right->args[2]))
    return std::nullopt;
  chain.where = where, chain.left = chain.left->args[1], chain.right = chain.right->args[1];
  return chain;
}

bool is_known_at_corners(const MaskedChain& chain, const LoopVar* place) {
  if (!chain.where || chain.depth.size() != 1 || !place) return false;
  const LoopVar* const loops[] = {place, chain.depth[0]->loop};
  return holds_on_half_planes(chain.where, loops);
}

}  // namespace strata::compiler
