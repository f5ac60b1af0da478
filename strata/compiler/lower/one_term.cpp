#include "strata/compiler/lower/one_term.h"

#include <limits>

#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

namespace {

/// The axis that is folded: the one whose extent isn't the number 1. Nothing if there are several, or the extent is 0.
std::optional<size_t> folded_axis(std::span<const Dim> reduced) {
  std::optional<size_t> axis;
  for (size_t a = 0; a < reduced.size(); ++a) {
    if (reduced[a] == Dim(1)) continue;
    if (axis || reduced[a] == Dim(0)) return std::nullopt;
    axis = a;
  }
  return axis;
}

/// Whether each of 0 .. extent - 1 is a number of its own in the type, the same that it is in i64.
bool holds_positions(DType type, Dim extent) {
  if (type == DType::i64 || type == DType::u64) return true;
  if (!ir::is_int(type) || !extent.is_constant()) return false;
  const int bits = 8 * ir::dtype_bytes(type) - (ir::is_signed_int(type) ? 1 : 0);
  return extent.constant() <= int64_t{1} << bits;
}

/// The position as it stands, or as another integer: the variable `r` under casts that keep all positions apart.
bool is_position(Expr e, const LoopVar* r, Dim extent) {
  while (e->op == ExprOp::Cast && holds_positions(e->type.dtype, extent)) e = e->args[0];
  return e->op == ExprOp::Loop && e->loop == r;
}

/// The number that the condition compares the position with.
Expr only_position(Expr condition, const LoopVar* r, Dim extent) {
  if (condition->op != ExprOp::Eq) return nullptr;
  for (const int side : {0, 1})
    if (is_position(condition->args[side], r, extent) && !depends_on(condition->args[1 - side], r))
      return condition->args[1 - side];
  return nullptr;
}

/// Whether a term of this value, converted as `casts` say, is the identity, or the zero that a sum of zeros hides.
bool changes_nothing(LoopContext& c, Expr value, std::span<const Expr> casts, const ir::ReductionForm& form) {
  for (size_t i = casts.size(); i-- > 0;) value = c.cast(casts[i]->type.dtype, value);
  if (value == form.identity) return true;
  const bool is_sum = form.combine(form.identity, form.identity)->op == ExprOp::Add;
  return is_sum && ir::is_float(value->type.dtype) && value == c.constant(value->type.dtype, -0.0);
}

}  // namespace

Expr fold_of_one_term(LoopContext& c, const ir::ReductionForm& form, std::span<const Expr> kept) {
  const auto axis = folded_axis(form.reduced);
  if (!axis) return nullptr;
  const LoopVar* r = c.loop_var("r");
  std::vector<Expr> index(kept.begin(), kept.end());
  index.resize(kept.size() + form.reduced.size(), c.i64(0));
  index[kept.size() + *axis] = c.loop(r);
  Expr term = form.term(index);
  std::vector<Expr> casts;
  for (; term->op == ExprOp::Cast; term = term->args[0]) casts.push_back(term);
  if (term->op != ExprOp::Select) return nullptr;
  const Dim extent = form.reduced[*axis];
  const Expr only = only_position(term->args[0], r, extent);
  if (!only || !changes_nothing(c, term->args[2], casts, form)) return nullptr;

  const Expr position = c.cast(DType::i64, only), zero = c.i64(0), end = c.dim(extent);
  const Expr is_inside =
      c.binary(ExprOp::And, c.binary(ExprOp::Le, zero, position), c.binary(ExprOp::Lt, position, end));
  Substitution with;
  with.loops[r] = c.binary(ExprOp::Max, c.binary(ExprOp::Min, position, c.binary(ExprOp::Sub, end, c.i64(1))), zero);
  Expr value = substitute(c, term->args[1], with);
  for (size_t i = casts.size(); i-- > 0;) value = c.cast(casts[i]->type.dtype, value);
  return c.select(is_inside, form.combine(form.identity, value), form.identity);
}

}  // namespace strata::compiler
