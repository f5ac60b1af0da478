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

bool Strip::has_masks() const {
  return std::ranges::any_of(products, [](const LaneProduct& p) { return p.chain.where != nullptr; });
}

bool is_leaf(const Stmt& stmt) {
  if (stmt.kind == StmtKind::If || stmt.kind == StmtKind::Alloc) return false;
  // A loop over leaves is none: its steps follow each other, each by all lanes.
  if (stmt.kind == StmtKind::For && stmt.body.size() > 1 && stmt.body[0]->kind != StmtKind::Declare) return false;
  return std::ranges::all_of(stmt.body, [](const StmtPtr& s) { return is_leaf(*s); });
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
  const Stmt& row = *p.rows.back();
  const auto end = constant_value(row.end);
  const auto chain = read_chain(row.body);
  if (constant_value(row.begin) != 0 || !end || !chain) return std::nullopt;
  p.extent = *end;
  p.chain = *chain;
  const auto differs = [&](Expr e) {
    return any_node(e, [&](Expr n) {
      return (n->op == ExprOp::Load && n->buffer->kind == BufferKind::Scratch) ||
             (n->op == ExprOp::Loop && n->loop == lane);
    });
  };
  MaskedChain& k = p.chain;
  if (const auto masked = with_mask_apart(k); masked && differs(masked->where)) {
    k = *masked;
    if (depends_on(k.where, row.loop)) return std::nullopt;
  }
  if (differs(k.left)) std::swap(k.left, k.right);
  if (differs(k.left) || !differs(k.right) || depends_on(k.right, row.loop)) return std::nullopt;
  for (const StmtPtr& s : k.stores)
    if (s->buffer->kind != BufferKind::Scratch) return std::nullopt;
  // Whole vectors of lanes are computed, those behind the last one, too.
  std::vector<StmtPtr> by_lane{make_assign(k.accumulator, k.right)};
  if (k.where) by_lane.push_back(make_assign(k.accumulator, k.where));
  if (touches_lanes_of_parameters(by_lane, lane) || touches_lanes_of_parameters(k.stores, lane)) return std::nullopt;
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
