#include "strata/compiler/backends/kernel_work.h"

#include <algorithm>
#include <unordered_set>

#include "strata/ir/loops/known_values.h"

namespace strata::compiler {

using namespace ir::loops;
using ir::DType;

KernelWork& KernelWork::operator+=(const KernelWork& other) {
  operations += other.operations;
  bytes_loaded += other.bytes_loaded;
  bytes_stored += other.bytes_stored;
  return *this;
}

KernelWork KernelWork::operator*(int64_t times) const {
  return {operations * times, bytes_loaded * times, bytes_stored * times};
}

namespace {

class Counter {
 public:
  Counter(const Kernel& kernel, std::span<const int64_t> dims) : known_(kernel, dims) {}

  KernelWork body(const std::vector<StmtPtr>& statements) {
    KernelWork work;
    for (const StmtPtr& stmt : statements) work += statement(*stmt);
    return work;
  }

 private:
  KernelWork statement(const Stmt& stmt) {
    KernelWork work;
    seen_.clear();
    for (Expr root : {stmt.value, stmt.mask, stmt.begin, stmt.end}) add_expr(root, work);
    for (Expr index : stmt.indices) add_expr(index, work);
    if (stmt.kind == StmtKind::Store && in_memory(stmt.buffer)) {
      int lanes = 1;
      for (Expr index : stmt.indices) lanes = std::max<int>(lanes, index->type.lanes);
      work.bytes_stored += lanes * ir::dtype_bytes(stmt.buffer->dtype);
    }
    known_.declare(stmt);
    if (stmt.kind == StmtKind::For) return work += body_of_loop(stmt);
    work += body(stmt.body);
    work += body(stmt.otherwise);
    return work;
  }

  KernelWork body_of_loop(const Stmt& loop) {
    const int64_t trips = known_.steps_of(loop).value_or(1);
    known_.enter(loop.loop, known_.of(loop.begin));
    const KernelWork once = body(loop.body);
    known_.leave(loop.loop);
    return once * trips;
  }

  static bool in_memory(const Buffer* buffer) { return buffer->kind != BufferKind::Register; }

  void add_expr(Expr e, KernelWork& work) {
    if (!e || !seen_.insert(e).second) return;
    for (int i = 0; i < e->arg_count; ++i) add_expr(e->args[i], work);
    if (e->op == ExprOp::Load && in_memory(e->buffer))
      work.bytes_loaded += e->type.lanes * ir::dtype_bytes(e->type.dtype);
    const bool arithmetic = e->op >= ExprOp::Neg && e->op != ExprOp::Cast && e->op != ExprOp::Bitcast;
    if (!arithmetic || e->args[e->arg_count - 1]->type.dtype == DType::i64) return;
    work.operations += e->type.lanes * (e->op == ExprOp::Fma || e->op == ExprOp::FmaFlushed ? 2 : 1);
  }

  KnownValues known_;
  std::unordered_set<Expr> seen_;
};

}  // namespace

KernelWork count_work(const Kernel& kernel, std::span<const int64_t> dims) {
  return Counter(kernel, dims).body(kernel.body);
}

}  // namespace strata::compiler
