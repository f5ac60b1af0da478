#include "strata/compiler/loop/nest/access.h"

#include <algorithm>

#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/loops/legality.h"
#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

Stride stride_in(LinearIndices& indices, Expr index, Expr loop) {
  const LinearIndex form = indices.of(index);
  Stride stride = Stride::Uniform;
  for (const auto& [atom, coefficient] : form.terms) {
    if (atom == loop)
      stride = coefficient == Dim(1) && stride == Stride::Uniform ? Stride::Contiguous : Stride::Other;
    else if (depends_on(atom, loop->loop))
      return Stride::Other;
  }
  return stride;
}

double BodyWork::vector_cost(int lanes) const {
  return uniform_loads + contiguous_loads + contiguous_stores + operations +
         lanes * (1.5 * other_loads + 2.0 * other_stores);
}

namespace {

bool is_scalar_index(Expr e) { return e->type == ScalarType{DType::i64, 1} && !reads_memory(e); }

/// Calls f with each node that computes or moves data: not with those of indices.
void for_each_value(Expr e, std::unordered_set<Expr>& seen, const std::function<void(Expr)>& f) {
  if (!seen.insert(e).second || is_scalar_index(e)) return;
  f(e);
  if (e->op == ExprOp::Load) return;
  for (int i = 0; i < e->arg_count; ++i) for_each_value(e->args[i], seen, f);
}

void for_each_value(std::span<const StmtPtr> body, const std::function<void(Expr)>& f) {
  std::unordered_set<Expr> seen;
  for_each_stmt(body, [&](const Stmt& stmt) {
    for (Expr e : {stmt.value, stmt.mask})
      if (e) for_each_value(e, seen, f);
  });
}

bool reads_locals(Expr e) {
  return any_node(e, [](Expr node) { return node->op == ExprOp::Read; });
}

/// Not what is of one iteration alone, as locals are.
bool in_memory(const Buffer* buffer) { return buffer->kind != BufferKind::Register && !has_lane_axis(*buffer); }

}  // namespace

BodyWork work_along(const Nest& nest, LinearIndices& indices, LoopContext& c, const NestLoop& loop) {
  BodyWork work;
  const Expr var = c.loop(loop.var);
  for_each_value(nest.body, [&](Expr e) {
    if (e->op != ExprOp::Load) {
      work.operations += op_rule(e->op).domain != Domain::None ? 1 : 0;
      return;
    }
    if (!in_memory(e->buffer)) return;
    work.bytes += static_cast<int>(ir::dtype_bytes(e->buffer->dtype));
    Stride stride = Stride::Uniform;
    for (int i = 0; i < e->arg_count; ++i) stride = std::max(stride, stride_in(indices, e->args[i], var));
    (stride == Stride::Uniform      ? work.uniform_loads
     : stride == Stride::Contiguous ? work.contiguous_loads
                                    : work.other_loads)++;
  });
  for_each_stmt(nest.body, [&](const Stmt& stmt) {
    if (stmt.kind != StmtKind::Store || !in_memory(stmt.buffer)) return;
    work.bytes += static_cast<int>(ir::dtype_bytes(stmt.buffer->dtype));
    Stride stride = Stride::Uniform;
    for (Expr index : stmt.indices) stride = std::max(stride, stride_in(indices, index, var));
    work.has_shared_store |= stride == Stride::Uniform;
    (stride == Stride::Contiguous ? work.contiguous_stores : work.other_stores)++;
  });
  return work;
}

int lanes_of(ir::DType dtype, const machine::VectorUnit& vectors) {
  return vectors.lanes(ir::is_half_float(dtype) ? 4 : ir::dtype_bytes(dtype));
}

int body_lanes(std::span<const StmtPtr> body, const machine::VectorUnit& vectors, const LoopVar* along) {
  int fewest = vectors.lanes(1);
  for_each_value(body, [&](Expr e) {
    const int lanes = lanes_of(e->type.dtype, vectors);
    if (lanes < fewest && (!along || depends_on(e, along) || reads_locals(e))) fewest = lanes;
  });
  return fewest;
}

int best_vector_loop(const Nest& nest, LoopContext& c, const ir::Facts& facts, int lanes) {
  LinearIndices indices = indices_of(nest, c, facts);
  int best = -1;
  double best_gain = 1.0;
  for (size_t i = nest.loops.size(); i-- > 0;) {
    const BodyWork work = work_along(nest, indices, c, nest.loops[i]);
    if (work.has_shared_store) continue;
    int here = lanes;
    const Dim extent = nest.loops[i].extent;
    while (extent.is_constant() && here > 1 && here > extent.constant()) here /= 2;
    if (here < 2) continue;
    // A store that scatters costs its lines twice over: break ties in favour of contiguous stores.
    const double gain = work.scalar_cost(here) / (work.vector_cost(here) + 0.5 * work.other_stores * here);
    if (gain <= best_gain) continue;
    best = static_cast<int>(i);
    best_gain = gain;
  }
  return best;
}

bool order_loops(Nest& nest, LinearIndices& indices, LoopContext& c, int vector, bool has_strided_loads) {
  const NestLoop along = nest.loops[vector];
  nest.loops.erase(nest.loops.begin() + vector);
  bool is_blocked = false;
  for (size_t i = 0; has_strided_loads && i < nest.loops.size() && !is_blocked; ++i) {
    if (work_along(nest, indices, c, nest.loops[i]).contiguous_loads == 0) continue;
    const auto at = nest.loops.begin() + static_cast<int64_t>(i);
    std::rotate(at, at + 1, nest.loops.end());
    is_blocked = !(along.extent.is_constant() && along.extent.constant() <= 2 * kTransposeBlock);
  }
  nest.loops.push_back(along);
  return is_blocked;
}

bool is_lane_loop(const Stmt& stmt) {
  return stmt.kind == StmtKind::For && stmt.loop_kind == LoopKind::Vector &&
         constant_value(stmt.end).value_or(kReductionLanes + 1) <= kReductionLanes;
}

bool has_lane_axis(const Buffer& buffer) {
  return buffer.kind == BufferKind::Scratch && buffer.shape.size() > 1 && buffer.shape.back() == Dim(1);
}

bool has_lane_loops(const Nest& nest) {
  bool has_memory = false, has_lanes = false, branches = false;
  for_each_stmt(nest.body, [&](const Stmt& s) {
    has_memory |= s.kind == StmtKind::Alloc;
    has_lanes |= is_lane_loop(s);
    branches |= s.kind == StmtKind::While || s.kind == StmtKind::If || s.kind == StmtKind::Check;
  });
  return has_memory && has_lanes && !branches;
}

std::string obstacle_of(const Nest& nest) {
  if (has_lane_loops(nest)) return "";
  std::string reason;
  for_each_stmt(nest.body, [&](const Stmt& stmt) {
    // What depends on loops alone, as the joins of blocks, is the same for all lanes, or becomes a mask.
    const bool is_of_loops = stmt.kind == StmtKind::If && !any_node(stmt.value, [](Expr e) {
                               return e->op == ExprOp::Load || e->op == ExprOp::Read;
                             });
    if (stmt.kind == StmtKind::While || (stmt.kind == StmtKind::If && !is_of_loops)) reason = "it branches on data";
    if (stmt.kind == StmtKind::Check) reason = "it checks positions in order";
    if (stmt.kind == StmtKind::Alloc && !has_lane_axis(*stmt.buffer) && reason.empty())
      reason = "it has memory of its own";
  });
  return reason;
}

namespace {

void add_independent(std::span<const StmtPtr> stmts, bool with_lanes, std::vector<StmtPtr>& found) {
  for (const StmtPtr& stmt : stmts) {
    if (stmt->kind == StmtKind::For && stmt->loop_kind == LoopKind::Vector) {
      if (with_lanes || !is_lane_loop(*stmt)) found.push_back(stmt);
      continue;
    }
    add_independent(stmt->body, with_lanes, found);
    add_independent(stmt->otherwise, with_lanes, found);
  }
}

}  // namespace

std::vector<StmtPtr> independent_loops(const Nest& nest) {
  std::vector<StmtPtr> found;
  add_independent(nest.body, !has_lane_loops(nest), found);
  return found;
}

}  // namespace strata::compiler
