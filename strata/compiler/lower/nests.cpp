#include "strata/compiler/lower/nests.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

std::string axis_name(const char* prefix, size_t i) { return prefix + std::to_string(i); }

LoopKind mark(size_t axis, size_t count) {
  if (axis == 0) return LoopKind::Parallel;
  return axis + 1 == count ? LoopKind::Vector : LoopKind::Serial;
}

/// Loops over `extents`, outermost first, all of `kind` (or marked as the result's axes are), around body(index).
Stmts nest(LoopContext& c, std::span<const Dim> extents, const char* prefix, bool is_result, const PointBody& body) {
  std::vector<const LoopVar*> vars;
  std::vector<Expr> index;
  for (size_t i = 0; i < extents.size(); ++i) {
    vars.push_back(c.loop_var(axis_name(prefix, i)));
    index.push_back(c.loop(vars.back()));
  }
  Stmts inner = body(index);
  for (size_t i = extents.size(); i-- > 0;)
    inner = {make_for(vars[i], c.i64(0), c.dim(extents[i]), is_result ? mark(i, extents.size()) : LoopKind::Serial,
                      std::move(inner))};
  return inner;
}

/// Index per axis of a flattened row-major index.
std::vector<Expr> unflatten(LoopContext& c, Expr flat, std::span<const Dim> extents) {
  std::vector<Expr> index(extents.size());
  for (size_t i = extents.size(); i-- > 0;) {
    if (i == 0) {
      index[i] = flat;
      break;
    }
    const Expr extent = c.dim(extents[i]);
    index[i] = c.binary(ExprOp::FloorMod, flat, extent);
    flat = c.binary(ExprOp::FloorDiv, flat, extent);
  }
  return index;
}

std::vector<Expr> joined(std::span<const Expr> a, std::span<const Expr> b) {
  std::vector<Expr> both(a.begin(), a.end());
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

/// 32 lanes and a tree, at one result index.
Stmts fold_in_lanes(LoopContext& c, const ir::ReductionForm& form, std::span<const Expr> kept, const Local*& total) {
  const DType dtype = form.identity->type.dtype;
  const Expr extent = c.dim(ir::product(form.reduced)), width = c.i64(kReductionLanes);
  const Buffer* lanes = c.buffer({"lanes", dtype, {Dim(kReductionLanes)}, BufferKind::Register});
  const LoopVar* l = c.loop_var("l");
  const Expr lane = c.loop(l);
  auto term = [&](Expr r) { return form.term(joined(kept, unflatten(c, r, form.reduced))); };
  auto over_lanes = [&](Expr value) {
    return make_for(l, c.i64(0), width, LoopKind::Vector, {make_store(lanes, {lane}, value)});
  };
  Stmts body = {make_alloc(lanes), over_lanes(form.identity)};
  const LoopVar* block = c.loop_var("rb");
  const Expr blocks = c.binary(ExprOp::FloorDiv, extent, width);
  const Expr index = c.binary(ExprOp::Add, c.binary(ExprOp::Mul, c.loop(block), width), lane);
  body.push_back(make_for(block, c.i64(0), blocks, LoopKind::Serial,
                          {over_lanes(form.combine(c.load(lanes, {lane}), term(index)))}));
  const Expr rest = c.binary(ExprOp::FloorMod, extent, width);
  if (rest->op != ExprOp::Constant || rest->bits != 0) {
    // Padding with the identity changes no lane: combine(x, identity) is x for every x that a lane can hold.
    const Buffer* tail = c.buffer({"tail", dtype, {Dim(kReductionLanes)}, BufferKind::Scratch});
    const LoopVar* t = c.loop_var("t");
    const Expr start = c.binary(ExprOp::Mul, blocks, width);
    body.push_back(make_alloc(tail));
    body.push_back(make_for(l, c.i64(0), width, LoopKind::Vector, {make_store(tail, {lane}, form.identity)}));
    body.push_back(make_for(t, c.i64(0), rest, LoopKind::Serial,
                            {make_store(tail, {c.loop(t)}, term(c.binary(ExprOp::Add, start, c.loop(t))))}));
    body.push_back(over_lanes(form.combine(c.load(lanes, {lane}), c.load(tail, {lane}))));
  }
  for (int64_t s = kReductionLanes / 2; s >= 1; s /= 2)
    body.push_back(make_for(
        l, c.i64(0), c.i64(s), s >= 4 ? LoopKind::Vector : LoopKind::Unrolled,
        {make_store(lanes, {lane},
                    form.combine(c.load(lanes, {lane}), c.load(lanes, {c.binary(ExprOp::Add, lane, c.i64(s))})))}));
  total = c.local("total", {dtype, 1}, false);
  body.push_back(make_declare(total, c.load(lanes, {c.i64(0)})));
  return body;
}

/// One ascending chain, in chunks, at one result index.
Stmts fold_in_chain(LoopContext& c, const ir::ReductionForm& form, std::span<const Expr> kept, const Local*& total) {
  const DType dtype = form.identity->type.dtype;
  const Dim extent = ir::product(form.reduced);
  const Local* acc = c.local("acc", {dtype, 1}, true);
  auto term = [&](std::span<const Expr> r) { return form.term(joined(kept, r)); };
  if (extent.is_constant() && extent.constant() <= kChainChunk) {
    total = acc;
    Stmts body = {make_declare(acc, form.identity)};
    Stmts loops = nest(c, form.reduced, "r", false, [&](std::span<const Expr> r) -> Stmts {
      return {make_assign(acc, form.combine(c.read(acc), term(r)))};
    });
    body.insert(body.end(), loops.begin(), loops.end());
    return body;
  }
  const Local* sum = c.local("total", {dtype, 1}, true);
  total = sum;
  const LoopVar *chunk = c.loop_var("chunk"), *r = c.loop_var("r");
  const Expr first = c.binary(ExprOp::Mul, c.loop(chunk), c.i64(kChainChunk));
  const Expr last = c.binary(ExprOp::Min, c.binary(ExprOp::Add, first, c.i64(kChainChunk)), c.dim(extent));
  const Expr value = term(unflatten(c, c.loop(r), form.reduced));
  Stmts body = {make_declare(sum, form.identity)};
  body.push_back(
      make_for(chunk, c.i64(0), c.dim(ir::ceil_div(extent, Dim(kChainChunk))), LoopKind::Serial,
               {make_declare(acc, form.identity),
                make_for(r, first, last, LoopKind::Serial, {make_assign(acc, form.combine(c.read(acc), value))}),
                make_assign(sum, form.combine(c.read(sum), c.read(acc)))}));
  return body;
}

}  // namespace

Stmts element_nest(LoopContext& c, std::span<const Dim> extents, const PointBody& body) {
  return nest(c, extents, "i", true, body);
}

Stmts reduction_nest(LoopContext& c, const ir::ReductionForm& form, const StoreBody& store) {
  return nest(c, form.kept, "i", true, [&](std::span<const Expr> kept) {
    const Local* total = nullptr;
    Stmts body = form.is_last_axis_reduced ? fold_in_lanes(c, form, kept, total) : fold_in_chain(c, form, kept, total);
    const Expr value = form.finish ? form.finish(c.read(total)) : c.read(total);
    const Stmts stores = store(kept, value);
    body.insert(body.end(), stores.begin(), stores.end());
    return body;
  });
}

Stmts contraction_nest(LoopContext& c, const ir::ContractionForm& form, DType dtype, const StoreBody& store) {
  std::vector<Dim> extents = form.batch;
  extents.insert(extents.end(), form.rows.begin(), form.rows.end());
  extents.insert(extents.end(), form.columns.begin(), form.columns.end());
  const size_t batch = form.batch.size(), rows = form.rows.size();
  return nest(c, extents, "i", true, [&](std::span<const Expr> index) {
    const std::span<const Expr> b = index.subspan(0, batch), row = index.subspan(batch, rows),
                                column = index.subspan(batch + rows);
    const Local* acc = c.local("acc", {dtype, 1}, true);
    Stmts body = {make_declare(acc, c.constant(dtype, 0))};
    Stmts depth = nest(c, form.depth, "k", false, [&](std::span<const Expr> k) -> Stmts {
      const Expr lhs = form.lhs(joined(joined(b, row), k)), rhs = form.rhs(joined(joined(b, column), k));
      const Expr next = is_float(dtype) ? c.fma(lhs, rhs, c.read(acc))
                                        : c.binary(ExprOp::Add, c.binary(ExprOp::Mul, lhs, rhs), c.read(acc));
      return {make_assign(acc, next)};
    });
    body.insert(body.end(), depth.begin(), depth.end());
    const Expr value = form.finish ? form.finish(c.read(acc)) : c.read(acc);
    const Stmts stores = store(form.result_index(index), value);
    body.insert(body.end(), stores.begin(), stores.end());
    return body;
  });
}

}  // namespace strata::compiler
