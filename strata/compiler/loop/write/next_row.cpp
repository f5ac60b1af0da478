#include "strata/compiler/loop/write/next_row.h"

#include <algorithm>

#include "strata/compiler/loop/nest/linear_index.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

/// Bytes of a row. A shorter one lies in the first cache, and a processor that follows lines by itself finds the next;
/// two longer ones would not stay in the second.
constexpr int64_t kShortest = 1 << 15, kLongest = 1 << 18;
constexpr int64_t kLineBytes = 64;
/// Of a line's elements. With fewer the stage waits for memory itself: the last of a layer normalisation, 8 % slower.
constexpr int64_t kFewestOperations = 16;

class NextRow {
 public:
  NextRow(LoopContext& context, const ir::Facts& facts, const LoopVar* row)
      : c_(context), indices_(context, facts), row_(row) {
    next_.loops[row] = c_.binary(ExprOp::Add, c_.loop(row), c_.i64(1));
  }

  Stmts operator()(const Stmts& stages) {
    std::vector<std::pair<const Buffer*, std::vector<size_t>>> readers;  // stages, ascending
    for (size_t s = 0; s < stages.size(); ++s)
      for_each_loop(*stages[s], [&](const Stmt& loop) {
        for (const Expr load : loads_of(loop)) {
          auto at = std::ranges::find(readers, load->buffer, [](const auto& entry) { return entry.first; });
          if (at == readers.end()) at = readers.insert(at, {load->buffer, {s}});
          if (at->second.back() != s) at->second.push_back(s);
        }
      });
    Stmts made = stages;
    for (const auto& [buffer, at] : readers)
      if (at.size() > 1 && operations_of(*stages[at.back()]) >= kFewestOperations)
        made[at.back()] = with_prefetches(made[at.back()], buffer);
    return made;
  }

 private:
  static bool is_innermost(const Stmt& stmt) {
    return stmt.kind == StmtKind::For &&
           std::ranges::none_of(stmt.body, [](const StmtPtr& s) { return s->kind == StmtKind::For; });
  }
  static void for_each_loop(const Stmt& stage, const std::function<void(const Stmt&)>& f) {
    const StmtPtr one = std::make_shared<const Stmt>(stage);
    for_each_stmt({&one, 1}, [&](const Stmt& s) {
      if (is_innermost(s)) f(s);
    });
  }

  /// Of the longest loop body, for each vector.
  static int64_t operations_of(const Stmt& stage) {
    int64_t most = 0;
    for_each_loop(stage, [&](const Stmt& loop) {
      std::unordered_set<Expr> counted;
      int64_t stored = 0;
      for_each_stmt(loop.body, [&](const Stmt& s) {
        stored += s.kind == StmtKind::Store;
        if (s.value)
          for_each_node(s.value, [&](Expr e) {
            if (e->arg_count > 0 && e->op != ExprOp::Load && e->op != ExprOp::Ramp && e->type.lanes > 1)
              counted.insert(e);
          });
      });
      most = std::max(most, std::ssize(counted) / std::max<int64_t>(1, stored));
    });
    return most;
  }

  /// Whether this is a run of the row's elements that goes on with the loop.
  bool is_of_row(Expr load, const Stmt& loop) {
    const Buffer& buffer = *load->buffer;
    if (buffer.kind != BufferKind::Input || load->arg_count != 1 || load->args[0]->op != ExprOp::Ramp) return false;
    if (load->type.lanes == 1 || load->args[0]->args[1]->bits != 1) return false;
    const LinearIndex at = indices_.of(load->args[0]->args[0]);
    const ir::Dim row = at.coefficient(c_.loop(row_)), step = at.coefficient(c_.loop(loop.loop));
    if (!row.is_constant() || step == ir::Dim(0)) return false;
    const int64_t bytes = row.constant() * ir::dtype_bytes(buffer.dtype);
    return bytes >= kShortest && bytes <= kLongest;
  }
  std::vector<Expr> loads_of(const Stmt& loop) {
    std::vector<Expr> found;
    for_each_stmt(loop.body, [&](const Stmt& s) {
      for_each_expr(s, [&](Expr e) {
        for (const Expr load : collect_loads(e))
          if (is_of_row(load, loop) && std::ranges::find(found, load) == found.end()) found.push_back(load);
      });
    });
    return found;
  }
  std::vector<Expr> loads_of(const Stmt& loop, const Buffer* buffer) {
    std::vector<Expr> found = loads_of(loop);
    std::erase_if(found, [&](Expr load) { return load->buffer != buffer; });
    return found;
  }
  static int64_t lanes_of(std::span<const Expr> loads) {
    int64_t lanes = 0;
    for (const Expr load : loads) lanes += load->type.lanes;
    return lanes;
  }

  /// In the loop that takes most elements at a time: the others are what is left over.
  StmtPtr with_prefetches(const StmtPtr& stage, const Buffer* buffer) {
    int64_t most = 0;
    for_each_loop(*stage, [&](const Stmt& loop) { most = std::max(most, lanes_of(loads_of(loop, buffer))); });
    const Stmts made = map_stmts({&stage, 1}, [&](const StmtPtr& stmt) -> std::optional<Stmts> {
      if (!is_innermost(*stmt)) return std::nullopt;
      const std::vector<Expr> loads = loads_of(*stmt, buffer);
      if (loads.empty() || lanes_of(loads) < most) return std::nullopt;
      Stmt loop = *stmt;
      const Stmts lines = prefetches(loads);
      loop.body.insert(loop.body.begin(), lines.begin(), lines.end());
      return Stmts{std::make_shared<const Stmt>(std::move(loop))};
    });
    return made[0];
  }
  /// One for each line, from the first load on.
  Stmts prefetches(std::span<const Expr> loads) {
    Stmts made;
    std::vector<int64_t> lines;
    const LinearIndex first = indices_.of(loads[0]->args[0]->args[0]);
    for (const Expr load : loads) {
      const Expr at = load->args[0]->args[0];
      const LinearIndex distance = indices_.plus(indices_.of(at), first, ir::Dim(-1));
      if (!distance.is_constant() || !distance.constant.is_constant()) continue;
      const int64_t line = distance.constant.constant() * ir::dtype_bytes(load->buffer->dtype) / kLineBytes;
      if (std::ranges::find(lines, line) != lines.end()) continue;
      lines.push_back(line);
      made.push_back(make_prefetch(load->buffer, {substitute(c_, at, next_)}));
    }
    return made;
  }

  LoopContext& c_;
  LinearIndices indices_;
  const LoopVar* row_;
  Substitution next_;
};

}  // namespace

Stmts with_next_row_on_its_way(LoopContext& c, const ir::Facts& facts, const LoopVar* row, const Stmts& stages) {
  return NextRow(c, facts, row)(stages);
}

}  // namespace strata::compiler
