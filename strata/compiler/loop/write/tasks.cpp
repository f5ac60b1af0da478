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

/// How an axis is cut: whole without a count.
struct Cut {
  Expr extent, count = nullptr;
  std::function<TaskRange(Expr number)> range;
};

Cut whole(Expr extent) { return {extent, nullptr, {}}; }

/// In chunks, the last of which may be shorter.
Cut in_chunks(LoopContext& c, Expr extent, Expr chunk) {
  if (chunk == extent) return whole(extent);
  return {extent, ceil_div(c, extent, chunk), [&c, extent, chunk](Expr number) -> TaskRange {
            const Expr low = c.binary(ExprOp::Mul, number, chunk);
            const auto points = constant_value(extent), piece = constant_value(chunk);
            return {low, c.binary(ExprOp::Min, extent, c.binary(ExprOp::Add, low, chunk)),
                    points && piece ? std::max<int64_t>(1, std::gcd(*points, *piece)) : 1};
          }};
}

/// In as many pieces, of which none has more than one unit more than another.
Cut in_even_pieces(LoopContext& c, int64_t extent, int64_t piece, int64_t unit) {
  const int64_t pieces = (extent + piece - 1) / piece, units = (extent + unit - 1) / unit;
  if (units % pieces == 0) return in_chunks(c, c.i64(extent), c.i64(units / pieces * unit));
  return {c.i64(extent), c.i64(pieces), [=, &c](Expr number) -> TaskRange {
            const auto before = [&](Expr n) {
              const Expr whole = c.binary(ExprOp::FloorDiv, c.binary(ExprOp::Mul, n, c.i64(units)), c.i64(pieces));
              return c.binary(ExprOp::Mul, whole, c.i64(unit));
            };
            const Expr end = before(c.binary(ExprOp::Add, number, c.i64(1)));
            return {before(number), c.binary(ExprOp::Min, c.i64(extent), end), extent % unit == 0 ? unit : 1};
          }};
}

StmtPtr tasks_of(LoopContext& c, std::span<const Cut> cuts, const TaskBody& body) {
  const LoopVar* task = c.loop_var("task");
  std::vector<StmtPtr> stmts;
  std::vector<TaskRange> ranges(cuts.size());
  Expr count = c.i64(1), rest = c.loop(task);
  for (size_t k = cuts.size(); k-- > 0;) {
    if (!cuts[k].count) {
      ranges[k] = {c.i64(0), cuts[k].extent, constant_value(cuts[k].extent).value_or(1)};
      continue;
    }
    const Expr here = cuts[k].count;
    count = c.binary(ExprOp::Mul, count, here);
    const Local* t = c.local("t" + std::to_string(k), {ir::DType::i64, 1}, false);
    stmts.push_back(make_declare(t, c.binary(ExprOp::FloorMod, rest, here)));
    const Local* q = c.local("q" + std::to_string(k), {ir::DType::i64, 1}, false);
    stmts.push_back(make_declare(q, c.binary(ExprOp::FloorDiv, rest, here)));
    rest = c.read(q);
    ranges[k] = cuts[k].range(c.read(t));
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

}  // namespace

StmtPtr tasks_of_chunks(LoopContext& c, std::span<const Dim> extents, std::span<const Expr> chunks,
                        const TaskBody& body) {
  std::vector<Cut> cuts;
  for (size_t k = 0; k < extents.size(); ++k) cuts.push_back(in_chunks(c, c.dim(extents[k]), chunks[k]));
  return tasks_of(c, cuts, body);
}

StmtPtr tasks_of_pieces(LoopContext& c, std::span<const TaskAxis> axes, const TaskBody& body) {
  std::vector<Cut> cuts;
  for (const auto& [extent, piece, unit] : axes) {
    const bool is_known = extent.is_constant();
    if (is_known && extent.constant() <= piece)
      cuts.push_back(whole(c.dim(extent)));
    else
      cuts.push_back(is_known && unit > 0 && piece % unit == 0 ? in_even_pieces(c, extent.constant(), piece, unit)
                                                               : in_chunks(c, c.dim(extent), c.i64(piece)));
  }
  return tasks_of(c, cuts, body);
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
