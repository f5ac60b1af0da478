#include "strata/ir/loops/rewrite.h"

#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/loops/fold.h"

namespace strata::ir::loops {

Expr rebuild(LoopContext& context, Expr node, std::span<const Expr> args) {
  switch (node->op) {
    case ExprOp::Constant:
      return context.broadcast(context.constant_bits(node->type.dtype, node->bits), node->type.lanes);
    case ExprOp::DimSymbol:
      return context.dim(Dim::symbol(node->symbol));
    case ExprOp::Loop:
      return context.loop(node->loop);
    case ExprOp::Read:
      return context.read(node->local);
    case ExprOp::Load:
      return context.load(node->buffer, {args.begin(), args.end()});
    case ExprOp::Ramp:
      return context.ramp(args[0], static_cast<int64_t>(args[1]->bits), node->type.lanes);
    case ExprOp::Broadcast:
      return args[0]->type.lanes == node->type.lanes ? args[0] : context.broadcast(args[0], node->type.lanes);
    case ExprOp::Lane:
      return context.lane(args[0], static_cast<int>(node->imm));
    case ExprOp::Cast:
      return context.cast(node->type.dtype, args[0]);
    case ExprOp::Bitcast:
      return context.bitcast(node->type.dtype, args[0]);
    case ExprOp::Fma:
    case ExprOp::FmaFlushed:
      return context.fma(args[0], args[1], args[2], node->op);
    case ExprOp::Select:
      return context.select(args[0], args[1], args[2]);
    case ExprOp::Dot2:
    case ExprOp::Dot2Flushed:
    case ExprOp::Dot4:
      return context.group_dot(node->op, args[0], args[1], args[2]);
    case ExprOp::Interleave:
      return context.interleave(args[0], args[1]);
    default:
      break;
  }
  return node->arg_count == 1 ? context.unary(node->op, args[0]) : context.binary(node->op, args[0], args[1]);
}

Expr ExprRewriter::operator()(Expr e) {
  if (!e) return nullptr;
  if (auto found = done_.find(e); found != done_.end()) return found->second;
  Expr result = replace_(e);
  if (!result) {
    std::vector<Expr> args(e->args, e->args + e->arg_count);
    for (Expr& arg : args) arg = (*this)(arg);
    result = rebuild(context_, e, args);
  }
  return done_[e] = result;
}

namespace {

void walk(Expr e, std::unordered_set<Expr>& seen, const std::function<void(Expr)>& f) {
  if (!e || !seen.insert(e).second) return;
  for (int i = 0; i < e->arg_count; ++i) walk(e->args[i], seen, f);
  f(e);
}

bool search(Expr e, std::unordered_set<Expr>& seen, const std::function<bool(Expr)>& test) {
  if (!e || !seen.insert(e).second) return false;
  if (test(e)) return true;
  for (int i = 0; i < e->arg_count; ++i)
    if (search(e->args[i], seen, test)) return true;
  return false;
}

}  // namespace

void for_each_node(Expr e, const std::function<void(Expr)>& f) {
  std::unordered_set<Expr> seen;
  walk(e, seen, f);
}

bool any_node(Expr e, const std::function<bool(Expr)>& test) {
  std::unordered_set<Expr> seen;
  return search(e, seen, test);
}

std::vector<Expr> collect_loads(Expr e) {
  std::vector<Expr> loads;
  for_each_node(e, [&](Expr node) {
    if (node->op == ExprOp::Load) loads.push_back(node);
  });
  return loads;
}

bool reads_memory(Expr e) {
  return any_node(e, [](Expr node) { return node->op == ExprOp::Load; });
}
bool depends_on(Expr e, const LoopVar* loop) {
  return any_node(e, [&](Expr node) { return node->op == ExprOp::Loop && node->loop == loop; });
}
bool depends_on(Expr e, const Local* local) {
  return any_node(e, [&](Expr node) { return node->op == ExprOp::Read && node->local == local; });
}

std::optional<int64_t> constant_value(Expr e) {
  if (!e || e->op != ExprOp::Constant || is_float(e->type.dtype)) return std::nullopt;
  return int_of_bits(e->type.dtype, e->bits);
}

void for_each_expr(const Stmt& stmt, const std::function<void(Expr)>& f) {
  if (stmt.begin) f(stmt.begin);
  if (stmt.end) f(stmt.end);
  if (stmt.wave) f(stmt.wave);
  for (Expr index : stmt.indices) f(index);
  if (stmt.value) f(stmt.value);
  if (stmt.mask) f(stmt.mask);
}

void for_each_stmt(std::span<const StmtPtr> stmts, const std::function<void(const Stmt&)>& f) {
  for (const StmtPtr& stmt : stmts) {
    f(*stmt);
    for_each_stmt(stmt->body, f);
    for_each_stmt(stmt->otherwise, f);
  }
}

std::vector<StmtPtr> map_exprs(std::span<const StmtPtr> stmts, const std::function<Expr(Expr)>& f) {
  const auto map = [&](Expr e) { return e ? f(e) : nullptr; };
  std::vector<StmtPtr> mapped;
  mapped.reserve(stmts.size());
  for (const StmtPtr& stmt : stmts) {
    Stmt next = *stmt;
    next.begin = map(next.begin);
    next.end = map(next.end);
    next.wave = map(next.wave);
    for (Expr& index : next.indices) index = map(index);
    next.value = map(next.value);
    next.mask = map(next.mask);
    next.body = map_exprs(next.body, f);
    next.otherwise = map_exprs(next.otherwise, f);
    const bool same = next.begin == stmt->begin && next.end == stmt->end && next.wave == stmt->wave &&
                      next.indices == stmt->indices && next.value == stmt->value && next.mask == stmt->mask &&
                      next.body == stmt->body && next.otherwise == stmt->otherwise;
    mapped.push_back(same ? stmt : std::make_shared<const Stmt>(std::move(next)));
  }
  return mapped;
}

std::vector<StmtPtr> map_stmts(std::span<const StmtPtr> stmts,
                               const std::function<std::optional<std::vector<StmtPtr>>(const StmtPtr&)>& f) {
  std::vector<StmtPtr> mapped;
  mapped.reserve(stmts.size());
  for (StmtPtr stmt : stmts) {
    auto body = map_stmts(stmt->body, f), otherwise = map_stmts(stmt->otherwise, f);
    if (body != stmt->body || otherwise != stmt->otherwise) {
      Stmt next = *stmt;
      next.body = std::move(body);
      next.otherwise = std::move(otherwise);
      stmt = std::make_shared<const Stmt>(std::move(next));
    }
    if (auto others = f(stmt))
      mapped.insert(mapped.end(), others->begin(), others->end());
    else
      mapped.push_back(std::move(stmt));
  }
  return mapped;
}

std::vector<StmtPtr> replace_stmt(std::span<const StmtPtr> stmts, const Stmt* target, std::vector<StmtPtr> with) {
  std::vector<StmtPtr> mapped;
  for (const StmtPtr& stmt : stmts) {
    if (stmt.get() == target) {
      mapped.insert(mapped.end(), with.begin(), with.end());
      continue;
    }
    auto body = replace_stmt(stmt->body, target, with), otherwise = replace_stmt(stmt->otherwise, target, with);
    if (body == stmt->body && otherwise == stmt->otherwise) {
      mapped.push_back(stmt);
      continue;
    }
    Stmt next = *stmt;
    next.body = std::move(body);
    next.otherwise = std::move(otherwise);
    mapped.push_back(std::make_shared<const Stmt>(std::move(next)));
  }
  return mapped;
}

namespace {

void collect_loops(std::span<const StmtPtr> stmts, const std::function<void(const StmtPtr&)>& f) {
  for (const StmtPtr& stmt : stmts) {
    if (stmt->kind == StmtKind::For) f(stmt);
    collect_loops(stmt->body, f);
    collect_loops(stmt->otherwise, f);
  }
}

}  // namespace

std::vector<StmtPtr> find_loops(std::span<const StmtPtr> stmts, std::string_view name) {
  std::vector<StmtPtr> found;
  collect_loops(stmts, [&](const StmtPtr& loop) {
    if (loop->loop->name == name) found.push_back(loop);
  });
  return found;
}

StmtPtr find_loop(std::span<const StmtPtr> stmts, std::string_view name) {
  const auto found = find_loops(stmts, name);
  if (found.size() == 1) return found[0];
  if (found.size() > 1)
    throw base::Error(base::code::kBrokenLoops, fmt::format("{} loops are named '{}'", found.size(), name));
  std::vector<std::string> names;
  collect_loops(stmts, [&](const StmtPtr& loop) { names.push_back(loop->loop->name); });
  base::Error error(base::code::kBrokenLoops, fmt::format("no loop is named '{}'", name));
  if (const auto near = base::nearest_name(name, names)) error.hint(fmt::format("did you mean '{}'?", *near));
  throw error;
}

std::optional<int64_t> constant_trip_count(LoopContext& context, const Stmt& loop) {
  const auto extent = constant_value(context.binary(ExprOp::Sub, loop.end, loop.begin));
  if (!extent || loop.step < 1) return std::nullopt;
  return *extent <= 0 ? 0 : (*extent - 1) / loop.step + 1;
}

}  // namespace strata::ir::loops
