#include "strata/compiler/loop/nest/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "strata/compiler/loop/nest/padding.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

constexpr int64_t kMostSteps = 8;
constexpr size_t kLargestBody = 3000;  // nodes of all parts together, before what they share is found

bool only_stores(const Nest& nest) {
  return std::ranges::all_of(nest.body, [](const StmtPtr& s) { return s->kind == StmtKind::Store && !s->mask; });
}

size_t nodes_of(const Nest& nest) {
  std::unordered_set<Expr> seen;
  for_each_stmt(nest.body, [&](const Stmt& stmt) {
    for_each_expr(stmt, [&](Expr e) { for_each_node(e, [&](Expr node) { seen.insert(node); }); });
  });
  return seen.size();
}

/// Whether a select asks for the loop's step alone, and whether neighbours along the loop are stored apart.
bool picks_by_step(const Nest& nest, LoopContext& c, const ir::Facts& facts, const LoopVar* var) {
  LinearIndices indices = indices_of(nest, c, facts);
  const Expr loop = c.loop(var);
  for (const StmtPtr& store : nest.body) {
    const Dim distance = indices.of(store->indices.back()).coefficient(loop);
    if (distance == Dim(1) || distance == Dim(0)) return false;
  }
  PaddingConditions conditions(c, facts, var);
  conditions.collect(nest.body);
  return std::ranges::any_of(conditions.forms(), [&](const LinearIndex& form) {
    return form.terms.size() == 1 && form.terms[0].first == loop && form.constant.is_constant();
  });
}

void write_out(Nest& nest, size_t i, LoopContext& c, const ir::Facts& facts) {
  const NestLoop loop = nest.loops[i];
  nest.loops.erase(nest.loops.begin() + static_cast<int64_t>(i));
  std::vector<StmtPtr> parts;
  for (int64_t step = 0; step < loop.extent.constant(); ++step) {
    Substitution with;
    with.loops[loop.var] = c.i64(step);
    const std::vector<StmtPtr> part = substitute(c, nest.body, with);
    parts.insert(parts.end(), part.begin(), part.end());
  }
  nest.body = std::move(parts);
  LinearIndices indices = indices_of(nest, c, facts);
  nest.body = map_exprs(nest.body, [&](Expr e) { return indices.simplify(e); });
}

}  // namespace

std::vector<std::string> write_out_parts(Nest& nest, LoopContext& c, const ir::Facts& facts) {
  std::vector<std::string> notes;
  if (!only_stores(nest)) return notes;
  for (size_t i = 0; i + 1 < nest.loops.size();) {
    const NestLoop loop = nest.loops[i];
    const bool is_short = loop.extent.is_constant() && loop.extent.constant() <= kMostSteps;
    if (is_short && nodes_of(nest) * static_cast<size_t>(loop.extent.constant()) <= kLargestBody &&
        picks_by_step(nest, c, facts, loop.var)) {
      write_out(nest, i, c, facts);
      notes.push_back(
          fmt::format("write out {}: each of its {} steps picks another part", loop.var->name, loop.extent.constant()));
    } else {
      ++i;
    }
  }
  return notes;
}

}  // namespace strata::compiler
