#include "strata/compiler/testing/random_kernel.h"

#include <fmt/format.h>

#include <random>

#include "strata/compiler/testing/native_comparison.h"
#include "strata/ir/loops/legality.h"

namespace strata::compiler {
namespace {

using namespace ir::loops;
using ir::Dim;
using ir::DType;

constexpr int64_t kRow = 80;  ///< elements of an output row, and the least of an input

class Generator {
 public:
  Generator(uint64_t seed, std::string name) : random_(seed) {
    kernel_.name = std::move(name);
    kernel_.context = std::make_shared<LoopContext>();
    kernel_.dims = {"n", "tasks"};
    kernel_.facts.add({"n", 1});
    kernel_.facts.add({"tasks", 1});
    const auto* task = c().loop_var("task");
    const Expr row = c().loop(task);
    for (DType type : ir::kAllDTypes) {
      add_param(fmt::format("in_{}", ir::dtype_name(type)), type, {Dim::symbol("n") + Dim(kRow)}, BufferKind::Input,
                {});
      add_param(fmt::format("out_{}", ir::dtype_name(type)), type, {Dim::symbol("tasks"), kRow},
                pick(2) ? BufferKind::InOut : BufferKind::Output, {row});
    }
    std::vector<StmtPtr> body;
    for (int i = 0; i < 4; ++i) statements(body, 3);
    kernel_.body = {make_for(task, c().i64(0), c().dim(Dim::symbol("tasks")), LoopKind::Parallel, std::move(body))};
  }
  Kernel take() { return std::move(kernel_); }

 private:
  struct Memory {
    const Buffer* buffer;
    std::vector<Expr> prefix;  ///< indices before the last
    int64_t extent;            ///< of the last axis, at least
  };

  LoopContext& c() { return *kernel_.context; }
  int64_t pick(int64_t n) { return random_() % n; }
  template <class T>
  const T& one_of(const std::vector<T>& from) {
    return from[pick(from.size())];
  }
  DType any_dtype() { return ir::kAllDTypes[pick(ir::kDTypeCount)]; }
  int any_lanes() { return one_of(std::vector{1, 1, 1, 2, 3, 4, 8, 8, 16, 16, 32, 64}); }

  void add_param(std::string name, DType type, std::vector<Dim> shape, BufferKind kind, std::vector<Expr> prefix) {
    const Buffer* buffer = c().buffer({std::move(name), type, std::move(shape), kind});
    kernel_.params.push_back(buffer);
    memories_.push_back({buffer, std::move(prefix), kRow});
  }

  // --- expressions ---
  Expr constant(DType type) { return c().constant_bits(type, one_of(special_bits(type))); }

  Expr index(int64_t extent, int depth) {
    if (depth <= 0 || pick(3) == 0) return c().i64(pick(extent));
    return c().binary(ExprOp::FloorMod, value(DType::i64, 1, depth - 1), c().i64(extent));
  }

  Expr vector_index(int64_t extent, int lanes, int depth) {
    if (lanes == 1) return index(extent, depth);
    const int64_t stride = one_of(std::vector<int64_t>{1, 1, 1, 2, -1, 3});
    const int64_t reach = (lanes - 1) * std::abs(stride);
    if (pick(4) == 0 || reach >= extent)
      return c().binary(ExprOp::FloorMod, value(DType::i64, lanes, depth - 1), c().i64(extent));
    Expr base = index(extent - reach, depth - 1);
    if (stride < 0) base = c().binary(ExprOp::Add, base, c().i64(reach));
    return c().ramp(base, stride, lanes);
  }

  std::vector<Expr> indices(const Memory& memory, int lanes, int depth) {
    std::vector<Expr> result = memory.prefix;
    result.push_back(vector_index(memory.extent, lanes, depth));
    return result;
  }

  Expr leaf(DType type, int lanes, int depth) {
    const int64_t kind = pick(6);
    if (kind == 0) return c().broadcast(constant(type), lanes);
    if (kind == 1 && type == DType::i64 && !loops_.empty()) return c().broadcast(c().loop(one_of(loops_)), lanes);
    if (kind == 1 && type == DType::i64) return c().broadcast(c().dim(Dim::symbol("n")), lanes);
    if (kind == 2 && type == DType::i64) return c().ramp(index(100, 0), pick(5) - 2, lanes);
    if (kind <= 3)
      for (const Local* local : locals_)
        if (local->type.dtype == type && (local->type.lanes == lanes || local->type.lanes == 1) && pick(2))
          return c().broadcast(c().lane(c().read(local), 0), lanes);
    if (kind == 4)
      for (const Local* local : locals_)
        if (local->type == ScalarType{type, static_cast<uint16_t>(lanes)} && pick(2)) return c().read(local);
    for (int tries = 0; tries < 40; ++tries) {
      const Memory& memory = one_of(memories_);
      if (memory.buffer->dtype != type || memory.buffer->kind == BufferKind::Output) continue;
      const Expr load = c().load(memory.buffer, indices(memory, lanes, depth - 1));
      return load->type.lanes == lanes ? load : c().broadcast(load, lanes);
    }
    return c().broadcast(constant(type), lanes);
  }

  Expr without_nan(Expr x) {
    if (!ir::is_float(x->type.dtype)) return x;
    const Expr wide = c().cast(DType::f64, x);
    return c().select(c().binary(ExprOp::Eq, wide, wide), x,
                      c().broadcast(constant_zero(x->type.dtype), x->type.lanes));
  }
  Expr constant_zero(DType type) { return c().constant_bits(type, 0); }

  Expr bitcast(DType type, int lanes, int depth) {
    for (DType from : ir::kAllDTypes)
      if (from != type && !ir::is_bool(from) && ir::dtype_bytes(from) == ir::dtype_bytes(type) && pick(2))
        return c().bitcast(type, without_nan(value(from, lanes, depth - 1)));
    return leaf(type, lanes, depth);
  }

  Expr value(DType type, int lanes, int depth) {
    if (depth <= 0) return leaf(type, lanes, depth);
    switch (pick(12)) {
      case 0:
        return leaf(type, lanes, depth);
      case 1:
        return c().cast(type, value(any_dtype(), lanes, depth - 1));
      case 2:
        return ir::is_bool(type) ? leaf(type, lanes, depth) : bitcast(type, lanes, depth);
      case 3:
        return c().broadcast(value(type, 1, depth - 1), lanes);
      case 4:
        return c().broadcast(c().lane(value(type, 8, depth - 1), pick(8)), lanes);
      case 5:
        return c().select(value(DType::boolean, lanes, depth - 1), value(type, lanes, depth - 1),
                          value(type, lanes, depth - 1));
      default:
        return operation(type, lanes, depth);
    }
  }

  Expr operation(DType type, int lanes, int depth) {
    for (int tries = 0; tries < 60; ++tries) {
      const OpRule& rule = op_rules()[pick(kExprOpCount)];
      if (rule.domain == Domain::None || rule.op == ExprOp::Cast || rule.op == ExprOp::Bitcast ||
          rule.op == ExprOp::Select)
        continue;
      const DType operand = rule.compares ? any_dtype() : type;
      if (rule.compares != ir::is_bool(type) && rule.compares) continue;
      if (!in_domain(rule.domain, operand)) continue;
      const Expr a = value(operand, lanes, depth - 1);
      if (rule.arity == 1) return c().unary(rule.op, a);
      Expr b = pick(6) == 0 ? a : value(operand, lanes, depth - 1);
      if (rule.op == ExprOp::CopySign) b = without_nan(b);
      if (rule.op == ExprOp::Fma || rule.op == ExprOp::FmaFlushed)
        return c().fma(a, b, value(operand, lanes, depth - 1), rule.op);
      return c().binary(rule.op, a, b);
    }
    return leaf(type, lanes, depth);
  }

  // --- statements ---
  std::vector<StmtPtr> block(int depth) {
    const size_t locals = locals_.size(), loops = loops_.size(), memories = memories_.size();
    std::vector<StmtPtr> body;
    for (int64_t i = 0, n = 1 + pick(3); i < n; ++i) statements(body, depth - 1);
    locals_.resize(locals);
    loops_.resize(loops);
    memories_.resize(memories);
    return body;
  }

  void statements(std::vector<StmtPtr>& out, int depth) {
    switch (depth <= 0 ? pick(5) : pick(11)) {
      case 0:
        return declare(out);
      case 1:
        return assign(out);
      case 5:
        return add_for(out, depth);
      case 6:
        return add_for(out, depth);
      case 7:
        out.push_back(
            make_if(value(DType::boolean, 1, 2), block(depth), pick(2) ? block(depth) : std::vector<StmtPtr>{}));
        return;
      case 8:
        return add_while(out, depth);
      case 9:
        return add_memory(out);
      case 10:
        out.push_back(make_check(value(DType::boolean, 1, 2), 7, value(DType::i64, 1, 1)));
        return;
      default:
        return store(out);
    }
  }

  const Local* new_local(ScalarType type, bool is_mutable) {
    return c().local(fmt::format("v{}", counter_++), type, is_mutable);
  }

  void declare(std::vector<StmtPtr>& out) {
    const ScalarType type{any_dtype(), static_cast<uint16_t>(any_lanes())};
    const Local* local = new_local(type, pick(2));
    out.push_back(make_declare(local, value(type.dtype, type.lanes, 3)));
    locals_.push_back(local);
  }

  void assign(std::vector<StmtPtr>& out) {
    for (const Local* local : locals_)
      if (local->is_mutable && pick(2)) {
        out.push_back(make_assign(local, value(local->type.dtype, local->type.lanes, 3)));
        return;
      }
    store(out);
  }

  void store(std::vector<StmtPtr>& out) {
    for (int tries = 0; tries < 40; ++tries) {
      const Memory& memory = one_of(memories_);
      if (memory.buffer->kind == BufferKind::Input) continue;
      const int lanes = any_lanes();
      const Expr stored = value(memory.buffer->dtype, lanes, 4);
      const Expr mask = pick(3) == 0 ? value(DType::boolean, lanes, 2) : nullptr;
      out.push_back(make_store(memory.buffer, indices(memory, lanes, 2), stored, mask));
      return;
    }
  }

  void add_for(std::vector<StmtPtr>& out, int depth) {
    const auto* loop = c().loop_var(fmt::format("i{}", counter_++));
    const int64_t begin = pick(4) - 1;
    const auto kind = one_of(std::vector{LoopKind::Serial, LoopKind::Serial, LoopKind::Unrolled, LoopKind::Vector});
    Expr end = c().i64(begin + pick(5));
    if (kind == LoopKind::Serial && pick(2)) end = index(4, 2);
    loops_.push_back(loop);
    auto body = block(depth);
    loops_.pop_back();
    out.push_back(make_for(loop, c().i64(begin), end, kind, std::move(body), 1 + pick(3)));
  }

  void add_while(std::vector<StmtPtr>& out, int depth) {
    const Local* count = new_local({DType::i64, 1}, true);
    out.push_back(make_declare(count, c().i64(0)));
    const Expr more = c().binary(ExprOp::Lt, c().read(count), c().i64(pick(4)));
    const Expr condition = pick(2) ? more : c().binary(ExprOp::And, more, value(DType::boolean, 1, 2));
    auto body = block(depth);
    body.push_back(make_assign(count, c().binary(ExprOp::Add, c().read(count), c().i64(1))));
    out.push_back(make_while(condition, std::move(body)));
  }

  /// A tile or scratch buffer, filled before anything reads it.
  void add_memory(std::vector<StmtPtr>& out) {
    const DType type = any_dtype();
    const bool tile = pick(2);
    std::vector<Dim> shape = {Dim(3), tile || pick(2) ? Dim(16) : Dim::symbol("n") * Dim(pick(2) ? 1 : 1000) + Dim(16)};
    const Buffer* buffer =
        c().buffer({fmt::format("m{}", counter_++), type, shape, tile ? BufferKind::Register : BufferKind::Scratch});
    out.push_back(make_alloc(buffer));
    const auto *i = c().loop_var(fmt::format("i{}", counter_++)), *j = c().loop_var(fmt::format("i{}", counter_++));
    const auto kind = tile ? LoopKind::Unrolled : LoopKind::Serial;
    auto fill = make_for(j, c().i64(0), c().dim(shape[1]), kind,
                         {make_store(buffer, {c().loop(i), c().loop(j)}, value(type, 1, 2))});
    out.push_back(make_for(i, c().i64(0), c().i64(3), kind, {fill}));
    for (int row = 0; row < 3; ++row) memories_.push_back({buffer, {c().i64(row)}, 16});
  }

  std::mt19937_64 random_;
  Kernel kernel_;
  std::vector<Memory> memories_;
  std::vector<const LoopVar*> loops_;
  std::vector<const Local*> locals_;
  int counter_ = 0;
};

}  // namespace

Kernel random_kernel(uint64_t seed, std::string name) { return Generator(seed, std::move(name)).take(); }

}  // namespace strata::compiler
