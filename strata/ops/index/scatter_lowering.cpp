#include "strata/ops/index/scatter_lowering.h"

#include "strata/ir/loops/joined_loops.h"
#include "strata/ops/index/scatter_chains.h"
#include "strata/ops/index/scatter_part.h"

namespace strata::ops {
namespace {

using namespace ir::loops;

/// Each update goes to `sum_at` and back with `store_sum`, by its index behind the shared axes.
StmtList take_directly(const ScatterPart& p, const std::function<Expr(std::span<const Expr>)>& sum_at,
                       const std::function<StmtPtr(std::span<const Expr>, Expr)>& store_sum) {
  return p.over_updates([&](const std::vector<Expr>& lead) {
    return p.at_position(lead, [&](std::span<const Expr> position) {
      return p.over_row(position, [&](std::span<const Expr> at, std::span<const Expr> others) {
        const Expr value = p.update_at(lead, others);
        return StmtList{store_sum(at, p.combine == Combine::Set ? value : fold_expr(p.c, p.fold, sum_at(at), value))};
      });
    });
  });
}

/// The part in f32 while updates come in.
StmtList take_in_f32(const ScatterPart& p) {
  std::vector<Dim> shape;
  for (int64_t a = p.g.batch; a < p.x.rank(); ++a) shape.push_back(p.extent_of(a));
  const Buffer* sums = p.scratch("sums", p.wide, std::move(shape));
  const auto sum_at = [&](std::span<const Expr> at) { return p.c.load(sums, {at.begin(), at.end()}); };
  const auto store = [&](std::span<const Expr> at, Expr value) {
    return make_store(sums, {at.begin(), at.end()}, value);
  };
  StmtList stmts{make_alloc(sums)};
  for (const StmtList& more :
       {p.over_part([&](std::span<const Expr> at) { return StmtList{store(at, p.result_at(at))}; }),
        take_directly(p, sum_at, store),
        p.over_part([&](std::span<const Expr> at) { return StmtList{p.store_result(at, sum_at(at))}; })})
    stmts.insert(stmts.end(), more.begin(), more.end());
  return stmts;
}

StmtList one_task(ir::Lowering& l, const GatherLayout& g, std::span<const Expr> batch, Expr first = nullptr,
                  Expr last = nullptr) {
  const ScatterPart p(l, g, batch, first, last);
  const int64_t most = most_of(l.node);
  const bool is_sum = p.combine == Combine::Add || p.combine == Combine::Mul, is_short = most > 0 && most <= kSumBlock;
  if (is_sum && ir::is_float(p.x.dtype()) && !is_short) return scatter_chains(p);
  if (is_sum && p.wide != p.x.dtype()) return take_in_f32(p);
  return take_directly(
      p, [&](std::span<const Expr> at) { return p.result_at(at); },
      [&](std::span<const Expr> at, Expr value) { return p.store_result(at, value); });
}

constexpr std::string_view kCombineNames[] = {"set", "add", "mul", "min", "max"};

}  // namespace

std::string_view combine_name(Combine combine) { return kCombineNames[static_cast<int>(combine)]; }

std::optional<Combine> combine_from(std::string_view name) {
  for (size_t i = 0; i < std::size(kCombineNames); ++i)
    if (kCombineNames[i] == name) return static_cast<Combine>(i);
  return std::nullopt;
}

Combine combine_of(const Node& n) { return *combine_from(n.attrs.text("combine")); }

Fold fold_of(Combine c) {
  return c == Combine::Mul ? Fold::Prod : c == Combine::Min ? Fold::Min : c == Combine::Max ? Fold::Max : Fold::Sum;
}

StmtList scatter_loops(ir::Lowering& l) {
  LoopContext& c = l.context;
  const Type x = l.node.type();
  const GatherLayout g(l.node.attrs, x, l.node.operand(1).type());
  if (has_no_elements(x) || has_no_elements(l.node.operand(2).type())) return {};
  if (g.batch > 0) {
    const auto shared = x.shape().subspan(0, g.batch);
    return parallel_over(c, shared, [&](std::span<const Expr> at) { return one_task(l, g, at); });
  }
  if (g.others.empty()) return one_task(l, g, {});
  const IndexMath m{c};
  const Expr extent = m.at(x.dim(g.others.back()));
  const Expr tasks = m.div(m.add(extent, m.num(kColumnsPerTask - 1)), m.num(kColumnsPerTask));
  return {one_loop(c, "task", c.i64(0), tasks, LoopKind::Parallel, [&](Expr task) {
    const Expr first = m.mul(task, m.num(kColumnsPerTask));
    return one_task(l, g, {}, first, m.min(m.add(first, m.num(kColumnsPerTask)), extent));
  })};
}

}  // namespace strata::ops
