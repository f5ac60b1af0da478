#include "strata/compiler/backends/kernel_work.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

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
  Counter(const Kernel& kernel, std::span<const int64_t> dims) {
    for (size_t i = 0; i < kernel.dims.size() && i < dims.size(); ++i) dims_[kernel.dims[i]] = dims[i];
  }

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
    if (stmt.kind == StmtKind::For) return work += body_of_loop(stmt);
    work += body(stmt.body);
    work += body(stmt.otherwise);
    return work;
  }

  KernelWork body_of_loop(const Stmt& loop) {
    const auto begin = value(loop.begin), end = value(loop.end);
    const int64_t trips = begin && end ? std::max<int64_t>(0, (*end - *begin + loop.step - 1) / loop.step) : 1;
    if (begin) loops_[loop.loop] = *begin;
    const KernelWork once = body(loop.body);
    loops_.erase(loop.loop);
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
    work.operations += e->type.lanes * (e->op == ExprOp::Fma ? 2 : 1);
  }

  /// The value of a bound, if it depends on nothing but dimensions and loops that are being counted.
  std::optional<int64_t> value(Expr e) {
    switch (e->op) {
      case ExprOp::Constant:
        return e->bits;
      case ExprOp::DimSymbol: {
        const auto found = dims_.find(e->symbol);
        return found == dims_.end() ? std::nullopt : std::optional(found->second);
      }
      case ExprOp::Loop: {
        const auto found = loops_.find(e->loop);
        return found == loops_.end() ? std::nullopt : std::optional(found->second);
      }
      default:
        break;
    }
    if (e->arg_count != 2 || e->type != ScalarType{DType::i64, 1}) return std::nullopt;
    const auto a = value(e->args[0]), b = value(e->args[1]);
    return a && b ? combined(e->op, *a, *b) : std::nullopt;
  }

  static std::optional<int64_t> combined(ExprOp op, int64_t a, int64_t b) {
    switch (op) {
      case ExprOp::Add:
        return a + b;
      case ExprOp::Sub:
        return a - b;
      case ExprOp::Mul:
        return a * b;
      case ExprOp::Min:
        return std::min(a, b);
      case ExprOp::Max:
        return std::max(a, b);
      case ExprOp::FloorDiv:
        return b <= 0 ? std::nullopt : std::optional(a / b - (a % b < 0));
      case ExprOp::FloorMod:
        return b <= 0 ? std::nullopt : std::optional((a % b + b) % b);
      default:
        return std::nullopt;
    }
  }

  std::unordered_map<std::string_view, int64_t> dims_;
  std::unordered_map<const LoopVar*, int64_t> loops_;
  std::unordered_set<Expr> seen_;
};

}  // namespace

KernelWork count_work(const Kernel& kernel, std::span<const int64_t> dims) {
  return Counter(kernel, dims).body(kernel.body);
}

}  // namespace strata::compiler
