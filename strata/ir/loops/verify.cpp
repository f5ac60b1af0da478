#include "strata/ir/loops/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/loops/blocks.h"
#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/loops/legality.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::ir::loops {
namespace {

class Verifier {
 public:
  Verifier(const Kernel& kernel, Stage stage) : kernel_(kernel), stage_(stage) {}

  /// Throws the Fault.
  void run() {
    head();
    block(kernel_.body);
    require_blocks(kernel_);
  }

 private:
  [[noreturn]] void fail(std::string what) const {
    throw Fault{std::move(what), stmt_ ? print_head(*stmt_) : std::string()};
  }
  template <class... Args>
  void require(bool holds, fmt::format_string<Args...> format, Args&&... args) const {
    if (!holds) fail(fmt::format(format, std::forward<Args>(args)...));
  }

  void head() {
    for (const std::string& dim : kernel_.dims) {
      require(is_identifier(dim) && !is_reserved_word(dim), "'{}' can't be the name of a dimension", dim);
      require(dims_.insert(dim).second, "the dimension {} is named twice", dim);
    }
    for (const Buffer* param : kernel_.params) {
      require(param->kind <= BufferKind::InOut, "the parameter %{} is scratch", param->name);
      require(buffers_.insert(param).second, "the parameter %{} is named twice", param->name);
      shape(*param);
    }
    require(kernel_.context != nullptr, "the kernel has no context");
  }

  void shape(const Buffer& buffer) const {
    std::vector<std::string> symbols;
    for (Dim d : buffer.shape) d.collect_symbols(symbols);
    for (const std::string& symbol : symbols)
      require(dims_.contains(symbol), "the shape of %{} uses {}, which is no dimension of the kernel", buffer.name,
              symbol);
  }

  // Expressions.

  void expression(Expr e) {
    require(e != nullptr, "an expression is missing");
    for_each_node(e, [&](Expr node) {
      // A node in `sound_` was checked in a scope that is still open.
      if (sound_.contains(node)) return;
      sound_.insert(node);
      fresh_.push_back(node);
      this->node(node);
    });
  }

  void node(Expr e) const {
    switch (e->op) {
      case ExprOp::DimSymbol:
        return require(dims_.contains(e->symbol), "{} is no dimension of the kernel", e->symbol);
      case ExprOp::Loop:
        return require(loops_.contains(e->loop), "the loop variable {} is used outside of its loop", e->loop->name);
      case ExprOp::Read:
        return require(locals_.contains(e->local), "the local {} is used outside of its scope", e->local->name);
      case ExprOp::Load:
        return require(buffers_.contains(e->buffer), "%{} is used outside of its scope", e->buffer->name);
      case ExprOp::Cast:
      case ExprOp::Bitcast:
        return;
      default:
        break;
    }
    const bool is_group = group_of(e->op) || e->op == ExprOp::Interleave;
    if (op_rule(e->op).domain == Domain::None && !is_group) return;
    ScalarType types[3];
    for (int i = 0; i < e->arg_count; ++i) types[i] = e->args[i]->type;
    const std::span<const ScalarType> operands(types, e->arg_count);
    const std::string why = is_group ? refuse_group(e->op, operands) : refuse_operands(e->op, operands);
    require(why.empty(), "{}", why);
  }

  void typed(Expr e, ScalarType type, std::string_view what) {
    expression(e);
    require(e->type == type, "{} is {}, not {}", what, type_name(e->type), type_name(type));
  }

  // Statements.

  void block(const std::vector<StmtPtr>& stmts) {
    const size_t locals = bound_locals_.size(), buffers = bound_buffers_.size(), fresh = fresh_.size();
    for (const StmtPtr& stmt : stmts) {
      stmt_ = stmt.get();
      if (!stmt) fail("a statement is missing");
      statement(*stmt);
    }
    for (; bound_locals_.size() > locals; bound_locals_.pop_back()) locals_.erase(bound_locals_.back());
    for (; bound_buffers_.size() > buffers; bound_buffers_.pop_back()) buffers_.erase(bound_buffers_.back());
    for (; fresh_.size() > fresh; fresh_.pop_back()) sound_.erase(fresh_.back());
  }

  void statement(const Stmt& stmt) {
    switch (stmt.kind) {
      case StmtKind::Block:
        return block(stmt.body);
      case StmtKind::For:
        return for_loop(stmt);
      case StmtKind::While:
      case StmtKind::If:
        typed(stmt.value, {DType::boolean, 1}, "the condition");
        block(stmt.body);
        return block(stmt.otherwise);
      case StmtKind::Declare:
        return declare(stmt);
      case StmtKind::Assign:
        require(locals_.contains(stmt.local), "the local {} is assigned outside of its scope", stmt.local->name);
        require(stmt.local->is_mutable, "{} is bound by let and can't be assigned", stmt.local->name);
        return typed(stmt.value, stmt.local->type, "the value");
      case StmtKind::Store:
        return store(stmt);
      case StmtKind::Alloc:
        return alloc(*stmt.buffer);
      case StmtKind::Barrier:
        return;
      case StmtKind::Prefetch:
        return prefetch(stmt);
      case StmtKind::Check:
        break;
    }
    typed(stmt.value, {DType::boolean, 1}, "the condition");
    require(stmt.indices.size() == 1, "a check has one index");
    typed(stmt.indices[0], {DType::i64, 1}, "the index");
  }

  void for_loop(const Stmt& stmt) {
    require(stmt.step >= 1, "the step is {}", stmt.step);
    typed(stmt.begin, {DType::i64, 1}, "the first bound");
    typed(stmt.end, {DType::i64, 1}, "the last bound");
    require(!loops_.contains(stmt.loop), "the loop variable {} is bound already", stmt.loop->name);
    if (stmt.loop_kind == LoopKind::Parallel || stmt.loop_kind == LoopKind::Blocks) {
      require(&stmt == parallel_loop(kernel_), "a {} loop is not the kernel's whole body",
              stmt.loop_kind == LoopKind::Parallel ? "parallel" : "blocks");
      for (Expr bound : {stmt.begin, stmt.end, stmt.wave})
        require(!bound || !any_node(bound, [](Expr e) { return !of_dimensions(e); }),
                "a bound of the outermost loop is made of more than dimensions and integer arithmetic");
    }
    if (stage_ == Stage::Scheduled && (stmt.loop_kind == LoopKind::Vector || stmt.loop_kind == LoopKind::Unrolled))
      require(constant_trip_count(*kernel_.context, stmt).has_value(), "the extent is not constant");
    if (stmt.wave) {
      require(stmt.loop_kind == LoopKind::Parallel, "a loop that is not parallel has waves");
      typed(stmt.wave, {DType::i64, 1}, "the length of a wave");
      const auto length = constant_value(stmt.wave);
      require(!length || *length >= 1, "waves of {} tasks", length.value_or(0));
    }
    if (stmt.block) joining(stmt);
    loops_.insert(stmt.loop);
    const size_t fresh = fresh_.size();
    block(stmt.body);
    for (; fresh_.size() > fresh; fresh_.pop_back()) sound_.erase(fresh_.back());
    loops_.erase(stmt.loop);
  }

  void joining(const Stmt& stmt) const {
    require(stage_ == Stage::Lowered, "the joining loop is not expanded");
    require(stmt.local && locals_.contains(stmt.local) && stmt.local->is_mutable,
            "the sum of a joining loop is no mutable local in scope");
    require(
        stmt.block >= 1 && stmt.outer_loops >= 0 && stmt.inner_loops >= 0 && stmt.outer_loops + stmt.inner_loops > 0,
        "blocks of {} terms over {} outer and {} inner loops", stmt.block, stmt.outer_loops, stmt.inner_loops);
    const Stmt* at = &stmt;
    for (int left = stmt.outer_loops + stmt.inner_loops; left > 0; --left) {
      require(at->kind == StmtKind::For && at->loop_kind == LoopKind::Serial && at->step == 1 &&
                  constant_value(at->begin) == 0 && (at == &stmt || !at->block),
              "the joining loop begins no perfect nest of {} serial loops from 0", stmt.outer_loops + stmt.inner_loops);
      if (left > 1) require(at->body.size() == 1, "the joining loop begins no perfect nest of loops");
      at = left > 1 ? at->body[0].get() : at;
    }
    require(join_op(stmt).has_value(), "nothing is added to or multiplied with the sum of the joining loop");
  }

  /// What task_count can evaluate.
  static bool of_dimensions(Expr e) {
    if (e->op == ExprOp::Constant || e->op == ExprOp::DimSymbol || e->op == ExprOp::Select) return true;
    return e->arg_count == 2 && op_rule(e->op).domain != Domain::None;
  }

  void declare(const Stmt& stmt) {
    typed(stmt.value, stmt.local->type, "the value");
    require(locals_.insert(stmt.local).second, "the local {} is declared already", stmt.local->name);
    bound_locals_.push_back(stmt.local);
  }

  void alloc(const Buffer& buffer) {
    require(buffer.kind > BufferKind::InOut, "%{} is a parameter", buffer.name);
    require(buffers_.insert(&buffer).second, "%{} exists already", buffer.name);
    bound_buffers_.push_back(&buffer);
    shape(buffer);
    if (buffer.kind == BufferKind::Scratch) return;
    for (Dim d : buffer.shape)
      require(d.is_constant() && d.constant() >= 1, "the {} %{} has the extent {}",
              buffer.kind == BufferKind::Register ? "register tile" : "shared buffer", buffer.name, d.str());
  }

  void prefetch(const Stmt& stmt) {
    const Buffer& of = *stmt.buffer;
    require(buffers_.contains(&of), "%{} is used outside of its scope", of.name);
    require(of.kind != BufferKind::Register, "%{} is a register tile and has no address", of.name);
    require(stmt.indices.size() == of.shape.size(), "{} indices for the {} axes of %{}", stmt.indices.size(),
            of.shape.size(), of.name);
    for (Expr index : stmt.indices) typed(index, {DType::i64, 1}, "an index of a prefetch");
  }

  void store(const Stmt& stmt) {
    const Buffer& to = *stmt.buffer;
    require(buffers_.contains(&to), "%{} is used outside of its scope", to.name);
    require(to.kind != BufferKind::Input, "%{} is an input and can't be written", to.name);
    require(stmt.indices.size() == to.shape.size(), "{} indices for the {} axes of %{}", stmt.indices.size(),
            to.shape.size(), to.name);
    int lanes = 1;
    for (Expr index : stmt.indices) {
      expression(index);
      require(index->type.dtype == DType::i64, "an index is {}, not i64", type_name(index->type));
      lanes = std::max<int>(lanes, index->type.lanes);
    }
    for (Expr index : stmt.indices) agree(index, lanes, "an index");
    expression(stmt.value);
    require(stmt.value->type.dtype == to.dtype, "the value is {}, not {}", type_name(stmt.value->type),
            dtype_name(to.dtype));
    agree(stmt.value, lanes, "the value");
    if (!stmt.mask) return;
    expression(stmt.mask);
    require(is_bool(stmt.mask->type.dtype), "the mask is {}, not bool", type_name(stmt.mask->type));
    agree(stmt.mask, lanes, "the mask");
  }

  void agree(Expr e, int lanes, std::string_view what) const {
    require(e->type.lanes == 1 || e->type.lanes == lanes, "{} has {} lanes beside indices of {}", what, e->type.lanes,
            lanes);
  }

  const Kernel& kernel_;
  Stage stage_;
  const Stmt* stmt_ = nullptr;
  std::set<std::string, std::less<>> dims_;
  std::unordered_set<const LoopVar*> loops_;
  std::unordered_set<const Local*> locals_;
  std::unordered_set<const Buffer*> buffers_;
  std::vector<const Local*> bound_locals_;
  std::vector<const Buffer*> bound_buffers_;
  std::unordered_set<Expr> sound_;
  std::vector<Expr> fresh_;
};

}  // namespace

std::optional<Fault> find_fault(const Kernel& kernel, Stage stage) {
  try {
    Verifier(kernel, stage).run();
  } catch (const Fault& fault) {
    return fault;
  }
  return std::nullopt;
}

void verify(const Kernel& kernel, Stage stage) {
  const auto fault = find_fault(kernel, stage);
  if (!fault) return;
  base::Error error(base::code::kBrokenLoops, fmt::format("kernel @{}: {}", kernel.name, fault->what));
  if (!fault->statement.empty()) error.note(fmt::format("in: {}", fault->statement));
  throw error;
}

}  // namespace strata::ir::loops
