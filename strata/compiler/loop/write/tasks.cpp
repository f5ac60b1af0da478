#include "strata/compiler/loop/write/tasks.h"

#include <numeric>

#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

Expr ceil_div(LoopContext& c, Expr a, Expr b) {
  const Expr top = c.binary(ExprOp::Sub, c.binary(ExprOp::Add, a, b), c.i64(1));
  return c.binary(ExprOp::FloorDiv, top, b);
}

}  // namespace

StmtPtr tasks_of_chunks(LoopContext& c, std::span<const Dim> extents, std::span<const Expr> chunks,
                        const TaskBody& body) {
  const LoopVar* task = c.loop_var("task");
  std::vector<StmtPtr> stmts;
  std::vector<TaskRange> ranges(extents.size());
  Expr count = c.i64(1), rest = c.loop(task);
  for (size_t k = extents.size(); k-- > 0;) {
    const Expr extent = c.dim(extents[k]), chunk = chunks[k];
    if (chunk == extent) {
      ranges[k] = {c.i64(0), extent, constant_value(extent).value_or(1)};
      continue;
    }
    const Expr here = ceil_div(c, extent, chunk);
    count = c.binary(ExprOp::Mul, count, here);
    const Local* t = c.local("t" + std::to_string(k), {ir::DType::i64, 1}, false);
    stmts.push_back(make_declare(t, c.binary(ExprOp::FloorMod, rest, here)));
    const Local* q = c.local("q" + std::to_string(k), {ir::DType::i64, 1}, false);
    stmts.push_back(make_declare(q, c.binary(ExprOp::FloorDiv, rest, here)));
    rest = c.read(q);
    const Expr low = c.binary(ExprOp::Mul, c.read(t), chunk);
    const auto points = constant_value(extent), piece = constant_value(chunk);
    ranges[k] = {low, c.binary(ExprOp::Min, extent, c.binary(ExprOp::Add, low, chunk)),
                 points && piece ? std::max<int64_t>(1, std::gcd(*points, *piece)) : 1};
    for (Expr* bound : {&ranges[k].low, &ranges[k].high}) {
      const Local* named =
          c.local((bound == &ranges[k].low ? "low" : "high") + std::to_string(k), {ir::DType::i64, 1}, false);
      stmts.push_back(make_declare(named, *bound));
      *bound = c.read(named);
    }
  }
  const std::vector<StmtPtr> inner = body(ranges);
  stmts.insert(stmts.end(), inner.begin(), inner.end());
  // No task where an extent is 0: then some chunk count is 0, or the whole range is empty.
  return make_for(task, c.i64(0), count, LoopKind::Parallel, std::move(stmts));
}

StmtPtr tasks_of_pieces(LoopContext& c, std::span<const TaskAxis> axes, const TaskBody& body) {
  std::vector<Dim> extents;
  std::vector<Expr> chunks;
  for (const TaskAxis& axis : axes) {
    const bool is_whole = axis.extent.is_constant() && axis.extent.constant() <= axis.piece;
    extents.push_back(axis.extent);
    chunks.push_back(is_whole ? c.dim(axis.extent) : c.i64(axis.piece));
  }
  return tasks_of_chunks(c, extents, chunks, body);
}

StmtPtr cut_into_tasks(LoopContext& c, std::span<const Dim> extents, int64_t points, int64_t align,
                       const TaskBody& body) {
  std::vector<Expr> chunks(extents.size());
  Dim inner = 1;
  bool is_open = true;  // still whole
  for (size_t k = extents.size(); k-- > 0;) {
    const Dim extent = extents[k];
    if (inner.is_constant() && extent.is_constant()) {
      const int64_t room = std::max<int64_t>(1, points / std::max<int64_t>(1, inner.constant()));
      const bool fits = extent.constant() <= room;
      chunks[k] = c.i64(is_open && fits ? extent.constant() : is_open ? room : 1);
      if (is_open && !fits && inner == Dim(1)) chunks[k] = c.i64(std::max<int64_t>(align, room / align * align));
      is_open = is_open && fits;
    } else {
      // max(1, min(extent, points / inner)), of dimensions only
      Expr room = inner == Dim(1)
                      ? c.i64(std::max<int64_t>(align, points / align * align))
                      : c.binary(ExprOp::FloorDiv, c.i64(points), c.binary(ExprOp::Max, c.i64(1), c.dim(inner)));
      if (!is_open) room = c.i64(1);
      chunks[k] = c.binary(ExprOp::Max, c.i64(1), c.binary(ExprOp::Min, c.dim(extent), room));
    }
    inner = inner * extent;
  }
  return tasks_of_chunks(c, extents, chunks, body);
}

}  // namespace strata::compiler
