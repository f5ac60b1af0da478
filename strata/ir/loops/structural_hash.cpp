#include "strata/ir/loops/structural_hash.h"

#include <unordered_map>

namespace strata::ir::loops {
namespace {

using base::combine;
using base::Hash128;

class Hasher {
 public:
  Hash128 kernel(const Kernel& kernel) {
    add(1);  // version of this hash
    for (const Buffer* param : kernel.params) bind(param);
    add(kernel.dims.size());
    for (const std::string& dim : kernel.dims) {
      add(base::hash_text(dim));
      const SymbolFact fact = kernel.facts.of(dim);
      add(static_cast<uint64_t>(fact.lowest));
      add(static_cast<uint64_t>(fact.highest));
      add(static_cast<uint64_t>(fact.multiple));
    }
    statements(kernel.body);
    return hash_;
  }

 private:
  void add(uint64_t word) { hash_ = combine(hash_, word); }
  void add(Hash128 hash) { hash_ = combine(hash_, hash); }

  /// Binders are numbered in program order. What is bound again gets a new number, and then no hash of an expression
  /// that was computed with the old one may be used.
  uint64_t number(const void* object) {
    const auto [at, is_new] = numbers_.try_emplace(object, next_);
    if (!is_new) {
      at->second = next_;
      hashes_.clear();
    }
    return next_++;
  }
  uint64_t number_of(const void* object) const {
    const auto at = numbers_.find(object);
    return at == numbers_.end() ? UINT64_MAX : at->second;
  }

  void bind(const Buffer* buffer) {
    add(number(buffer));
    add(static_cast<uint64_t>(buffer->dtype) | static_cast<uint64_t>(buffer->kind) << 8);
    add(buffer->shape.size());
    for (Dim d : buffer->shape) add(d.hash());
  }

  static uint64_t type_word(ScalarType type) {
    return static_cast<uint64_t>(type.dtype) | static_cast<uint64_t>(type.lanes) << 8;
  }

  Hash128 payload(Expr e) const {
    switch (e->op) {
      case ExprOp::DimSymbol:
        return base::hash_text(e->symbol);
      case ExprOp::Loop:
        return {number_of(e->loop), 1};
      case ExprOp::Read:
        return {number_of(e->local), 2};
      case ExprOp::Load:
        return {number_of(e->buffer), 3};
      default:
        return {e->bits, 0};
    }
  }

  Hash128 expression(Expr e) {
    if (!e) return {};
    if (const auto found = hashes_.find(e); found != hashes_.end()) return found->second;
    Hash128 hash = combine(payload(e), static_cast<uint64_t>(e->op) << 32 | type_word(e->type));
    for (int i = 0; i < e->arg_count; ++i) hash = combine(hash, expression(e->args[i]));
    return hashes_[e] = hash;
  }

  void statements(const std::vector<StmtPtr>& stmts) {
    add(stmts.size());
    for (const StmtPtr& stmt : stmts) statement(*stmt);
  }

  void statement(const Stmt& stmt) {
    add(static_cast<uint64_t>(stmt.kind) | static_cast<uint64_t>(stmt.loop_kind) << 8);
    add(static_cast<uint64_t>(stmt.step));
    for (Expr e : {stmt.begin, stmt.end, stmt.value, stmt.mask}) add(expression(e));
    if (stmt.wave) add(expression(stmt.wave));
    add(stmt.indices.size());
    for (Expr index : stmt.indices) add(expression(index));
    if (stmt.kind == StmtKind::For) add(number(stmt.loop));
    if (stmt.block) {
      add(static_cast<uint64_t>(stmt.block));
      add(static_cast<uint64_t>(stmt.outer_loops) << 32 | static_cast<uint64_t>(stmt.inner_loops));
      add(number_of(stmt.local));
    }
    if (stmt.kind == StmtKind::Declare) {
      add(number(stmt.local));
      add(type_word(stmt.local->type) | static_cast<uint64_t>(stmt.local->is_mutable) << 32);
    }
    if (stmt.kind == StmtKind::Assign) add(number_of(stmt.local));
    if (stmt.kind == StmtKind::Store || stmt.kind == StmtKind::Prefetch) add(number_of(stmt.buffer));
    if (stmt.kind == StmtKind::Alloc) bind(stmt.buffer);
    statements(stmt.body);
    statements(stmt.otherwise);
  }

  Hash128 hash_;
  uint64_t next_ = 0;
  std::unordered_map<const void*, uint64_t> numbers_;
  std::unordered_map<Expr, Hash128> hashes_;
};

}  // namespace

Hash128 structural_hash(const Kernel& kernel) { return Hasher().kernel(kernel); }

}  // namespace strata::ir::loops
