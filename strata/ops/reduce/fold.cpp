#include "strata/ops/reduce/fold.h"

#include <cmath>
#include <limits>

#include "strata/ir/loops/joined_loops.h"

namespace strata::ops {
namespace {

using ir::loops::LoopContext;
using ir::loops::LoopKind;

int64_t lowest_int(DType t) {
  if (ir::is_bool(t) || ir::is_unsigned_int(t)) return 0;
  const int bits = 8 * ir::dtype_bytes(t);
  return static_cast<int64_t>(~uint64_t{0} << (bits - 1));
}

int64_t highest_int(DType t) {
  if (ir::is_bool(t)) return 1;
  const int bits = 8 * ir::dtype_bytes(t);
  if (ir::is_signed_int(t)) return ~lowest_int(t);
  return static_cast<int64_t>(~uint64_t{0} >> (64 - bits));
}

}  // namespace

double fold_identity(Fold fold, DType t) {
  if (computes_in_int(t)) return static_cast<double>(fold_identity_int(fold, t));
  const double inf = std::numeric_limits<double>::infinity();
  return fold == Fold::Max ? -inf : fold == Fold::Min ? inf : fold == Fold::Prod || fold == Fold::And ? 1.0 : 0.0;
}

int64_t fold_identity_int(Fold fold, DType t) {
  if (fold == Fold::Max) return lowest_int(t);
  if (fold == Fold::Min) return highest_int(t);
  return fold == Fold::Prod || fold == Fold::And ? 1 : 0;
}

double fold_step(Fold fold, double a, double b) {
  switch (fold) {
    case Fold::Sum:
      return a + b;
    case Fold::Prod:
      return a * b;
    case Fold::Max:
      if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
      return a > b || (a == b && !std::signbit(a)) ? a : b;
    case Fold::Min:
      if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
      return a < b || (a == b && std::signbit(a)) ? a : b;
    case Fold::And:
      return a != 0 && b != 0;
    case Fold::Or:
      break;
  }
  return a != 0 || b != 0;
}

int64_t fold_step_int(Fold fold, DType t, int64_t a, int64_t b) {
  const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  const bool less = t == DType::u64 ? ua < ub : a < b;
  switch (fold) {
    case Fold::Sum:
      return static_cast<int64_t>(ua + ub);
    case Fold::Prod:
      return static_cast<int64_t>(ua * ub);
    case Fold::Max:
      return less ? b : a;
    case Fold::Min:
      return less ? a : b;
    case Fold::And:
      return a != 0 && b != 0;
    case Fold::Or:
      break;
  }
  return a != 0 || b != 0;
}

Expr fold_expr(LoopContext& c, Fold fold, Expr a, Expr b) {
  constexpr ExprOp ops[] = {ExprOp::Add, ExprOp::Mul, ExprOp::Max, ExprOp::Min, ExprOp::And, ExprOp::Or};
  return c.binary(ops[static_cast<int>(fold)], a, b);
}

Expr fold_identity_expr(LoopContext& c, Fold fold, DType t) {
  if (computes_in_int(t)) return c.constant_bits(t, fold_identity_int(fold, t));
  return c.constant(t, fold_identity(fold, t));
}

ir::loops::StmtPtr one_loop(LoopContext& c, const char* name, Expr begin, Expr end, LoopKind kind,
                            const std::function<StmtList(Expr)>& body) {
  const auto* var = c.loop_var(name);
  return ir::loops::make_for(var, begin, end, kind, body(c.loop(var)));
}

namespace {

/// Loops over 0..extents, outermost first; `kind_of` says what each is, by its place.
StmtList marked_nest(LoopContext& c, std::span<const Expr> extents, const std::function<LoopKind(size_t)>& kind_of,
                     const std::function<StmtList(std::span<const Expr>)>& body) {
  std::vector<const ir::loops::LoopVar*> vars;
  std::vector<Expr> index;
  for (size_t a = 0; a < extents.size(); ++a) {
    vars.push_back(c.loop_var("i" + std::to_string(a)));
    index.push_back(c.loop(vars.back()));
  }
  StmtList stmts = body(index);
  for (size_t a = extents.size(); a-- > 0;)
    stmts = {ir::loops::make_for(vars[a], c.i64(0), extents[a], kind_of(a), std::move(stmts))};
  return stmts;
}

}  // namespace

StmtList independent_nest(LoopContext& c, std::span<const Dim> extents,
                          const std::function<StmtList(std::span<const Expr>)>& body) {
  std::vector<Expr> ends;
  for (Dim extent : extents) ends.push_back(c.dim(extent));
  const size_t last = ends.size() - 1;
  const auto kind_of = [&](size_t a) {
    return a == 0 ? LoopKind::Parallel : a == last ? LoopKind::Vector : LoopKind::Serial;
  };
  return marked_nest(c, ends, kind_of, body);
}

StmtList loop_nest(LoopContext& c, std::span<const Expr> extents, LoopKind outermost,
                   const std::function<StmtList(std::span<const Expr>)>& body) {
  return marked_nest(c, extents, [&](size_t a) { return a == 0 ? outermost : LoopKind::Serial; }, body);
}

StmtList vector_nest(LoopContext& c, std::span<const Expr> extents,
                     const std::function<StmtList(std::span<const Expr>)>& body) {
  const auto kind_of = [&](size_t a) { return a + 1 == extents.size() ? LoopKind::Vector : LoopKind::Serial; };
  return marked_nest(c, extents, kind_of, body);
}

StmtList chain_nest(LoopContext& c, std::span<const Dim> outer, std::span<const Dim> inner, int64_t block,
                    const ir::loops::Local* sum, const std::function<StmtList(std::span<const Expr>)>& body) {
  std::vector<Expr> extents;
  for (const auto& dims : {outer, inner})
    for (Dim d : dims) extents.push_back(c.dim(d));
  StmtList nest = loop_nest(c, extents, LoopKind::Serial, body);
  const Dim terms = ir::product(outer) * ir::product(inner);
  const bool is_one_block = terms.is_constant() && terms.constant() <= block;
  if (extents.empty() || is_one_block || !ir::is_float(sum->type.dtype)) return nest;
  const auto joining = ir::loops::make_joining(nest[0], sum, block, outer.size(), inner.size());
  if (ir::loops::join_op(*joining)) nest[0] = joining;
  return nest;
}

StmtList block_step(LoopContext& c, const ir::ContractionForm& form, const std::vector<Expr>& lhs,
                    const std::vector<Expr>& rhs, const ir::loops::Local* acc) {
  const ir::loops::Local* sum = c.local("sum", {DType::i32, 1}, true);
  const ir::loops::LoopVar* u = c.loop_var("u");
  const auto at_term = [&](std::vector<Expr> index) {
    index.push_back(c.loop(u));
    return index;
  };
  const Expr product = c.binary(ExprOp::Mul, form.lhs(at_term(lhs)), form.rhs(at_term(rhs)));
  const Expr scale = c.binary(ExprOp::Mul, form.lhs_scale(lhs), form.rhs_scale(rhs));
  return {make_declare(sum, c.constant(DType::i32, 0)),
          make_for(u, c.i64(0), c.i64(form.block_terms), LoopKind::Serial,
                   {make_assign(sum, c.binary(ExprOp::Add, product, c.read(sum)))}),
          make_assign(acc, c.fma(c.cast(DType::f32, c.read(sum)), scale, c.read(acc)))};
}

StmtList parallel_over(LoopContext& c, std::span<const Dim> extents,
                       const std::function<StmtList(std::span<const Expr>)>& body) {
  const IndexMath m{c};
  if (extents.empty()) return body({});
  const auto one_task = [&](Expr task) {
    std::vector<Expr> index(extents.size());
    for (size_t a = extents.size(); a-- > 1;) {
      index[a] = m.mod(task, m.at(extents[a]));
      task = m.div(task, m.at(extents[a]));
    }
    index[0] = task;
    return body(index);
  };
  return {one_loop(c, "task", c.i64(0), c.dim(ir::product(extents)), LoopKind::Parallel, one_task)};
}

}  // namespace strata::ops
