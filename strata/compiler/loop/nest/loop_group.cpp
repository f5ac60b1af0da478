#include "strata/compiler/loop/nest/loop_group.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

Dim LoopGroup::extent() const {
  Dim total = 1;
  for (const NestLoop& loop : loops) total = total * loop.extent;
  return total;
}

Expr replaced(LoopContext& c, const ir::Facts& facts, Expr e, const Substitution& with) {
  LinearIndices indices(c, facts);
  const Expr made = substitute(c, e, with);
  if (made->type == ScalarType{DType::i64, 1} && !reads_memory(made)) return indices.expr(indices.of(made));
  return indices.simplify(made);
}

namespace {

/// Each loop's value at a flat index, as quotients and remainders.
void decode(LoopContext& c, const LoopGroup& group, Expr flat, size_t count, std::vector<Expr>& values) {
  values.assign(count, nullptr);
  for (size_t i = count; i-- > 0;) {
    const Expr extent = c.dim(group.loops[i].extent);
    values[i] = i == 0 ? flat : c.binary(ExprOp::FloorMod, flat, extent);
    flat = c.binary(ExprOp::FloorDiv, flat, extent);
  }
}

}  // namespace

GroupIndex::GroupIndex(LoopContext& context, const ir::Facts& facts, const LoopGroup& group, std::span<const Expr> uses)
    : c_(context), group_(group) {
  if (group.loops.size() < 2) return;
  const LoopVar* flat = c_.loop_var("f");
  std::vector<Expr> values;
  decode(c_, group, c_.loop(flat), group.loops.size(), values);
  Substitution with;
  for (size_t i = 0; i < values.size(); ++i) with.loops[group.loops[i].var] = values[i];
  for (Expr use : uses)
    is_linear_ = is_linear_ && !any_node(replaced(c_, facts, use, with), [&](Expr e) {
                   return (e->op == ExprOp::FloorDiv || e->op == ExprOp::FloorMod) && depends_on(e, flat);
                 });
}

Stmts GroupIndex::at(Expr flat, Substitution& with) const {
  std::vector<Expr> values;
  decode(c_, group_, flat, group_.loops.size(), values);
  Stmts stmts;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!is_linear_) {
      const Local* local = c_.local(group_.loops[i].var->name, {DType::i64, 1}, false);
      stmts.push_back(make_declare(local, values[i]));
      values[i] = c_.read(local);
    }
    with.loops[group_.loops[i].var] = values[i];
  }
  return stmts;
}

Stmts GroupIndex::runs(Expr low, Expr high, const RunBody& body) const {
  const LoopVar* u = c_.loop_var("u");
  Substitution with;
  std::vector<Expr> values;
  if (is_linear_) {
    decode(c_, group_, c_.loop(u), group_.loops.size(), values);
    for (size_t i = 0; i < values.size(); ++i) with.loops[group_.loops[i].var] = values[i];
    return body(u, low, high, c_.loop(u), with);
  }
  const LoopVar* run = c_.loop_var("run");
  const size_t outer = group_.loops.size() - 1;
  const Expr length = c_.dim(group_.loops.back().extent);
  const Expr first = c_.binary(ExprOp::FloorDiv, low, length);
  const Expr last =
      c_.binary(ExprOp::Add, c_.binary(ExprOp::FloorDiv, c_.binary(ExprOp::Sub, high, c_.i64(1)), length), c_.i64(1));
  Stmts stmts;
  decode(c_, group_, c_.loop(run), outer, values);
  const auto bind = [&](const char* name, Expr value) {
    const Local* local = c_.local(name, {DType::i64, 1}, false);
    stmts.push_back(make_declare(local, value));
    return c_.read(local);
  };
  for (size_t i = 0; i < outer; ++i)
    with.loops[group_.loops[i].var] = bind(group_.loops[i].var->name.c_str(), values[i]);
  with.loops[group_.loops.back().var] = c_.loop(u);
  const Expr start = bind("start", c_.binary(ExprOp::Mul, c_.loop(run), length));
  const Expr from = bind("from", c_.binary(ExprOp::Max, c_.i64(0), c_.binary(ExprOp::Sub, low, start)));
  const Expr to = bind("to", c_.binary(ExprOp::Min, length, c_.binary(ExprOp::Sub, high, start)));
  const Stmts inner = body(u, from, to, c_.binary(ExprOp::Add, start, c_.loop(u)), with);
  stmts.insert(stmts.end(), inner.begin(), inner.end());
  return {make_for(run, first, last, LoopKind::Serial, std::move(stmts))};
}

}  // namespace strata::compiler
