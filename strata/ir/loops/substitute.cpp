// Free variables, substitution and copies with fresh names.
#include <algorithm>

#include "strata/ir/loops/rewrite.h"

namespace strata::ir::loops {
namespace {

template <class T>
void add_once(std::vector<T>& list, const T& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

/// What statements bind. Names are bound once in a valid kernel, or in scopes apart, so one set for all is exact
/// enough: a variable bound anywhere within the statements is not free in them.
struct Bound {
  std::unordered_set<const LoopVar*> loops;
  std::unordered_set<const Local*> locals;
  std::unordered_set<const Buffer*> buffers;

  explicit Bound(std::span<const StmtPtr> stmts) {
    for_each_stmt(stmts, [&](const Stmt& stmt) {
      if (stmt.kind == StmtKind::For) loops.insert(stmt.loop);
      if (stmt.kind == StmtKind::Declare) locals.insert(stmt.local);
      if (stmt.kind == StmtKind::Alloc) buffers.insert(stmt.buffer);
    });
  }
};

void add_buffer(FreeVariables& free, const Buffer* buffer) {
  add_once(free.buffers, buffer);
  for (Dim d : buffer->shape) d.collect_symbols(free.symbols);
}

void add_node(FreeVariables& free, Expr e) {
  if (e->op == ExprOp::Loop) add_once(free.loops, e->loop);
  if (e->op == ExprOp::Read) add_once(free.locals, e->local);
  if (e->op == ExprOp::Load) add_buffer(free, e->buffer);
  if (e->op == ExprOp::DimSymbol) add_once(free.symbols, std::string(e->symbol));
}

}  // namespace

FreeVariables free_variables(Expr e) {
  FreeVariables free;
  for_each_node(e, [&](Expr node) { add_node(free, node); });
  return free;
}

FreeVariables free_variables(std::span<const StmtPtr> stmts) {
  FreeVariables used;
  for_each_stmt(stmts, [&](const Stmt& stmt) {
    for_each_expr(stmt, [&](Expr e) { for_each_node(e, [&](Expr node) { add_node(used, node); }); });
    if (stmt.buffer) add_buffer(used, stmt.buffer);
    if (stmt.kind == StmtKind::Assign) add_once(used.locals, stmt.local);
  });
  const Bound bound(stmts);
  std::erase_if(used.loops, [&](const LoopVar* v) { return bound.loops.contains(v); });
  std::erase_if(used.locals, [&](const Local* v) { return bound.locals.contains(v); });
  std::erase_if(used.buffers, [&](const Buffer* v) { return bound.buffers.contains(v); });
  return used;
}

namespace {

template <class Map, class Key>
auto look_up(const Map& map, Key key) -> std::optional<typename Map::mapped_type> {
  const auto found = map.find(key);
  return found == map.end() ? std::nullopt : std::optional(found->second);
}

/// ExprRewriter's rule for a substitution; loads of renamed buffers need their indices rewritten first, so it holds the
/// rewriter that it is the rule of.
class Substituter {
 public:
  Substituter(LoopContext& context, const Substitution& with)
      : context_(context), with_(with), rewriter_(context, [this](Expr e) { return replace(e); }) {}

  Expr operator()(Expr e) { return rewriter_(e); }

  std::vector<StmtPtr> operator()(std::span<const StmtPtr> stmts) {
    return rename(map_exprs(stmts, [this](Expr e) { return rewriter_(e); }));
  }

 private:
  Expr replace(Expr e) {
    if (e->op == ExprOp::Loop) {
      if (auto other = look_up(with_.loops, e->loop)) return *other;
      if (auto other = look_up(with_.renamed_loops, e->loop)) return context_.loop(*other);
    }
    if (e->op == ExprOp::Read) {
      if (auto other = look_up(with_.locals, e->local)) return *other;
      if (auto other = look_up(with_.renamed_locals, e->local)) return context_.read(*other);
    }
    if (e->op == ExprOp::Load) {
      if (auto other = look_up(with_.buffers, e->buffer)) {
        std::vector<Expr> indices(e->args, e->args + e->arg_count);
        for (Expr& index : indices) index = rewriter_(index);
        return context_.load(*other, std::move(indices));
      }
    }
    return nullptr;
  }

  /// Binders and the targets of stores and assignments.
  std::vector<StmtPtr> rename(std::vector<StmtPtr> stmts) {
    if (with_.renamed_loops.empty() && with_.renamed_locals.empty() && with_.buffers.empty()) return stmts;
    return map_stmts(stmts, [&](const StmtPtr& stmt) -> std::optional<std::vector<StmtPtr>> {
      const auto loop = look_up(with_.renamed_loops, stmt->loop);
      const auto local = look_up(with_.renamed_locals, stmt->local);
      const auto buffer = look_up(with_.buffers, stmt->buffer);
      if (!loop && !local && !buffer) return std::nullopt;
      Stmt next = *stmt;
      if (loop) next.loop = *loop;
      if (local) next.local = *local;
      if (buffer) next.buffer = *buffer;
      return std::vector<StmtPtr>{std::make_shared<const Stmt>(std::move(next))};
    });
  }

  LoopContext& context_;
  const Substitution& with_;
  ExprRewriter rewriter_;
};

}  // namespace

Expr substitute(LoopContext& context, Expr e, const Substitution& with) { return Substituter(context, with)(e); }

std::vector<StmtPtr> substitute(LoopContext& context, std::span<const StmtPtr> stmts, const Substitution& with) {
  return Substituter(context, with)(stmts);
}

std::vector<StmtPtr> copy_fresh(LoopContext& context, std::span<const StmtPtr> stmts, Substitution with) {
  for_each_stmt(stmts, [&](const Stmt& stmt) {
    if (stmt.kind == StmtKind::For && !with.renamed_loops.contains(stmt.loop))
      with.renamed_loops[stmt.loop] = context.loop_var(stmt.loop->name);
    if (stmt.kind == StmtKind::Declare && !with.renamed_locals.contains(stmt.local))
      with.renamed_locals[stmt.local] = context.local(stmt.local->name, stmt.local->type, stmt.local->is_mutable);
    if (stmt.kind == StmtKind::Alloc && !with.buffers.contains(stmt.buffer))
      with.buffers[stmt.buffer] = context.buffer(*stmt.buffer);
  });
  return substitute(context, stmts, with);
}

Kernel copy_kernel(const Kernel& kernel) {
  Kernel copy{std::make_shared<LoopContext>(), kernel.name, {}, kernel.dims, kernel.facts, {}};
  Substitution with;
  for (const Buffer* param : kernel.params) copy.params.push_back(with.buffers[param] = copy.context->buffer(*param));
  copy.body = copy_fresh(*copy.context, kernel.body, std::move(with));
  return copy;
}

}  // namespace strata::ir::loops
