// The loop program: buffers, locals, statements and the kernel that holds them. Buffers are row-major in the shape
// given.
//
//   kernel @dot_bias_relu(%x: f32[B,784], %w: f32[128,784], %b: f32[128]) -> (%y: f32[B,128]) where B >= 1 {
//     parallel i in 0..B {
//       for j in 0..128 {
//         var acc = 0.0
//         for k in 0..784 { acc = fma(%x[i,k], %w[j,k], acc) }
//         %y[i,j] = max(add(acc, %b[j]), 0.0)
//       }
//     }
//   }
//
// The order of execution is the order written: a For runs its iterations in ascending order. The kinds of loop only say
// how they may be run: iterations of a Parallel loop are independent tasks; those of a Vector loop are independent and
// have a constant extent when the vectoriser is through; Unrolled loops have a constant extent. A kernel's body is one
// Parallel loop (its iterations are the tasks of the kernel ABI) or has no Parallel loop at all (one task).
//
// Tasks may come in waves: those of a wave are independent of each other, and need what earlier waves have done.
//
//   parallel t in 0..12*16 waves 16 { ... }       tasks 0..15, then 16..31, ...
//
// A joining loop cuts a long chain of sums or products into blocks, so that its error stays bounded (joined_loops.h):
//
//   for k0 in 0..64 joining acc by 256, outer 1, inner 2 { for k1 in 0..3 { for k2 in 0..3 { acc = fma(...) } } }
//
// A kernel for a machine with blocks of threads is one Blocks loop instead (blocks.h):
//
//   blocks b in 0..N { shared %t: f32[64]  threads i in 0..64 { %t[i] = %x[b,i]  barrier  %y[b,i] = %t[63 - i] } }
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "strata/ir/loops/expr.h"

namespace strata::ir::loops {

enum class BufferKind : uint8_t {
  Input,     ///< parameter, read only
  Output,    ///< parameter, written (and may be read back after it was written)
  InOut,     ///< parameter, read and written in place
  Scratch,   ///< memory of one task, 64-byte aligned, lives to the end of the block of its Alloc
  Register,  ///< a register tile: constant shape, indexed by constants once loops over it are unrolled or vectorised
  Shared,    ///< memory of a block that all its threads see: constant shape
};

struct Buffer {
  std::string name;
  DType dtype = DType::f32;
  std::vector<Dim> shape;
  BufferKind kind = BufferKind::Input;
};

/// A scalar or vector value with a name. `is_mutable`: declared by Declare and rebound by Assign; else bound once
/// (let).
struct Local {
  std::string name;
  ScalarType type;
  bool is_mutable = false;
};

struct LoopVar {
  std::string name;
};

enum class LoopKind : uint8_t { Serial, Parallel, Vector, Unrolled, Blocks, Threads };

enum class StmtKind : uint8_t {
  Block,    ///< `body` in order
  For,      ///< loop in begin..end step `step`, `body`
  While,    ///< `value` is the condition, evaluated before each iteration
  If,       ///< `value` ? body : otherwise
  Declare,  ///< let/var local = value
  Assign,   ///< local = value (a mutable local)
  Store,    ///< buffer[indices] = value, only lanes where `mask` (null: all); vector rules as for Load
  Alloc,  ///< makes a buffer that is no parameter exist until the end of the enclosing block; its content is undefined
  Prefetch,  ///< says that buffer[indices], scalars, will be read soon; means nothing, and may lie outside the buffer
  Check,     ///< unless `value` (bool): writes status {code = step, index = indices[0]} if none is set yet; goes on
  Barrier,   ///< each thread of the block waits until all are here
};

struct Stmt;
using StmtPtr = std::shared_ptr<const Stmt>;

struct Stmt {
  StmtKind kind = StmtKind::Block;
  LoopKind loop_kind = LoopKind::Serial;
  std::vector<StmtPtr> body;
  std::vector<StmtPtr> otherwise;
  const LoopVar* loop = nullptr;
  Expr begin = nullptr, end = nullptr;
  int64_t step = 1;
  Expr wave = nullptr;           ///< of a Parallel For: tasks of a wave, 1 or more; null: all are one wave
  int line = 0;                  ///< in the text that it was read from, from 1; 0: no text. Not part of what it means
  const Local* local = nullptr;  ///< of Declare and Assign; of a joining For: its sum
  int64_t block = 0;             ///< terms of a block of a joining For; 0: the loop joins nothing
  int outer_loops = 0, inner_loops = 0;  ///< of a joining For: how the perfect nest that it begins is counted
  const Buffer* buffer = nullptr;
  std::vector<Expr> indices;
  Expr value = nullptr;
  Expr mask = nullptr;
};

/// Owns the nodes of one or more kernels and makes them. Expressions are simplified as they are made only where no bits
/// can change: integer constants fold, x + 0, x * 1, x * 0 on integers, Broadcast and Ramp pushed outwards, Select of a
/// constant.
class LoopContext {
 public:
  LoopContext();
  ~LoopContext();
  LoopContext(const LoopContext&) = delete;
  LoopContext& operator=(const LoopContext&) = delete;

  const LoopVar* loop_var(std::string name);
  const Local* local(std::string name, ScalarType type, bool is_mutable);
  const Buffer* buffer(Buffer description);

  Expr constant(DType type, double value);  ///< of a float, integer or bool type, converted as by Cast
  Expr constant_bits(DType type, uint64_t bits);
  Expr i64(int64_t value);
  Expr dim(Dim d);  ///< the value of a symbolic dimension, written out in i64 arithmetic
  Expr loop(const LoopVar* var);
  Expr read(const Local* local);
  Expr load(const Buffer* buffer, std::vector<Expr> indices);
  Expr ramp(Expr base, int64_t stride, int lanes);
  Expr broadcast(Expr scalar, int lanes);
  Expr lane(Expr vector, int index);
  Expr unary(ExprOp op, Expr a);
  Expr cast(DType type, Expr a);
  Expr bitcast(DType type, Expr a);
  /// Operands of one dtype; a scalar operand beside a vector is broadcast.
  Expr binary(ExprOp op, Expr a, Expr b);
  Expr fma(Expr a, Expr b, Expr c, ExprOp op = ExprOp::Fma);  ///< Fma or FmaFlushed
  Expr select(Expr condition, Expr a, Expr b);
  /// Dot2, Dot2Flushed or Dot4: a factor has a group for each lane of the sum, or one that all share.
  Expr group_dot(ExprOp op, Expr a, Expr b, Expr sum);
  Expr interleave(Expr a, Expr b);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One compiled unit. See the drawing on top.
struct Kernel {
  std::shared_ptr<LoopContext> context;
  std::string name;
  std::vector<const Buffer*> params;  ///< inputs and outputs in the order of the ABI
  std::vector<std::string> dims;      ///< run-time dimension symbols in the order of the ABI
  Facts facts;
  std::vector<StmtPtr> body;
  /// Positions of outputs whose stores are looked at: a NaN or an infinity in one leaves a status behind
  /// (runtime/kernel_abi.h). Not part of what is computed, nor of the text.
  std::vector<int> looked_at;
};

// Statements.
StmtPtr make_for(const LoopVar* var, Expr begin, Expr end, LoopKind kind, std::vector<StmtPtr> body, int64_t step = 1);
/// A Parallel loop whose tasks come in waves of `wave`.
StmtPtr make_waves(const LoopVar* var, Expr begin, Expr end, Expr wave, std::vector<StmtPtr> body);
/// `loop`, a Serial For that begins a perfect nest of outer + inner loops, as a joining loop.
StmtPtr make_joining(const StmtPtr& loop, const Local* sum, int64_t block, int outer_loops, int inner_loops);
StmtPtr make_block(std::vector<StmtPtr> body);
StmtPtr make_while(Expr condition, std::vector<StmtPtr> body);
StmtPtr make_if(Expr condition, std::vector<StmtPtr> then, std::vector<StmtPtr> otherwise = {});
StmtPtr make_declare(const Local* local, Expr value);
StmtPtr make_assign(const Local* local, Expr value);
StmtPtr make_store(const Buffer* buffer, std::vector<Expr> indices, Expr value, Expr mask = nullptr);
StmtPtr make_alloc(const Buffer* buffer);
StmtPtr make_prefetch(const Buffer* buffer, std::vector<Expr> indices);
StmtPtr make_check(Expr condition, int64_t code, Expr index);
StmtPtr make_barrier();

}  // namespace strata::ir::loops
