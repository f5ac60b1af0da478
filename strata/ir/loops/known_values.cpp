#include "strata/ir/loops/known_values.h"

#include <algorithm>

namespace strata::ir::loops {

namespace {

/// Nothing where the value does not fit.
std::optional<int64_t> combined(ExprOp op, int64_t a, int64_t b) {
  int64_t made = 0;
  switch (op) {
    case ExprOp::Add:
      return __builtin_add_overflow(a, b, &made) ? std::nullopt : std::optional(made);
    case ExprOp::Sub:
      return __builtin_sub_overflow(a, b, &made) ? std::nullopt : std::optional(made);
    case ExprOp::Mul:
      return __builtin_mul_overflow(a, b, &made) ? std::nullopt : std::optional(made);
    case ExprOp::Min:
      return std::min(a, b);
    case ExprOp::Max:
      return std::max(a, b);
    case ExprOp::FloorDiv:
      return b <= 0 ? std::nullopt : std::optional(a / b - (a % b < 0));
    case ExprOp::FloorMod:
      return b <= 0 ? std::nullopt : std::optional((a % b + b) % b);
    default:
      return std::nullopt;
  }
}

template <class Map, class Key>
std::optional<int64_t> found_in(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

KnownValues::KnownValues(const Kernel& kernel, std::span<const int64_t> dims) {
  for (size_t i = 0; i < kernel.dims.size() && i < dims.size(); ++i) dims_[kernel.dims[i]] = dims[i];
}

void KnownValues::enter(const LoopVar* loop, std::optional<int64_t> first) {
  if (first) loops_[loop] = *first;
}

void KnownValues::declare(const Stmt& stmt) {
  if (stmt.kind != StmtKind::Declare || stmt.local->is_mutable || stmt.local->type != ScalarType{DType::i64, 1}) return;
  if (const auto known = of(stmt.value))
    locals_[stmt.local] = *known;
  else
    locals_.erase(stmt.local);
}

std::optional<int64_t> KnownValues::of(Expr e) const {
  switch (e->op) {
    case ExprOp::Constant:
      return e->bits;
    case ExprOp::DimSymbol:
      return found_in(dims_, std::string_view(e->symbol));
    case ExprOp::Loop:
      return found_in(loops_, e->loop);
    case ExprOp::Read:
      return found_in(locals_, e->local);
    default:
      break;
  }
  if (e->arg_count != 2 || e->type != ScalarType{DType::i64, 1}) return std::nullopt;
  const auto a = of(e->args[0]), b = of(e->args[1]);
  return a && b ? combined(e->op, *a, *b) : std::nullopt;
}

int64_t KnownValues::of(Dim d) const {
  return d.evaluate([&](std::string_view name) { return found_in(dims_, name).value_or(1); });
}

std::optional<int64_t> KnownValues::steps_of(const Stmt& loop) const {
  const auto begin = of(loop.begin), end = of(loop.end);
  if (!begin || !end) return std::nullopt;
  return std::max<int64_t>(0, (*end - *begin + loop.step - 1) / loop.step);
}

}  // namespace strata::ir::loops
