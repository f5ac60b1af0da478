// From a kernel to the interpreter's program.
//
// A value that depends on no memory and no mutable local is computed once, in the innermost scope that binds something
// it is made of: constants in the initial registers, the rest in front of the loops that don't change it. All other
// values are computed once per statement. Nothing is moved that could be seen: every op is total, and loads stay in
// their statement.
#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/interpret/program.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/loops/legality.h"

namespace strata::ir::loops {
namespace {

using base::Error;

class Compiler {
 public:
  explicit Compiler(const Kernel& kernel) : kernel_(kernel) {
    program_.context = kernel.context;
    program_.dims = kernel.dims;
    program_.param_count = kernel.params.size();
    for (const Buffer* param : kernel.params) slot(param);
    scopes_.emplace_back();
  }

  InterpreterProgram compile() && {
    statements(kernel_.body);
    program_.code = std::move(scopes_[0].code);
    program_.code.push_back({});
    return std::move(program_);
  }

 private:
  struct Scope {
    std::vector<Instruction> code;
    std::unordered_map<Expr, uint32_t> values;  ///< pure values computed in this scope
    std::vector<const Local*> locals;
    std::vector<const Buffer*> buffers;
  };
  /// How far out a value may be computed: the scope's number; kStatement: not outside of its statement.
  static constexpr int kStatement = 1 << 30;

  uint32_t cells(int count) {
    const auto first = static_cast<uint32_t>(program_.registers.size());
    program_.registers.resize(first + static_cast<size_t>(count));
    return first;
  }

  uint32_t slot(const Buffer* buffer) {
    const auto [at, is_new] = slots_.try_emplace(buffer, static_cast<uint32_t>(program_.buffers.size()));
    if (is_new) program_.buffers.push_back(buffer);
    return at->second;
  }

  uint32_t bound_slot(const Buffer* buffer) {
    const auto at = slots_.find(buffer);
    if (at == slots_.end())
      throw Error(base::code::kBrokenLoops, fmt::format("%{} is used where it does not exist", buffer->name));
    return at->second;
  }

  template <class Map, class Key>
  static auto bound(const Map& map, Key key, const char* what) {
    const auto at = map.find(key);
    if (at == map.end())
      throw Error(base::code::kBrokenLoops, fmt::format("{} {} is used outside of its scope", what, key->name));
    return at->second;
  }

  // Expressions.

  int depth_of(Expr e) {
    if (auto found = depths_.find(e); found != depths_.end()) return found->second;
    int depth = 0;
    if (e->op == ExprOp::Loop) depth = bound(loops_, e->loop, "loop variable").depth;
    if (e->op == ExprOp::Read) depth = e->local->is_mutable ? kStatement : bound(locals_, e->local, "local").depth;
    if (e->op == ExprOp::Load) depth = kStatement;
    for (int i = 0; i < e->arg_count; ++i) depth = std::max(depth, depth_of(e->args[i]));
    return depths_[e] = depth;
  }

  /// The first register of the value. Emits what computes it, unless it is at hand.
  uint32_t value(Expr e) {
    if (e->op == ExprOp::Loop) return bound(loops_, e->loop, "loop variable").cell;
    if (e->op == ExprOp::Read) return bound(locals_, e->local, "local").cell;
    const int depth = depth_of(e);
    auto& values = depth == kStatement ? statement_values_ : scopes_[depth].values;
    if (auto found = values.find(e); found != values.end()) return found->second;
    const uint32_t cell = compute(e, depth);
    auto& after = depth == kStatement ? statement_values_ : scopes_[depth].values;
    return after[e] = cell;
  }

  uint32_t compute(Expr e, int depth) {
    const int lanes = e->type.lanes;
    if (e->op == ExprOp::Constant) {
      const uint32_t cell = cells(lanes);
      std::fill_n(&program_.registers[cell], lanes, e->bits);
      return cell;
    }
    if (e->op == ExprOp::DimSymbol) {
      program_.dim_cells.emplace_back(cells(1), e->symbol);
      return program_.dim_cells.back().first;
    }
    Instruction in;
    in.lanes = static_cast<uint32_t>(lanes);
    uint32_t args[3] = {};
    if ((e->op == ExprOp::Bitcast && e->args[0]->type.lanes == lanes) || e->op == ExprOp::Lane)
      return value(e->args[0]) + (e->op == ExprOp::Lane ? static_cast<uint32_t>(e->imm) : 0);
    if (e->op == ExprOp::Load) {
      in.access = access(e->buffer, {e->args, e->args + e->arg_count});
      in.run = load_step(e->type.dtype);
    } else {
      for (int i = 0; i < e->arg_count; ++i) args[i] = value(e->args[i]);
      in.run = step_of(e);
    }
    if (!in.run)
      throw Error(base::code::kBrokenLoops,
                  fmt::format("{} of {} has no meaning", expr_op_name(e->op), type_name(e->args[0]->type)));
    in.a = args[0], in.b = args[1], in.c = args[2];
    in.expr = e;
    if (e->op == ExprOp::Ramp) in.imm = static_cast<int64_t>(e->args[1]->bits);
    in.dst = cells(lanes);
    emit(in, depth);
    return in.dst;
  }

  static Step step_of(Expr e) {
    if (e->op == ExprOp::Ramp) return step_ramp;
    if (e->op == ExprOp::Broadcast) return step_splat;
    if (group_of(e->op) || e->op == ExprOp::Interleave || e->op == ExprOp::Bitcast) return group_step(e);
    if (e->op == ExprOp::Cast) return cast_step(e->type.dtype, e->args[0]->type.dtype);
    return arithmetic_step(e->op, e->args[0]->type.dtype);
  }

  const Access* access(const Buffer* buffer, const std::vector<Expr>& indices) {
    Access made;
    made.slot = bound_slot(buffer);
    for (Expr index : indices) made.indices.push_back({value(index), index->type.lanes > 1});
    return &program_.accesses.emplace_back(std::move(made));
  }

  void emit(const Instruction& in, int depth = kStatement) {
    (depth == kStatement ? scopes_.back() : scopes_[depth]).code.push_back(in);
  }

  // Statements.

  void statements(const std::vector<StmtPtr>& stmts) {
    for (const StmtPtr& stmt : stmts) {
      statement_values_.clear();
      statement(*stmt);
    }
  }

  void open() { scopes_.emplace_back(); }

  /// Ends the innermost scope and gives its code; what was bound in it is forgotten.
  std::vector<Instruction> close() {
    Scope scope = std::move(scopes_.back());
    scopes_.pop_back();
    const int depth = scopes_.size();
    std::erase_if(depths_, [&](const auto& entry) { return entry.second >= depth; });
    for (const Local* local : scope.locals) locals_.erase(local);
    for (const Buffer* buffer : scope.buffers) slots_.erase(buffer);
    return std::move(scope.code);
  }

  void append(const std::vector<Instruction>& code) {
    auto& target = scopes_.back().code;
    target.insert(target.end(), code.begin(), code.end());
  }

  std::vector<Instruction> nested(const std::vector<StmtPtr>& body) {
    open();
    statements(body);
    return close();
  }

  void statement(const Stmt& stmt) {
    switch (stmt.kind) {
      case StmtKind::Block:
        return append(nested(stmt.body));
      case StmtKind::For:
        return for_loop(stmt);
      case StmtKind::While:
        return while_loop(stmt);
      case StmtKind::If:
        return branch(stmt);
      case StmtKind::Declare:
        return declare(stmt);
      case StmtKind::Assign:
        return assign(bound(locals_, stmt.local, "local").cell, stmt);
      case StmtKind::Store:
        return store(stmt);
      case StmtKind::Alloc:
        return alloc(stmt);
      case StmtKind::Barrier:
        throw Error(base::code::kBrokenLoops, "a barrier is left: the interpreter runs kernels without blocks");
      case StmtKind::Prefetch:
        return;
      case StmtKind::Check:
        break;
    }
    Instruction in{step_check};
    in.a = value(stmt.value);
    in.b = value(stmt.indices.at(0));
    in.imm = stmt.step;
    emit(in);
  }

  void for_loop(const Stmt& stmt) {
    if (stmt.step < 1)
      throw Error(base::code::kBrokenLoops, fmt::format("loop {} has the step {}", stmt.loop->name, stmt.step));
    Instruction enter{stmt.loop_kind == LoopKind::Parallel ? step_task_enter : step_loop_enter};
    enter.a = value(stmt.begin);
    // Bounds are those at entry: the end gets a register that the body can't change.
    Instruction keep{step_copy};
    keep.a = value(stmt.end);
    keep.dst = enter.b = cells(1);
    emit(keep);
    enter.dst = cells(1);
    enter.imm = stmt.step;
    open();
    loops_[stmt.loop] = {enter.dst, static_cast<int>(scopes_.size()) - 1};
    statements(stmt.body);
    const auto body = close();
    loops_.erase(stmt.loop);
    enter.jump = static_cast<int32_t>(body.size()) + 2;
    Instruction next = enter;
    next.run = step_loop_next;
    next.jump = -static_cast<int32_t>(body.size());
    emit(enter);
    append(body);
    emit(next);
  }

  /// condition, jump behind unless, body, jump back.
  void while_loop(const Stmt& stmt) {
    open();
    Instruction leave{step_jump_unless};
    leave.a = value(stmt.value);
    const size_t at = scopes_.back().code.size();
    emit(leave);
    statements(stmt.body);
    auto code = close();
    code[at].jump = static_cast<int32_t>(code.size() - at) + 1;
    Instruction back{step_jump};
    back.jump = -static_cast<int32_t>(code.size());
    append(code);
    emit(back);
  }

  void branch(const Stmt& stmt) {
    Instruction skip{step_jump_unless};
    skip.a = value(stmt.value);
    const auto then = nested(stmt.body), otherwise = nested(stmt.otherwise);
    skip.jump = static_cast<int32_t>(then.size()) + (otherwise.empty() ? 1 : 2);
    emit(skip);
    append(then);
    if (otherwise.empty()) return;
    Instruction over{step_jump};
    over.jump = static_cast<int32_t>(otherwise.size()) + 1;
    emit(over);
    append(otherwise);
  }

  void declare(const Stmt& stmt) {
    const Local* local = stmt.local;
    const uint32_t cell = cells(local->type.lanes);
    assign(cell, stmt);
    locals_[local] = {cell, static_cast<int>(scopes_.size()) - 1};
    scopes_.back().locals.push_back(local);
  }

  /// The instruction that has just computed the value writes to the local itself, if it is elementwise and nobody else
  /// needs its register: a chain of fma has no copies.
  void assign(uint32_t cell, const Stmt& stmt) {
    const uint32_t from = value(stmt.value);
    auto& code = scopes_.back().code;
    const ExprOp op = stmt.value->op;
    const bool own = depth_of(stmt.value) == kStatement && op != ExprOp::Lane && op != ExprOp::Broadcast &&
                     op != ExprOp::Bitcast && op != ExprOp::Read && op != ExprOp::Load;
    if (own && !code.empty() && code.back().dst == from) {
      code.back().dst = cell;
      return;
    }
    Instruction in{step_copy};
    in.a = from;
    in.dst = cell;
    in.lanes = stmt.value->type.lanes;
    emit(in);
  }

  void store(const Stmt& stmt) {
    Instruction in;
    int lanes = 1;
    for (Expr index : stmt.indices) lanes = std::max<int>(lanes, index->type.lanes);
    in.lanes = static_cast<uint32_t>(lanes);
    in.a = wide(stmt.value, lanes);
    if (stmt.mask) {
      in.imm = 1;
      in.b = wide(stmt.mask, lanes);
    }
    in.access = access(stmt.buffer, stmt.indices);
    in.run = store_step(stmt.buffer->dtype);
    emit(in);
  }

  /// A scalar beside vector indices is stored in every lane.
  uint32_t wide(Expr e, int lanes) { return value(e->type.lanes == lanes ? e : kernel_.context->broadcast(e, lanes)); }

  void alloc(const Stmt& stmt) {
    Instruction in{step_alloc};
    slots_.erase(stmt.buffer);
    in.imm = slot(stmt.buffer);
    scopes_.back().buffers.push_back(stmt.buffer);
    emit(in);
  }

  struct Cell {
    uint32_t cell;
    int depth;
  };
  const Kernel& kernel_;
  InterpreterProgram program_;
  std::vector<Scope> scopes_;
  std::unordered_map<Expr, uint32_t> statement_values_;
  std::unordered_map<Expr, int> depths_;
  std::unordered_map<const LoopVar*, Cell> loops_;
  std::unordered_map<const Local*, Cell> locals_;
  std::unordered_map<const Buffer*, uint32_t> slots_;
};

}  // namespace

InterpreterProgram compile_for_interpreter(const Kernel& kernel) {
  Kernel written_out = kernel;
  written_out.body = expand_joining(*kernel.context, kernel.body);
  return Compiler(written_out).compile();
}

}  // namespace strata::ir::loops
