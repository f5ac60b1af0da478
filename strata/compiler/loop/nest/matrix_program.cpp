#include "strata/compiler/loop/nest/matrix_program.h"

#include <algorithm>

#include "strata/compiler/loop/nest/strip.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

bool is_zero(Expr e) { return e->op == ExprOp::Constant && ir::is_float(e->type.dtype) && e->bits == 0; }

/// Of a loop from 0 to a number.
std::optional<int64_t> length_of(const Stmt& s) {
  if (s.kind != StmtKind::For || s.step != 1 || s.block != 0 || constant_value(s.begin) != 0) return std::nullopt;
  return constant_value(s.end);
}

/// Splits `select(where, a, 0) * select(where, b, 0)`.
void take_where(MatrixProduct& p) {
  if (p.left->op != ExprOp::Select || p.right->op != ExprOp::Select) return;
  const Expr where = p.left->args[0];
  if (p.right->args[0] != where || !is_zero(p.left->args[2]) || !is_zero(p.right->args[2])) return;
  p.where = where, p.left = p.left->args[1], p.right = p.right->args[1];
}

bool is_program(std::span<const StmtPtr> body, int& products) {
  for (const StmtPtr& s : body) {
    if (s->kind == StmtKind::Alloc) {
      if (!std::ranges::all_of(s->buffer->shape, [](ir::Dim d) { return d.is_constant(); })) return false;
    } else if (read_matrix_product(*s)) {
      ++products;
    } else if (is_leaf(*s)) {
      bool has_others = false;
      const StmtPtr one[] = {s};
      for_each_stmt(one, [&](const Stmt& inner) {
        has_others = has_others || inner.kind == StmtKind::Assign || inner.mask;
        has_others = has_others || (inner.kind == StmtKind::For && inner.loop_kind != LoopKind::Serial);
      });
      if (has_others) return false;
    } else if (s->kind == StmtKind::For || s->kind == StmtKind::If || s->kind == StmtKind::Block) {
      if (s->kind == StmtKind::For && (s->loop_kind != LoopKind::Serial || s->step != 1)) return false;
      if (!is_program(s->body, products) || !is_program(s->otherwise, products)) return false;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<MatrixProduct> read_matrix_product(const Stmt& leaf) {
  const auto rows = length_of(leaf);
  if (!rows || leaf.body.size() != 1) return std::nullopt;
  const Stmt& column = *leaf.body[0];
  const auto columns = length_of(column);
  if (!columns || column.body.size() < 3) return std::nullopt;
  const std::vector<StmtPtr>& body = column.body;
  if (body[0]->kind != StmtKind::Declare || !body[0]->local->is_mutable) return std::nullopt;
  const auto terms = length_of(*body[1]);
  if (!terms || body[1]->body.size() != 1) return std::nullopt;
  const Stmt& step = *body[1]->body[0];
  MatrixProduct p{.row = &leaf,
                  .column = &column,
                  .depth = body[1].get(),
                  .rows = *rows,
                  .columns = *columns,
                  .terms = *terms,
                  .accumulator = body[0]->local,
                  .start = body[0]->value};
  if (p.start->op != ExprOp::Constant || step.kind != StmtKind::Assign || step.local != p.accumulator)
    return std::nullopt;
  if (step.value->op != ExprOp::Fma || step.value->args[2]->op != ExprOp::Read ||
      step.value->args[2]->local != p.accumulator)
    return std::nullopt;
  p.left = step.value->args[0], p.right = step.value->args[1];
  take_where(p);
  if (depends_on(p.left, column.loop)) std::swap(p.left, p.right);
  if (depends_on(p.left, column.loop) || !depends_on(p.right, column.loop) || depends_on(p.right, leaf.loop))
    return std::nullopt;
  if (p.where) {
    p.is_where_by_row = depends_on(p.where, leaf.loop);
    if (p.is_where_by_row && depends_on(p.where, column.loop)) return std::nullopt;
  }
  for (size_t i = 2; i < body.size(); ++i) {
    if (body[i]->kind != StmtKind::Store || body[i]->mask) return std::nullopt;
    p.stores.push_back(body[i]);
  }
  return p;
}

bool is_matrix_program(const Nest& nest) {
  int products = 0;
  return !nest.loops.empty() && is_program(nest.body, products) && products > 0;
}

bool is_known_at_corners(const MatrixProduct& p) {
  const LoopVar* const loops[] = {(p.is_where_by_row ? p.row : p.column)->loop, p.depth->loop};
  return p.where && holds_on_half_planes(p.where, loops);
}

}  // namespace strata::compiler
