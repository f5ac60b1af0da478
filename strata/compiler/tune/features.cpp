#include "strata/compiler/tune/features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "strata/ir/loops/known_values.h"
#include "strata/ir/loops/legality.h"
#include "strata/ir/loops/rewrite.h"

namespace strata::compiler::tune {

using namespace ir::loops;

namespace {

constexpr int kLevels = 6;  // loops around the hottest statement that are told of

enum Feature : size_t {
  kOperations,
  kVectorShare,  // of the operations
  kLanes,        // mean, by operations
  kFmaShare,
  kDivisions,  // and roots: what takes a unit for long
  kLoadedBytes,
  kStoredBytes,
  kScratchStored,  // packing
  kGatheredBytes,  // by lanes that don't lie side by side
  kBroadcastLoads,
  kOperationsPerByte,
  kScratchBytes,  // of a thread
  kTasks,
  kOperationsPerTask,
  kBytesPerTask,
  kStatements,     // of code
  kLoopSteps,      // of all loops: what loops themselves cost
  kBranches,       // that are taken or not
  kRegisterTile,   // elements that the hottest body sums up in variables, or of a register buffer
  kLocals,         // variables of the hottest body: registers
  kHotShare,       // of all work, in the hottest statement's innermost loop
  kHotOperations,  // of one step of that loop
  kHotLoads,
  kHotStores,
  kLevel,  // kLevels times: steps, bytes gone through, and those beyond the first and second cache
};
constexpr size_t kPerLevel = 4;
constexpr size_t kCount = kLevel + kPerLevel * kLevels;

constexpr std::array<std::string_view, kCount> kNames = {
    "operations",
    "vector share",
    "lanes",
    "fma share",
    "divisions",
    "loaded bytes",
    "stored bytes",
    "scratch stored",
    "gathered bytes",
    "broadcast loads",
    "operations a byte",
    "scratch bytes",
    "tasks",
    "operations a task",
    "bytes a task",
    "statements",
    "loop steps",
    "branches",
    "register tile",
    "locals",
    "hot share",
    "hot operations",
    "hot loads",
    "hot stores",
    "loop 1 steps",
    "loop 1 bytes",
    "loop 1 beyond L1",
    "loop 1 beyond L2",
    "loop 2 steps",
    "loop 2 bytes",
    "loop 2 beyond L1",
    "loop 2 beyond L2",
    "loop 3 steps",
    "loop 3 bytes",
    "loop 3 beyond L1",
    "loop 3 beyond L2",
    "loop 4 steps",
    "loop 4 bytes",
    "loop 4 beyond L1",
    "loop 4 beyond L2",
    "loop 5 steps",
    "loop 5 bytes",
    "loop 5 beyond L1",
    "loop 5 beyond L2",
    "loop 6 steps",
    "loop 6 bytes",
    "loop 6 beyond L1",
    "loop 6 beyond L2",
};

// Of the processors that are in use: what a model learns of a footprint depends on its order, not on these.
constexpr double kFirstCache = 32 * 1024, kSecondCache = 512 * 1024;

/// Memory that an index leads to: how much of it, in the loops that were left so far.
struct Access {
  const Buffer* buffer;
  double bytes;  ///< of distinct elements
  std::unordered_set<const LoopVar*> loops;
};

/// Work of one run of a list of statements.
struct Work {
  double operations = 0, vector_operations = 0, lanes = 0, fmas = 0, divisions = 0;
  double loaded = 0, stored = 0, scratch_stored = 0, gathered = 0, broadcasts = 0, loads = 0, stores = 0;
  double steps = 0, branches = 0, sums = 0;

  double cost() const { return operations + 0.5 * (loaded + stored); }
  Work& add(const Work& o, double times) {
    operations += times * o.operations, vector_operations += times * o.vector_operations, lanes += times * o.lanes;
    fmas += times * o.fmas, divisions += times * o.divisions, loaded += times * o.loaded, stored += times * o.stored;
    scratch_stored += times * o.scratch_stored, gathered += times * o.gathered, broadcasts += times * o.broadcasts;
    loads += times * o.loads, stores += times * o.stores, steps += times * o.steps, branches += times * o.branches;
    sums += times * o.sums;
    return *this;
  }
};

struct Level {
  double steps = 1, bytes = 0;
};

/// A loop without loops, and those around it.
struct Hot {
  double cost = 0;  ///< in all
  Work once;        ///< one step
  int locals = 0;
  std::vector<Level> levels;  ///< innermost first
};

struct Walked {
  Work work;
  std::vector<Access> accesses;
  std::optional<Hot> hot;
  int locals = 0;
  bool has_loop = false;
};

class Walker {
 public:
  Walker(const Kernel& kernel, std::span<const int64_t> dims) : known_(kernel, dims) {}

  Walked body(std::span<const StmtPtr> stmts) {
    Walked all;
    for (const StmtPtr& stmt : stmts) merge(all, statement(*stmt));
    return all;
  }

  double tasks = 1, scratch_bytes = 0, register_tile = 0, statements = 0;

 private:
  static void merge(Walked& all, Walked part) {
    all.work.add(part.work, 1);
    all.accesses.insert(all.accesses.end(), std::make_move_iterator(part.accesses.begin()),
                        std::make_move_iterator(part.accesses.end()));
    if (part.hot && (!all.hot || part.hot->cost > all.hot->cost)) all.hot = std::move(part.hot);
    all.locals += part.locals;
    all.has_loop |= part.has_loop;
  }

  Walked statement(const Stmt& stmt) {
    ++statements;
    Walked made;
    seen_.clear();
    for_each_expr(stmt, [&](Expr e) { add_expr(e, made); });
    switch (stmt.kind) {
      case StmtKind::Store:
        add_store(stmt, made);
        break;
      case StmtKind::Declare:
        made.locals = 1;
        declare(stmt);
        break;
      case StmtKind::Assign:
        made.work.sums += stmt.local->type.lanes;
        break;
      case StmtKind::Alloc:
        add_buffer(*stmt.buffer);
        break;
      case StmtKind::For:
        return loop(stmt);
      case StmtKind::If:
        made.work.branches += 1;
        break;
      default:
        break;
    }
    merge(made, body(stmt.body));
    merge(made, body(stmt.otherwise));
    return made;
  }

  void add_buffer(const Buffer& buffer) {
    double elements = 1;
    for (const ir::Dim d : buffer.shape) elements *= static_cast<double>(std::max<int64_t>(0, known_.of(d)));
    if (buffer.kind == BufferKind::Register)
      register_tile = std::max(register_tile, elements);
    else
      scratch_bytes += elements * static_cast<double>(ir::dtype_bytes(buffer.dtype));
  }

  Walked loop(const Stmt& stmt) {
    constexpr double kUnknownSteps = 8;
    const auto counted = known_.steps_of(stmt);
    const double steps = counted ? static_cast<double>(*counted) : kUnknownSteps;
    known_.enter(stmt.loop, known_.of(stmt.begin));
    Walked inside = body(stmt.body);
    known_.leave(stmt.loop);
    if (stmt.loop_kind == LoopKind::Parallel) tasks = steps;
    Walked made;
    made.has_loop = true;
    made.work.add(inside.work, steps);
    if (stmt.loop_kind != LoopKind::Unrolled && stmt.loop_kind != LoopKind::Vector) made.work.steps += steps;
    double bytes = 0;
    for (Access& access : inside.accesses) {
      if (access.loops.contains(stmt.loop)) access.bytes = std::min(access.bytes * steps, bytes_of(*access.buffer));
      bytes += access.bytes;
    }
    made.accesses = united(std::move(inside.accesses));
    if (!inside.has_loop) inside.hot = Hot{inside.work.cost(), inside.work, inside.locals, {}};
    if (inside.hot) {
      inside.hot->cost *= steps;
      inside.hot->levels.push_back({steps, bytes});
      made.hot = std::move(inside.hot);
    }
    return made;
  }

  /// One for each buffer, the largest: tiles of one buffer that are written out one by one lie side by side.
  static std::vector<Access> united(std::vector<Access> all) {
    std::vector<Access> made;
    for (Access& access : all) {
      const auto known = std::ranges::find(made, access.buffer, &Access::buffer);
      if (known == made.end())
        made.push_back(std::move(access));
      else if (known->bytes < access.bytes)
        *known = std::move(access);
    }
    return made;
  }

  double bytes_of(const Buffer& buffer) const {
    double bytes = static_cast<double>(ir::dtype_bytes(buffer.dtype));
    for (const ir::Dim d : buffer.shape) bytes *= static_cast<double>(std::max<int64_t>(1, known_.of(d)));
    return bytes;
  }

  void declare(const Stmt& stmt) {
    known_.declare(stmt);
    if (!stmt.local->is_mutable && stmt.local->type.dtype == ir::DType::i64)
      add_loops(stmt.value, loops_of_[stmt.local]);
  }

  void add_loops(Expr index, std::unordered_set<const LoopVar*>& loops) const {
    for_each_node(index, [&](Expr e) {
      if (e->op == ExprOp::Loop) loops.insert(e->loop);
      if (e->op != ExprOp::Read) return;
      if (const auto known = loops_of_.find(e->local); known != loops_of_.end())
        loops.insert(known->second.begin(), known->second.end());
    });
  }

  void add_access(const Buffer* buffer, std::span<const Expr> indices, int lanes, Walked& made) {
    if (buffer->kind == BufferKind::Register) return;
    Access access{buffer, static_cast<double>(lanes) * static_cast<double>(ir::dtype_bytes(buffer->dtype)), {}};
    for (const Expr index : indices) add_loops(index, access.loops);
    made.accesses.push_back(std::move(access));
  }

  static bool lies_apart(std::span<const Expr> indices) {
    for (const Expr index : indices)
      if (index->type.lanes > 1 && !(index->op == ExprOp::Ramp && constant_value(index->args[1]) == 1)) return true;
    return false;
  }

  void add_store(const Stmt& stmt, Walked& made) {
    int lanes = 1;
    for (const Expr index : stmt.indices) lanes = std::max<int>(lanes, index->type.lanes);
    if (stmt.buffer->kind == BufferKind::Register) return;
    const double bytes = lanes * static_cast<double>(ir::dtype_bytes(stmt.buffer->dtype));
    made.work.stored += bytes;
    made.work.stores += 1;
    if (stmt.buffer->kind == BufferKind::Scratch) made.work.scratch_stored += bytes;
    if (lies_apart(stmt.indices)) made.work.gathered += bytes;
    add_access(stmt.buffer, stmt.indices, lanes, made);
  }

  void add_expr(Expr e, Walked& made) {
    if (!seen_.insert(e).second) return;
    for (int i = 0; i < e->arg_count; ++i) add_expr(e->args[i], made);
    Work& work = made.work;
    const double lanes = e->type.lanes;
    if (e->op == ExprOp::Load && e->buffer->kind != BufferKind::Register) {
      const double bytes = lanes * static_cast<double>(ir::dtype_bytes(e->type.dtype));
      work.loaded += bytes;
      work.loads += 1;
      const std::span<const Expr> indices(e->args, e->arg_count);
      if (lies_apart(indices)) work.gathered += bytes;
      add_access(e->buffer, indices, e->type.lanes, made);
    }
    if (e->op == ExprOp::Broadcast && e->args[0]->op == ExprOp::Load) work.broadcasts += 1;
    const bool is_arithmetic = e->op >= ExprOp::Neg && e->op != ExprOp::Bitcast;
    if (!is_arithmetic || e->args[e->arg_count - 1]->type.dtype == ir::DType::i64) return;
    const bool is_fma = e->op == ExprOp::Fma || e->op == ExprOp::FmaFlushed;
    const double operations = lanes * (is_fma ? 2 : group_of(e->op) ? 2 * group_of(e->op) : 1);
    work.operations += operations;
    work.lanes += operations * lanes;
    if (lanes > 1) work.vector_operations += operations;
    if (is_fma) work.fmas += operations;
    if (e->op == ExprOp::Div || e->op == ExprOp::Sqrt || e->op == ExprOp::Rem) work.divisions += lanes;
  }

  KnownValues known_;
  std::unordered_map<const Local*, std::unordered_set<const LoopVar*>> loops_of_;  ///< of i64 names
  std::unordered_set<Expr> seen_;                                                  ///< within one statement
};

float log_of(double x) { return static_cast<float>(std::log2(1 + std::max(0.0, x))); }

float share(double part, double whole) { return whole > 0 ? static_cast<float>(part / whole) : 0; }

}  // namespace

std::span<const std::string_view> feature_names() { return kNames; }

std::vector<float> features_of(const Kernel& scheduled, std::span<const int64_t> dims) {
  Walker walker(scheduled, dims);
  const Walked all = walker.body(scheduled.body);
  const Work& w = all.work;
  std::vector<float> f(kCount, 0);
  f[kOperations] = log_of(w.operations);
  f[kVectorShare] = share(w.vector_operations, w.operations);
  f[kLanes] = share(w.lanes, w.operations);
  f[kFmaShare] = share(w.fmas, w.operations);
  f[kDivisions] = log_of(w.divisions);
  f[kLoadedBytes] = log_of(w.loaded);
  f[kStoredBytes] = log_of(w.stored);
  f[kScratchStored] = log_of(w.scratch_stored);
  f[kGatheredBytes] = log_of(w.gathered);
  f[kBroadcastLoads] = log_of(w.broadcasts);
  f[kOperationsPerByte] = log_of(share(w.operations, w.loaded + w.stored));
  f[kScratchBytes] = log_of(walker.scratch_bytes);
  f[kTasks] = log_of(walker.tasks);
  f[kOperationsPerTask] = log_of(share(w.operations, walker.tasks));
  f[kBytesPerTask] = log_of(share(w.loaded + w.stored, walker.tasks));
  f[kStatements] = log_of(walker.statements);
  f[kLoopSteps] = log_of(w.steps);
  f[kBranches] = log_of(w.branches);
  f[kRegisterTile] = log_of(std::max(walker.register_tile, all.hot ? all.hot->once.sums : 0));
  if (!all.hot) return f;
  f[kLocals] = log_of(all.hot->locals);
  f[kHotShare] = share(all.hot->cost, w.cost());
  f[kHotOperations] = log_of(all.hot->once.operations);
  f[kHotLoads] = log_of(all.hot->once.loads);
  f[kHotStores] = log_of(all.hot->once.stores);
  for (size_t i = 0; i < all.hot->levels.size() && i < kLevels; ++i) {
    const Level& level = all.hot->levels[i];
    float* const of_level = &f[kLevel + kPerLevel * i];
    of_level[0] = log_of(level.steps);
    of_level[1] = log_of(level.bytes);
    of_level[2] = log_of(level.bytes / kFirstCache);
    of_level[3] = log_of(level.bytes / kSecondCache);
  }
  return f;
}

}  // namespace strata::compiler::tune
