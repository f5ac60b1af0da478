#include "strata/ops/index/scatter_part.h"

namespace strata::ops {

using namespace ir::loops;

ScatterPart::ScatterPart(ir::Lowering& l, const GatherLayout& g, std::span<const Expr> batch, Expr first, Expr last)
    : l(l),
      g(g),
      c(l.context),
      m{l.context},
      x(l.node.type()),
      updates(l.node.operand(2).type()),
      combine(combine_of(l.node)),
      fold(fold_of(combine)),
      wide(combine == Combine::Set ? x.dtype() : accumulation_dtype(x.dtype())),
      batch_(batch),
      first_(first),
      last_(last) {}

Dim ScatterPart::most_updates() const {
  const size_t batches = g.batch;
  return ir::product(updates.shape().subspan(batches, g.lead - batches));
}

Dim ScatterPart::extent_of(int64_t x_axis) const {
  const Dim extent = x.dim(x_axis);
  return is_cut(x_axis) ? ir::min(extent, Dim(kColumnsPerTask)) : extent;
}

Expr ScatterPart::length_of(int64_t x_axis) const {
  return is_cut(x_axis) ? m.sub(last_, first_) : c.dim(x.dim(x_axis));
}

std::vector<Expr> ScatterPart::inside(std::span<const Expr> at) const {
  std::vector<Expr> index(batch_.begin(), batch_.end());
  for (int64_t k = 0; k < std::ssize(at); ++k) index.push_back(is_cut(g.batch + k) ? m.add(first_, at[k]) : at[k]);
  return index;
}

StmtList ScatterPart::over_part(const std::function<StmtList(std::span<const Expr>)>& body) const {
  std::vector<Expr> extents;
  for (int64_t a = g.batch; a < x.rank(); ++a) extents.push_back(length_of(a));
  return vector_nest(c, extents, body);
}

StmtList ScatterPart::over_row(
    std::span<const Expr> position,
    const std::function<StmtList(std::span<const Expr> at, std::span<const Expr> others)>& body) const {
  std::vector<Expr> extents;
  for (int64_t a : g.others) extents.push_back(length_of(a));
  return vector_nest(c, extents, [&](std::span<const Expr> others) {
    std::vector<Expr> at(x.rank() - g.batch);
    for (size_t k = 0; k < g.axes.size(); ++k) at[g.axes[k] - g.batch] = position[k];
    for (size_t k = 0; k < g.others.size(); ++k) at[g.others[k] - g.batch] = others[k];
    return body(at, others);
  });
}

StmtList ScatterPart::over_updates(const std::function<StmtList(const std::vector<Expr>&)>& body) const {
  std::vector<Expr> extents;
  for (int64_t a = g.batch; a < g.lead; ++a) extents.push_back(c.dim(updates.dim(a)));
  return loop_nest(c, extents, LoopKind::Serial, [&](std::span<const Expr> rest) {
    std::vector<Expr> lead(batch_.begin(), batch_.end());
    lead.insert(lead.end(), rest.begin(), rest.end());
    return body(lead);
  });
}

Expr ScatterPart::update_at(const std::vector<Expr>& lead, std::span<const Expr> others) const {
  std::vector<Expr> from = lead;
  for (size_t k = 0; k < others.size(); ++k) from.push_back(is_cut(g.others[k]) ? m.add(first_, others[k]) : others[k]);
  return c.cast(wide, l.operand(2, from));
}

StmtList ScatterPart::at_position(const std::vector<Expr>& lead,
                                  const std::function<StmtList(std::span<const Expr>)>& row) const {
  std::vector<Expr> index = lead;  // of the update's first element
  index.resize(lead.size() + g.others.size(), c.i64(0));
  const auto read = [&](std::span<const Expr> i) { return l.operand(1, i); };
  const GuardedIndex to = position_expr(c, g, x, mode_of(l.node), index, read);
  StmtList stmts;
  std::vector<Expr> position;
  for (int64_t a : g.axes) {
    const Local* local = c.local("at", {DType::i64, 1}, false);
    stmts.push_back(make_declare(local, to.index[a]));
    position.push_back(c.read(local));
  }
  StmtList body = row(position);
  if (to.valid) body = {make_if(to.valid, std::move(body))};
  stmts.insert(stmts.end(), body.begin(), body.end());
  return stmts;
}

Expr ScatterPart::result_at(std::span<const Expr> at) const {
  return c.cast(wide, c.load(l.result_buffer(0), inside(at)));
}

StmtPtr ScatterPart::store_result(std::span<const Expr> at, Expr value) const {
  return make_store(l.result_buffer(0), inside(at), c.cast(x.dtype(), value));
}

const Buffer* ScatterPart::scratch(const char* name, DType dtype, std::vector<Dim> shape) const {
  return c.buffer({name, dtype, std::move(shape), BufferKind::Scratch});
}

}  // namespace strata::ops
