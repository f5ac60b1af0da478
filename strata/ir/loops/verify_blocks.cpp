// Where blocks, threads, barriers and shared buffers may stand.
#include <fmt/format.h>

#include <unordered_set>

#include "strata/ir/loops/blocks.h"
#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/loops/verify.h"

namespace strata::ir::loops {
namespace {

[[noreturn]] void fail(const Stmt& stmt, std::string what) { throw Fault{std::move(what), print_head(stmt)}; }

bool is_threads(const Stmt& stmt) { return stmt.kind == StmtKind::For && stmt.loop_kind == LoopKind::Threads; }

class BlockRules {
 public:
  void block(const std::vector<StmtPtr>& stmts) {
    for (const StmtPtr& stmt : stmts) statement(*stmt);
  }

 private:
  /// Outside of threads.
  void statement(const Stmt& stmt) {
    if (is_threads(stmt)) {
      threads_ = 1;
      threads(stmt, 1);
      own_locals_.clear();
      return thread_vars_.clear();
    }
    switch (stmt.kind) {
      case StmtKind::Store:
      case StmtKind::Check:
      case StmtKind::While:
      case StmtKind::Assign:
        fail(stmt, "only threads do this");
      case StmtKind::Barrier:
        fail(stmt, "a barrier stands outside of threads");
      case StmtKind::Alloc:
        if (stmt.buffer->kind != BufferKind::Shared)
          fail(stmt, fmt::format("%{} belongs to no thread; memory of a block is shared", stmt.buffer->name));
        break;
      default:
        break;
    }
    no_joining(stmt);
    block(stmt.body);
    block(stmt.otherwise);
  }

  void threads(const Stmt& stmt, int depth) {
    const auto end = constant_value(stmt.end);
    if (constant_value(stmt.begin) != 0 || !end || *end < 1 || stmt.step != 1)
      fail(stmt, "threads are counted from 0 to a constant, one by one");
    if (depth > 3) fail(stmt, "more than three loops of threads");
    threads_ *= *end;
    if (threads_ > kMostThreads || *end > kMostThreads)
      fail(stmt, fmt::format("a block has more than {} threads", kMostThreads));
    thread_vars_.insert(stmt.loop);
    if (stmt.body.size() == 1 && is_threads(*stmt.body[0])) return threads(*stmt.body[0], depth + 1);
    for (const StmtPtr& inner : stmt.body) in_threads(*inner);
    barriers(stmt.body);
  }

  static void no_joining(const Stmt& stmt) {
    if (stmt.block) fail(stmt, "a joining loop stands in blocks, and is not expanded");
  }

  void in_threads(const Stmt& stmt) {
    no_joining(stmt);
    if (is_threads(stmt)) fail(stmt, "threads within threads that do something else, too");
    if (stmt.kind == StmtKind::Alloc && stmt.buffer->kind == BufferKind::Shared)
      fail(stmt, fmt::format("the shared buffer %{} is made by threads, not by their block", stmt.buffer->name));
    if (stmt.kind == StmtKind::Declare) own_locals_.insert(stmt.local);
    if (stmt.kind == StmtKind::Assign && !own_locals_.contains(stmt.local))
      fail(stmt, fmt::format("{} belongs to the block, and a thread assigns it", stmt.local->name));
    for (const StmtPtr& inner : stmt.body) in_threads(*inner);
    for (const StmtPtr& inner : stmt.otherwise) in_threads(*inner);
  }

  /// Whether there is one; what leads to it is the same for all threads.
  bool barriers(const std::vector<StmtPtr>& stmts) {
    bool found = false;
    for (const StmtPtr& stmt : stmts) {
      const bool within = barriers(stmt->body) | barriers(stmt->otherwise);
      if (within) leads_to_barrier(*stmt);
      found |= within || stmt->kind == StmtKind::Barrier;
    }
    return found;
  }

  void leads_to_barrier(const Stmt& stmt) {
    if (stmt.kind == StmtKind::While)
      fail(stmt, "a barrier stands in a while, which threads may leave at different times");
    if (stmt.kind == StmtKind::For && stmt.loop_kind == LoopKind::Vector)
      fail(stmt, "a barrier stands in a loop of lanes");
    for_each_expr(stmt, [&](Expr e) {
      const bool differs = any_node(e, [&](Expr node) {
        return node->op == ExprOp::Load || (node->op == ExprOp::Loop && thread_vars_.contains(node->loop)) ||
               (node->op == ExprOp::Read && own_locals_.contains(node->local));
      });
      if (differs) fail(stmt, "a barrier stands where not every thread may come");
    });
  }

  int64_t threads_ = 1;
  std::unordered_set<const LoopVar*> thread_vars_;
  std::unordered_set<const Local*> own_locals_;
};

}  // namespace

void require_blocks(const Kernel& kernel) {
  if (has_blocks(kernel)) return BlockRules().block(kernel.body[0]->body);
  for_each_stmt(kernel.body, [](const Stmt& stmt) {
    const bool is_shared = stmt.kind == StmtKind::Alloc && stmt.buffer->kind == BufferKind::Shared;
    if (is_threads(stmt) || is_shared || stmt.kind == StmtKind::Barrier)
      fail(stmt, "threads, barriers and shared buffers stand in a blocks loop");
  });
}

}  // namespace strata::ir::loops
