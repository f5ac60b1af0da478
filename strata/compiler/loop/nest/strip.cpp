#include "strata/compiler/loop/nest/strip.h"

#include <algorithm>
namespace strata::compiler {

using namespace ir::loops;

namespace {

bool is_parameter(const Buffer* buffer) {
  return buffer->kind == BufferKind::Input || buffer->kind == BufferKind::Output || buffer->kind == BufferKind::InOut;
}

bool has_allowed_kinds(std::span<const StmtPtr> body) {
  bool is_allowed = true;
  for_each_stmt(body, [&](const Stmt& s) {
    switch (s.kind) {
      case StmtKind::For:
        is_allowed = is_allowed && s.loop_kind == LoopKind::Serial && s.step == 1;
        break;
      case StmtKind::Alloc:
        is_allowed = is_allowed && s.buffer->kind == BufferKind::Scratch;
        break;
      case StmtKind::Store:
        is_allowed = is_allowed && !s.mask;
        break;
      case StmtKind::Block:
      case StmtKind::If:
      case StmtKind::Declare:
      case StmtKind::Assign:
        break;
      default:
        is_allowed = false;
    }
  });
  return is_allowed;
}

/// Calls f with every access: its buffer and indices.
void for_each_access(std::span<const StmtPtr> body,
                     const std::function<void(const Buffer*, std::span<const Expr>)>& f) {
  for_each_stmt(body, [&](const Stmt& s) {
    for_each_expr(s, [&](Expr e) {
      for_each_node(e, [&](Expr node) {
        if (node->op == ExprOp::Load) f(node->buffer, {node->args, node->arg_count});
      });
    });
    if (s.kind == StmtKind::Store) f(s.buffer, s.indices);
  });
}

bool has_sums_of_products(std::span<const StmtPtr> body) {
  bool found = false;
  for_each_stmt(body,
                [&](const Stmt& s) { found = found || (s.kind == StmtKind::Assign && s.value->op == ExprOp::Fma); });
  return found;
}

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

/// What a strip goes through in order: leaves, and below loops and branches around several of them.
void collect_leaves(std::span<const StmtPtr> stmts, Strip& strip, bool& is_known) {
  for (const StmtPtr& s : stmts) {
    if (s->kind == StmtKind::Alloc) {
      int64_t elements = 1;
      for (ir::Dim d : s->buffer->shape) {
        if (!d.is_constant()) is_known = false;
        elements *= d.is_constant() ? d.constant() : 1;
      }
      strip.kept_bytes += elements * ir::dtype_bytes(s->buffer->dtype);
    } else if (s->kind == StmtKind::Declare || s->kind == StmtKind::Assign) {
      is_known = false;  // a local that lives across leaves
    } else if (is_leaf(*s)) {
      strip.leaves.push_back(s.get());
    } else {
      if (!s->otherwise.empty()) is_known = false;
      collect_leaves(s->body, strip, is_known);
    }
  }
}

}  // namespace

bool is_leaf(const Stmt& stmt) {
  if (stmt.kind == StmtKind::If || stmt.kind == StmtKind::Alloc) return false;
  // A loop over leaves is none: its steps follow each other, each by all lanes.
  if (stmt.kind == StmtKind::For && stmt.body.size() > 1 && stmt.body[0]->kind != StmtKind::Declare) return false;
  return std::ranges::all_of(stmt.body, [](const StmtPtr& s) { return is_leaf(*s); });
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

bool is_known_at_corners(const LaneProduct& product, const LoopVar* lane) {
  if (product.depth.size() != 1 || !lane) return false;
  const LoopVar* const loops[] = {lane, product.depth[0]->loop};
  return holds_on_half_planes(product.where, loops);
}

bool touches_lanes_of_parameters(std::span<const StmtPtr> stmts, const LoopVar* lane) {
  bool touches = false;
  if (!lane) return false;
  for_each_access(stmts, [&](const Buffer* buffer, std::span<const Expr> index) {
    if (is_parameter(buffer))
      touches = touches || std::ranges::any_of(index, [&](Expr e) { return depends_on(e, lane); });
  });
  return touches;
}

std::optional<LaneProduct> read_lane_product(const Stmt& leaf, const LoopVar* lane) {
  LaneProduct p;
  const Stmt* at = &leaf;
  while (at->kind == StmtKind::For) {
    p.rows.push_back(at);
    if (at->body.size() != 1 || at->body[0]->kind != StmtKind::For) break;
    at = at->body[0].get();
  }
  if (p.rows.empty()) return std::nullopt;
  const auto begin = constant_value(p.rows.back()->begin), end = constant_value(p.rows.back()->end);
  const std::vector<StmtPtr>& body = p.rows.back()->body;
  if (begin != 0 || !end || body.size() < 3 || body[0]->kind != StmtKind::Declare || !body[0]->local->is_mutable)
    return std::nullopt;
  p.extent = *end;
  p.accumulator = body[0]->local;
  p.start = body[0]->value;
  if (p.start->op != ExprOp::Constant) return std::nullopt;
  at = body[1].get();
  while (at->kind == StmtKind::For) {
    if (at->block != 0 || at->body.size() != 1) return std::nullopt;
    p.depth.push_back(at);
    at = at->body[0].get();
  }
  if (p.depth.empty() || at->kind != StmtKind::Assign || at->local != p.accumulator) return std::nullopt;
  const Expr step = at->value;
  if (step->op != ExprOp::Fma || step->args[2]->op != ExprOp::Read || step->args[2]->local != p.accumulator)
    return std::nullopt;
  const auto differs = [&](Expr e) {
    return any_node(e, [&](Expr n) {
      return (n->op == ExprOp::Load && n->buffer->kind == BufferKind::Scratch) ||
             (n->op == ExprOp::Loop && n->loop == lane);
    });
  };
  p.row = step->args[0], p.column = step->args[1];
  const Expr where = p.row->op == ExprOp::Select ? p.row->args[0] : nullptr;
  if (where && differs(where) && is_zero(p.row->args[2]) && p.column->op == ExprOp::Select &&
      p.column->args[0] == where && is_zero(p.column->args[2])) {
    p.where = where, p.row = p.row->args[1], p.column = p.column->args[1];
    if (depends_on(where, p.rows.back()->loop)) return std::nullopt;
  }
  if (differs(p.row)) std::swap(p.row, p.column);
  if (differs(p.row) || !differs(p.column) || depends_on(p.column, p.rows.back()->loop)) return std::nullopt;
  for (size_t i = 2; i < body.size(); ++i) {
    if (body[i]->kind != StmtKind::Store || body[i]->buffer->kind != BufferKind::Scratch) return std::nullopt;
    p.stores.push_back(body[i]);
  }
  // Whole vectors of lanes are computed, those behind the last one, too.
  std::vector<StmtPtr> by_lane{make_assign(p.accumulator, p.column)};
  if (p.where) by_lane.push_back(make_assign(p.accumulator, p.where));
  if (touches_lanes_of_parameters(by_lane, lane) || touches_lanes_of_parameters(p.stores, lane)) return std::nullopt;
  return p;
}

std::optional<Strip> read_strip(const Nest& nest) {
  Strip strip;
  if (nest.loops.empty() || !has_allowed_kinds(nest.body)) return std::nullopt;
  bool is_known = true;
  for_each_access(nest.body, [&](const Buffer* buffer, std::span<const Expr> index) {
    if (is_parameter(buffer)) return;
    for (Expr e : index)
      for (const NestLoop& loop : nest.loops) is_known = is_known && !depends_on(e, loop.var);
  });
  collect_leaves(nest.body, strip, is_known);
  if (!is_known || strip.kept_bytes == 0) return std::nullopt;
  const auto find_products = [&](const LoopVar* lane) {
    for (const Stmt* leaf : strip.leaves)
      if (auto product = read_lane_product(*leaf, lane)) strip.products.push_back(std::move(*product));
    return !strip.products.empty();
  };
  if (find_products(nest.loops.back().var)) {
    strip.lane = nest.loops.back();
  } else if (!find_products(nullptr)) {
    if (!has_sums_of_products(nest.body)) return std::nullopt;
    strip.lane = nest.loops.back();  // of products that are no tile of rows: a block of one key
  }
  return strip;
}

}  // namespace strata::compiler
