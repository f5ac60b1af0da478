// Walking and rewriting of loop programs: what schedules are written with.
//
// Everything is functional: statements and expressions are shared, never changed in place. Walks over an expression
// visit each node once, however often it is shared.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {

// Expressions.

/// The node made again in `context` with other operands (and simplified); operands may have more lanes than before:
/// scalars beside vectors are broadcast. Works for nodes of another context too.
Expr rebuild(LoopContext& context, Expr node, std::span<const Expr> args);

/// Maps expressions: `replace` answers for a node before its operands are looked at, nullptr means to go on into them.
/// Memoised for the life of the object, so `replace` must answer the same each time.
class ExprRewriter {
 public:
  using Rule = std::function<Expr(Expr)>;
  ExprRewriter(LoopContext& context, Rule replace) : context_(context), replace_(std::move(replace)) {}
  Expr operator()(Expr e);

 private:
  LoopContext& context_;
  Rule replace_;
  std::unordered_map<Expr, Expr> done_;
};

/// Calls f once for each node of the expression, operands first.
void for_each_node(Expr e, const std::function<void(Expr)>& f);
bool any_node(Expr e, const std::function<bool(Expr)>& test);

/// Loads in order of first appearance.
std::vector<Expr> collect_loads(Expr e);
bool reads_memory(Expr e);
bool depends_on(Expr e, const LoopVar* loop);
bool depends_on(Expr e, const Local* local);
/// The value of an integer or bool constant.
std::optional<int64_t> constant_value(Expr e);

// Statements.

/// Calls f for the statement and all within it, outer first, in program order.
void for_each_stmt(std::span<const StmtPtr> stmts, const std::function<void(const Stmt&)>& f);
/// Calls f for each expression that a statement itself holds: bounds, indices, value, mask. Not for those of its body.
void for_each_expr(const Stmt& stmt, const std::function<void(Expr)>& f);
/// Applies f to every expression in the statements and their bodies; what does not change is shared.
std::vector<StmtPtr> map_exprs(std::span<const StmtPtr> stmts, const std::function<Expr(Expr)>& f);
/// Rebuilds from the inside out: `f` may replace a statement (whose body is mapped already) by others; an empty answer
/// keeps it.
std::vector<StmtPtr> map_stmts(std::span<const StmtPtr> stmts,
                               const std::function<std::optional<std::vector<StmtPtr>>(const StmtPtr&)>& f);
/// Puts other statements where `target` stands (found by address).
std::vector<StmtPtr> replace_stmt(std::span<const StmtPtr> stmts, const Stmt* target, std::vector<StmtPtr> with);

/// The only For whose variable has this name; throws E0124 if there is none (offering the nearest) or several.
StmtPtr find_loop(std::span<const StmtPtr> stmts, std::string_view name);
std::vector<StmtPtr> find_loops(std::span<const StmtPtr> stmts, std::string_view name);
/// Number of iterations of a For if it is constant.
std::optional<int64_t> constant_trip_count(LoopContext& context, const Stmt& loop);

/// What an expression or statements use and don't bind themselves, each once, in order of appearance.
struct FreeVariables {
  std::vector<const LoopVar*> loops;
  std::vector<const Local*> locals;
  std::vector<const Buffer*> buffers;
  std::vector<std::string> symbols;  ///< dimensions, those of buffer shapes included
};
FreeVariables free_variables(Expr e);
FreeVariables free_variables(std::span<const StmtPtr> stmts);

// Substitution.

/// What to put for what. A loop variable or local that the statements bind themselves is renamed where it is bound and
/// where it is used by `renamed_*`; `loops` and `locals` replace uses by any expression.
struct Substitution {
  std::unordered_map<const LoopVar*, Expr> loops;
  std::unordered_map<const Local*, Expr> locals;
  std::unordered_map<const LoopVar*, const LoopVar*> renamed_loops;
  std::unordered_map<const Local*, const Local*> renamed_locals;
  std::unordered_map<const Buffer*, const Buffer*> buffers;
};
Expr substitute(LoopContext& context, Expr e, const Substitution& with);
std::vector<StmtPtr> substitute(LoopContext& context, std::span<const StmtPtr> stmts, const Substitution& with);

/// A copy whose own loop variables, locals and Scratch or Register buffers are new, so that it may stand beside the
/// original (unrolling, tails). `with` is applied on the way. Works into another context, given its buffers.
std::vector<StmtPtr> copy_fresh(LoopContext& context, std::span<const StmtPtr> stmts, Substitution with = {});

/// A kernel of its own context with equal text.
Kernel copy_kernel(const Kernel& kernel);

}  // namespace strata::ir::loops
