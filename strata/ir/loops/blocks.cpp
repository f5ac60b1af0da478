#include "strata/ir/loops/blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/rewrite.h"

namespace strata::ir::loops {
namespace {

using Stmts = std::vector<StmtPtr>;

bool has_barrier(std::span<const StmtPtr> stmts) {
  bool found = false;
  for_each_stmt(stmts, [&](const Stmt& stmt) { found |= stmt.kind == StmtKind::Barrier; });
  return found;
}

StmtPtr with_bodies(const Stmt& stmt, Stmts body, Stmts otherwise) {
  Stmt next = stmt;
  next.body = std::move(body);
  next.otherwise = std::move(otherwise);
  return std::make_shared<const Stmt>(std::move(next));
}

/// The nest of Threads loops that `outer` begins.
std::vector<const Stmt*> thread_loops(const Stmt& outer) {
  std::vector<const Stmt*> loops{&outer};
  while (loops.back()->body.size() == 1 && loops.back()->body[0]->kind == StmtKind::For &&
         loops.back()->body[0]->loop_kind == LoopKind::Threads)
    loops.push_back(loops.back()->body[0].get());
  return loops;
}

/// Cuts one nest of Threads loops at its barriers.
class ThreadCutter {
 public:
  ThreadCutter(LoopContext& context, const Stmt& outer, ThreadOrder order)
      : c_(context),
        loops_(thread_loops(outer)),
        order_(order),
        rewriter_(context, [this](Expr e) { return replacement(e); }) {}

  Stmts cut() { return phases(loops_.back()->body); }

 private:
  /// The statements of all threads up to a barrier, then those after it, and so on.
  Stmts phases(const Stmts& stmts) {
    if (!has_barrier(stmts)) return stmts.empty() ? Stmts{} : Stmts{over_threads(rewritten(stmts))};
    // What is declared beside a barrier may live across it.
    Stmts made, phase;
    const auto end_phase = [&] {
      if (!phase.empty()) made.push_back(over_threads(std::move(phase)));
      phase.clear();
    };
    for (const StmtPtr& stmt : stmts) promote(*stmt, made);
    for (const StmtPtr& stmt : stmts) {
      if (stmt->kind == StmtKind::Barrier) {
        end_phase();
      } else if (has_barrier(std::span(&stmt, 1))) {
        end_phase();
        // All threads agree on the bounds and the condition.
        made.push_back(with_bodies(*stmt, phases(stmt->body), phases(stmt->otherwise)));
      } else if (stmt->kind != StmtKind::Alloc) {
        const Stmts one = rewritten(std::span(&stmt, 1));
        phase.insert(phase.end(), one.begin(), one.end());
      }
    }
    end_phase();
    return made;
  }

  Stmts rewritten(std::span<const StmtPtr> stmts) {
    const Stmts mapped = map_exprs(stmts, [this](Expr e) { return rewriter_(e); });
    return map_stmts(mapped, [this](const StmtPtr& s) -> std::optional<Stmts> {
      if (const auto at = arrays_.find(s->local); at != arrays_.end())
        return Stmts{make_store(at->second, places(s->local->type.lanes), s->value)};
      if (const auto at = buffers_.find(s->buffer); at != buffers_.end() && s->kind == StmtKind::Store)
        return Stmts{make_store(at->second, places_before(s->indices), s->value, s->mask)};
      return std::nullopt;
    });
  }

  /// Gives what the statement declares an array with an element for each thread.
  void promote(const Stmt& stmt, Stmts& allocs) {
    if (stmt.kind == StmtKind::Declare) {
      std::vector<Dim> shape = extents();
      if (stmt.local->type.lanes > 1) shape.emplace_back(stmt.local->type.lanes);
      arrays_[stmt.local] = allocated({stmt.local->name, stmt.local->type.dtype, shape, BufferKind::Scratch}, allocs);
    } else if (stmt.kind == StmtKind::Alloc) {
      std::vector<Dim> shape = extents();
      shape.insert(shape.end(), stmt.buffer->shape.begin(), stmt.buffer->shape.end());
      buffers_[stmt.buffer] = allocated({stmt.buffer->name, stmt.buffer->dtype, shape, BufferKind::Scratch}, allocs);
    }
  }

  const Buffer* allocated(Buffer description, Stmts& allocs) {
    const Buffer* buffer = c_.buffer(std::move(description));
    allocs.push_back(make_alloc(buffer));
    return buffer;
  }

  std::vector<Dim> extents() const {
    std::vector<Dim> shape;
    for (const Stmt* loop : loops_) shape.emplace_back(*constant_value(loop->end));
    return shape;
  }

  Expr replacement(Expr e) {
    if (e->op == ExprOp::Loop) return order_ == ThreadOrder::Descending ? reversed(e->loop) : nullptr;
    if (e->op == ExprOp::Read) {
      const auto at = arrays_.find(e->local);
      return at == arrays_.end() ? nullptr : c_.load(at->second, places(e->type.lanes));
    }
    if (e->op != ExprOp::Load) return nullptr;
    const auto at = buffers_.find(e->buffer);
    if (at == buffers_.end()) return nullptr;
    std::vector<Expr> indices(e->args, e->args + e->arg_count);
    for (Expr& index : indices) index = rewriter_(index);
    return c_.load(at->second, places_before(indices));
  }

  Expr reversed(const LoopVar* var) {
    for (const Stmt* loop : loops_)
      if (loop->loop == var) return c_.binary(ExprOp::Sub, c_.i64(*constant_value(loop->end) - 1), c_.loop(var));
    return nullptr;
  }

  /// Where a thread's element lies: by the loops, in whichever order they run.
  std::vector<Expr> places(int lanes) {
    std::vector<Expr> indices;
    for (const Stmt* loop : loops_) indices.push_back(c_.loop(loop->loop));
    if (lanes > 1) indices.push_back(c_.ramp(c_.i64(0), 1, lanes));
    return indices;
  }
  std::vector<Expr> places_before(std::span<const Expr> indices) {
    std::vector<Expr> all = places(1);
    all.insert(all.end(), indices.begin(), indices.end());
    return all;
  }

  StmtPtr over_threads(Stmts body) {
    for (size_t i = loops_.size(); i-- > 0;)
      body = {make_for(loops_[i]->loop, loops_[i]->begin, loops_[i]->end, LoopKind::Serial, std::move(body))};
    return body[0];
  }

  LoopContext& c_;
  std::vector<const Stmt*> loops_;
  ThreadOrder order_;
  std::unordered_map<const Local*, const Buffer*> arrays_;
  std::unordered_map<const Buffer*, const Buffer*> buffers_;
  ExprRewriter rewriter_;
};

Stmts without_threads(LoopContext& context, const Stmts& stmts, ThreadOrder order) {
  Stmts made;
  for (const StmtPtr& stmt : stmts) {
    if (stmt->kind == StmtKind::For && stmt->loop_kind == LoopKind::Threads) {
      const Stmts cut = ThreadCutter(context, *stmt, order).cut();
      made.push_back(make_block(cut));
    } else if (stmt->body.empty() && stmt->otherwise.empty()) {
      made.push_back(stmt);
    } else {
      made.push_back(with_bodies(*stmt, without_threads(context, stmt->body, order),
                                 without_threads(context, stmt->otherwise, order)));
    }
  }
  return made;
}

/// Copies of a kernel's buffers, and their addresses.
struct BufferCopies {
  std::vector<std::vector<std::byte>> memory;
  std::vector<void*> addresses;
};

BufferCopies copies_of(const Kernel& kernel, std::span<const void* const> buffers, std::span<const int64_t> dims) {
  BufferCopies copies;
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    int64_t bytes = dtype_bytes(kernel.params[i]->dtype);
    for (Dim d : kernel.params[i]->shape)
      bytes *= d.evaluate(
          [&](std::string_view name) { return dims[std::ranges::find(kernel.dims, name) - kernel.dims.begin()]; });
    const auto* from = static_cast<const std::byte*>(buffers[i]);
    copies.memory.emplace_back(from, from + bytes);
  }
  for (auto& memory : copies.memory) copies.addresses.push_back(memory.data());
  return copies;
}

}  // namespace

bool has_blocks(const Kernel& kernel) {
  const Stmt* outermost = parallel_loop(kernel);
  return outermost && outermost->loop_kind == LoopKind::Blocks;
}

int64_t shared_bytes(const Kernel& kernel) {
  int64_t bytes = 0;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    if (stmt.kind != StmtKind::Alloc || stmt.buffer->kind != BufferKind::Shared) return;
    bytes += product(stmt.buffer->shape).constant() * dtype_bytes(stmt.buffer->dtype);
  });
  return bytes;
}

Kernel without_blocks(const Kernel& kernel, ThreadOrder order) {
  const Stmt& blocks = *kernel.body[0];
  Kernel made = kernel;
  Substitution own_memory;
  for_each_stmt(blocks.body, [&](const Stmt& stmt) {
    if (stmt.kind != StmtKind::Alloc || stmt.buffer->kind != BufferKind::Shared) return;
    Buffer scratch = *stmt.buffer;
    scratch.kind = BufferKind::Scratch;
    own_memory.buffers[stmt.buffer] = kernel.context->buffer(std::move(scratch));
  });
  Stmts body = without_threads(*kernel.context, substitute(*kernel.context, blocks.body, own_memory), order);
  made.body = {make_for(blocks.loop, blocks.begin, blocks.end, LoopKind::Parallel, std::move(body), blocks.step)};
  return made;
}

std::optional<std::string> find_race(const Kernel& kernel, std::span<const void* const> buffers,
                                     std::span<const int64_t> dims) {
  BufferCopies ascending = copies_of(kernel, buffers, dims), descending = copies_of(kernel, buffers, dims);
  RunStatus status;
  interpret(without_blocks(kernel, ThreadOrder::Ascending), ascending.addresses, dims, status);
  interpret(without_blocks(kernel, ThreadOrder::Descending), descending.addresses, dims, status);
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    const auto at = std::ranges::mismatch(ascending.memory[i], descending.memory[i]).in1;
    if (at != ascending.memory[i].end())
      return fmt::format("%{}: element {}", kernel.params[i]->name,
                         (at - ascending.memory[i].begin()) / dtype_bytes(kernel.params[i]->dtype));
  }
  return std::nullopt;
}

}  // namespace strata::ir::loops
