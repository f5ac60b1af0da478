#include "strata/compiler/loop/nest/panels.h"

#include <algorithm>

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

/// The index of the column operand's load at a column and a k that are given as expressions of new loops.
class IndexOfColumns {
 public:
  IndexOfColumns(const Contraction& k, LoopContext& c, const ir::Facts& facts)
      : k_(k), c_(c), facts_(facts), indices_(c, facts) {
    for (const NestLoop& loop : k.batch.loops) indices_.enter_loop(loop.var, c.i64(0), c.dim(loop.extent));
  }
  Expr loop(const char* name, Dim extent) {
    const LoopVar* var = c_.loop_var(name);
    indices_.enter_loop(var, c_.i64(0), c_.dim(extent));
    return c_.loop(var);
  }
  LinearIndex at(Expr column, Expr depth) {
    Substitution with;
    GroupIndex(c_, facts_, k_.columns, {}).at(column, with);
    GroupIndex(c_, facts_, k_.depth, {}).at(depth, with);
    return indices_.of(substitute(c_, k_.columns_operand->args[0], with));
  }
  /// The form without the terms of these loops; empty if they are in what is left, too.
  std::optional<LinearIndex> without(LinearIndex form, std::initializer_list<Expr> loops) {
    for (const Expr loop : loops) form = indices_.plus(form, {0, {{loop, form.coefficient(loop)}}}, -1);
    for (const auto& [atom, coefficient] : form.terms)
      for (const Expr loop : loops)
        if (depends_on(atom, loop->loop)) return std::nullopt;
    return form;
  }
  Expr expr(const LinearIndex& form) { return indices_.expr(form); }

 private:
  const Contraction& k_;
  LoopContext& c_;
  const ir::Facts& facts_;
  LinearIndices indices_;
};

bool has_numbers(const Contraction& k) {
  return k.columns_operand->op == ExprOp::Load && !k.columns.is_empty() && !k.depth.is_empty() &&
         k.columns.extent().is_constant() && k.depth.extent().is_constant() && k.columns.extent().constant() > 0 &&
         k.depth.extent().constant() > 0;
}

/// What the width may be: by what the index divides, or the loop that such a quotient was split into.
std::vector<int64_t> possible_widths(const Contraction& k) {
  std::vector<int64_t> widths;
  const auto add = [&](int64_t width) {
    if (width > 1 && std::ranges::find(widths, width) == widths.end()) widths.push_back(width);
  };
  if (const Dim run = k.columns.loops.back().extent; run.is_constant()) add(run.constant());
  for_each_node(k.columns_operand->args[0], [&](Expr e) {
    if (e->op == ExprOp::FloorDiv || e->op == ExprOp::FloorMod)
      if (const auto by = constant_value(e->args[1])) add(*by);
  });
  return widths;
}

std::optional<ReadyPanels> panels_of_width(const Contraction& k, LoopContext& c, const ir::Facts& facts,
                                           int64_t width) {
  const int64_t count = (k.columns.extent().constant() + width - 1) / width;
  IndexOfColumns index(k, c, facts);
  const Expr panel = index.loop("panel", count), column = index.loop("column", width),
             depth = index.loop("k", k.depth.extent());
  const LinearIndex form = index.at(c.binary(ExprOp::Add, c.binary(ExprOp::Mul, panel, c.i64(width)), column), depth);
  const Dim distance = form.coefficient(panel);
  if (!(form.coefficient(column) == Dim(1)) || !(form.coefficient(depth) == Dim(width)) || !distance.is_constant())
    return std::nullopt;
  // One panel alone is a matrix of so many columns, which is packed as any other.
  if (distance.constant() < k.depth.extent().constant() * width) return std::nullopt;
  const auto first = index.without(form, {panel, column, depth});
  if (!first) return std::nullopt;
  return ReadyPanels{k.columns_operand->buffer, index.expr(*first), width, count, distance.constant()};
}

}  // namespace

std::optional<ReadyPanels> ready_panels(const Contraction& k, LoopContext& c, const ir::Facts& facts) {
  if (!has_numbers(k)) return std::nullopt;
  for (const int64_t width : possible_widths(k))
    if (auto panels = panels_of_width(k, c, facts, width)) return panels;
  return std::nullopt;
}

std::optional<ColumnMatrix> column_matrix(const Contraction& k, LoopContext& c, const ir::Facts& facts) {
  if (!has_numbers(k)) return std::nullopt;
  IndexOfColumns index(k, c, facts);
  const int64_t columns = k.columns.extent().constant(), depth = k.depth.extent().constant();
  const Expr column = index.loop("column", columns), at = index.loop("k", depth);
  const LinearIndex form = index.at(column, at);
  const auto rest = index.without(form, {column, at});
  if (!rest || !rest->is_constant() || !(rest->constant == Dim(0))) return std::nullopt;
  const Buffer* buffer = k.columns_operand->buffer;
  const Dim by_column = form.coefficient(column), by_depth = form.coefficient(at);
  if (buffer->kind != BufferKind::Input || !(ir::product(buffer->shape) == Dim(columns * depth))) return std::nullopt;
  if (by_column == Dim(1) && by_depth == Dim(columns)) return ColumnMatrix{buffer, columns, depth, false};
  if (by_depth == Dim(1) && by_column == Dim(depth)) return ColumnMatrix{buffer, columns, depth, true};
  return std::nullopt;
}

}  // namespace strata::compiler
