// Turns one loop program into LLVM IR: as written, nothing reassociated or contracted, no fast-math flag anywhere.
//
// Values: one LLVM value per loop value, <n x T> for n lanes. f16 and bf16 are i16 bit patterns (they are storage
// types: LLVM never sees its own half types but around the F16C conversion), bool is i1 in registers and a byte 0/1 in
// memory.
//
// Shape of the function:
//
//   entry:   loads of buffer pointers, dimensions and strides; allocas        (grows while the body is emitted: setup_)
//   task:    phi task; the body of the outermost Parallel loop
//   exit:    ret
//
// Memory: mutable locals, Register tiles and small Scratch buffers are allocas in `entry`; SROA makes registers of
// those that are indexed by constants, which is why Unrolled loops are unrolled here. Loads from Scratch carry alias
// scopes, those from parameters none (kernel_abi.h: parameters may overlap).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "strata/compiler/backends/llvm/llvm_ir.h"
#include "strata/compiler/backends/scratch_layout.h"
#include "strata/ir/loops/kernel.h"
#include "strata/machine/cpu_target.h"

namespace strata::compiler::llvm_backend {

/// Why a kernel can't be emitted, or an empty string.
std::string refuse_kernel(const ir::loops::Kernel& kernel);

class KernelEmitter {
 public:
  KernelEmitter(llvm::Module& module, const ir::loops::Kernel& kernel, const machine::CpuTarget& cpu);
  /// Adds the kernel's two functions to the module.
  void emit();

 private:
  using Expr = ir::loops::Expr;
  using ExprOp = ir::loops::ExprOp;
  using DType = ir::DType;
  using Value = llvm::Value;

  // kernel_emitter.cpp: functions and statements
  llvm::Function* add_function(const std::string& name, std::span<llvm::Type* const> arguments);
  void emit_needs();
  void emit_run();
  void emit_task_loop(const ir::loops::Stmt* parallel);
  void begin_setup(llvm::Function* function);
  void emit_body(const std::vector<ir::loops::StmtPtr>& body);
  void emit_statement(const ir::loops::Stmt& stmt);
  void emit_for(const ir::loops::Stmt& stmt);
  void emit_unrolled(const ir::loops::Stmt& stmt, int64_t begin, int64_t end);
  void emit_while(const ir::loops::Stmt& stmt);
  void emit_if(const ir::loops::Stmt& stmt);
  void emit_check(const ir::loops::Stmt& stmt);
  void bind_local(const ir::loops::Stmt& stmt);
  llvm::FunctionCallee check_failed();
  llvm::BasicBlock* new_block(const char* name);

  // emit_memory.cpp: dimensions, buffers, loads and stores
  struct Place {  ///< where a buffer lives
    Value* base = nullptr;
    llvm::MDNode* scopes = nullptr;    ///< alias.scope of its accesses
    llvm::MDNode* no_alias = nullptr;  ///< scopes that its accesses do not touch
  };
  Value* dim_value(ir::Dim dim);
  Value* atom_value(const ir::DimAtom& atom);
  Value* dim_argument(std::string_view symbol);
  void place_buffers();
  const Place& place_of(const ir::loops::Buffer* buffer);
  Place stack_place(const ir::loops::Buffer* buffer, int64_t bytes);
  Value* lane_index(Expr index, int lane);
  Value* element_address(const ir::loops::Buffer* buffer, std::span<const Expr> indices, int lane);
  llvm::Instruction* annotate(llvm::Instruction* access, const Place& place);
  Value* emit_load(Expr load);
  void emit_store(const ir::loops::Stmt& stmt);
  void emit_prefetch(const ir::loops::Stmt& stmt);
  void look_at(const ir::loops::Buffer* buffer, Value* stored, Value* mask);
  void report_what_is_not_finite();
  void store_lanes(const ir::loops::Stmt& stmt, Value* stored, Value* mask);
  Value* from_memory(Value* raw, DType type);
  Value* to_memory(Value* value, DType type);

  // emit_arithmetic.cpp: expressions
  Value* evaluate(Expr expr);
  Value* emit_expr(Expr expr);
  Value* constant_bits(DType type, uint64_t bits, int lanes);
  Value* constant_int(Value* like, int64_t value);
  Value* emit_ramp(Expr expr);
  Value* emit_flushed(Value* x);
  Value* emit_flushed_fma(Value* a, Value* b, Value* sum);
  Value* emit_unary(ExprOp op, DType type, Value* a);
  Value* emit_huge(ExprOp op, Value* x);
  Value* emit_binary(ExprOp op, DType type, Value* a, Value* b);
  Value* emit_int_binary(ExprOp op, DType type, Value* a, Value* b);
  Value* emit_divide(ExprOp op, bool is_signed, Value* a, Value* b);
  Value* emit_floor_divide(ExprOp op, bool is_signed, Value* a, Value* b);
  Value* emit_shift(ExprOp op, Value* a, Value* amount);
  Value* emit_float_extreme(bool is_max, Value* a, Value* b);
  Value* emit_compare(ExprOp op, DType type, Value* a, Value* b);
  bool is_pure(Expr expr);

  // emit_groups.cpp: dot products of groups of lanes
  Value* every_lane(Value* x, int group, int first, int lanes);
  unsigned pair_instruction(DType a, DType b, int group, int lanes) const;
  unsigned dot_instruction(DType a, DType b, DType to, int group, int lanes) const;
  Value* emit_group_dot(Expr expr, Value* a);
  Value* emit_flushed_pairs(Expr expr, Value* a, Value* b, Value* sum);
  unsigned byte_pair_instruction(int lanes) const;
  Value* emit_byte_pairs(Expr expr, Value* a, Value* b, Value* sum);
  Value* emit_interleave(Expr expr, Value* a);

  // emit_cast.cpp: conversions
  Value* emit_cast(DType from, DType to, Value* a);
  Value* emit_float_to_int(DType to, Value* a);
  Value* emit_bitcast(DType from, DType to, Value* a);
  Value* half_to_f32(DType from, Value* bits);
  Value* f32_to_half(DType to, Value* a);
  Value* f64_to_f32_odd(Value* a);
  Value* f16_to_f32_by_integers(Value* bits);
  Value* f32_to_f16_by_integers(Value* a);

  llvm::Type* scalar_type(DType type);
  llvm::Type* memory_type(DType type);
  llvm::Type* type_of(ir::loops::ScalarType type);
  /// `like` with its scalars replaced: the same number of lanes.
  llvm::Type* same_lanes(Value* like, llvm::Type* scalar);

  // A memo of values that dominate the insertion point. Entries of an inner scope go when it closes; those that read
  // memory or a mutable local hold for one statement (epoch).
  struct Memo {
    Value* value;
    uint64_t epoch;  ///< 0: for as long as the scope is open
  };
  struct Scope {
    explicit Scope(KernelEmitter& emitter) : emitter_(emitter), mark_(emitter.memo_log_.size()) {}
    ~Scope();
    KernelEmitter& emitter_;
    size_t mark_;
  };

  llvm::Module& module_;
  llvm::LLVMContext& context_;
  const ir::loops::Kernel& kernel_;
  machine::CpuTarget cpu_;
  ScratchLayout scratch_;
  llvm::IRBuilder<> builder_;
  llvm::IRBuilder<> setup_;  ///< inserts before the terminator of `entry`
  llvm::Function* function_ = nullptr;
  Value* dims_argument_ = nullptr;
  std::unordered_map<std::string_view, Value*> dims_;
  std::unordered_map<const ir::DimExpr*, Value*> dim_values_;
  std::unordered_map<const ir::loops::Buffer*, Place> places_;
  std::unordered_map<const ir::loops::LoopVar*, Value*> loops_;
  std::unordered_map<const ir::loops::Local*, Value*> locals_;  ///< a value, or the alloca of a mutable one
  std::unordered_map<Expr, Memo> memo_;
  std::vector<Expr> memo_log_;
  struct Largest {  ///< exponent bits stored so far where results are looked at, of one dtype and number of lanes
    DType dtype;
    llvm::AllocaInst* slot;
  };
  std::vector<Largest> largest_exponents_;
  std::unordered_map<Expr, bool> pure_;
  uint64_t epoch_ = 1;
  int64_t stack_bytes_ = 0;
};

}  // namespace strata::compiler::llvm_backend
