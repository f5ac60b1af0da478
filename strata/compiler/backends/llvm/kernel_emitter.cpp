// Functions, loops and statements. Expressions are in emit_arithmetic.cpp, memory in emit_memory.cpp.
#include "strata/compiler/backends/llvm/kernel_emitter.h"

#include <fmt/format.h>

#include "strata/ir/loops/interpret.h"
#include "strata/runtime/machine_code/object_code.h"

namespace strata::compiler::llvm_backend {

using ir::loops::BufferKind;
using ir::loops::LoopKind;
using ir::loops::parallel_loop;
using ir::loops::Stmt;
using ir::loops::StmtKind;
using ir::loops::StmtPtr;

namespace {

std::string refuse_statement(const Stmt& stmt) {
  if (stmt.kind == StmtKind::For) {
    if (stmt.loop_kind == LoopKind::Parallel)
      return fmt::format("parallel loop {} is not the outermost", stmt.loop->name);
    if (stmt.step <= 0) return fmt::format("loop {} has step {}", stmt.loop->name, stmt.step);
    const bool constant = stmt.begin->op == ir::loops::ExprOp::Constant && stmt.end->op == ir::loops::ExprOp::Constant;
    if (stmt.loop_kind == LoopKind::Unrolled && !constant)
      return fmt::format("unrolled loop {} has no constant extent", stmt.loop->name);
  }
  if (stmt.kind == StmtKind::Alloc && stmt.buffer->kind == BufferKind::Register &&
      !buffer_bytes(*stmt.buffer).is_constant())
    return fmt::format("register tile {} has no constant shape", stmt.buffer->name);
  if (stmt.kind == StmtKind::Check && stmt.value->type.lanes != 1) return "check of a vector";
  return {};
}

std::string refuse_body(const std::vector<StmtPtr>& body) {
  for (const StmtPtr& stmt : body) {
    if (auto reason = refuse_statement(*stmt); !reason.empty()) return reason;
    if (auto reason = refuse_body(stmt->body); !reason.empty()) return reason;
    if (auto reason = refuse_body(stmt->otherwise); !reason.empty()) return reason;
  }
  return {};
}

/// Iterations of begin..end step `step`, none if end <= begin.
llvm::Value* trip_count(llvm::IRBuilder<>& b, llvm::Value* begin, llvm::Value* end, int64_t step) {
  llvm::Value* extent = b.CreateNSWSub(end, begin);
  if (step != 1) extent = b.CreateSDiv(b.CreateNSWAdd(extent, b.getInt64(step - 1)), b.getInt64(step));
  return b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, extent, b.getInt64(0));
}

}  // namespace

std::string refuse_kernel(const ir::loops::Kernel& kernel) {
  const Stmt* parallel = parallel_loop(kernel);
  if (parallel && parallel->step <= 0) return fmt::format("loop {} has step {}", parallel->loop->name, parallel->step);
  return refuse_body(parallel ? parallel->body : kernel.body);
}

KernelEmitter::KernelEmitter(llvm::Module& module, const ir::loops::Kernel& kernel, const machine::CpuTarget& cpu)
    : module_(module),
      context_(module.getContext()),
      kernel_(kernel),
      cpu_(cpu),
      scratch_(layout_scratch(kernel)),
      builder_(context_),
      setup_(context_) {}

KernelEmitter::Scope::~Scope() {
  auto& log = emitter_.memo_log_;
  for (; log.size() > mark_; log.pop_back()) emitter_.memo_.erase(log.back());
}

void KernelEmitter::emit() {
  emit_needs();
  emit_run();
}

llvm::BasicBlock* KernelEmitter::new_block(const char* name) {
  return llvm::BasicBlock::Create(context_, name, function_);
}

llvm::Function* KernelEmitter::add_function(const std::string& name, std::span<llvm::Type* const> arguments) {
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(context_), {arguments.data(), arguments.size()}, false);
  auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, name, module_);
  function->setDoesNotThrow();
  // Our vector types are chosen for the CPU: LLVM's preference for 256 bits on AVX-512 would split them again.
  if (cpu_.vectors.bytes == 64) {
    function->addFnAttr("prefer-vector-width", "512");
    function->addFnAttr("min-legal-vector-width", "512");
  }
  return function;
}

void KernelEmitter::begin_setup(llvm::Function* function) {
  function_ = function;
  dims_.clear();
  dim_values_.clear();
  auto* entry = new_block("entry");
  auto* start = new_block("start");
  setup_.SetInsertPoint(llvm::BranchInst::Create(start, entry));
  builder_.SetInsertPoint(start);
}

void KernelEmitter::emit_needs() {
  llvm::Type* pointer = builder_.getPtrTy();
  begin_setup(add_function(runtime::needs_symbol(kernel_.name), std::array{pointer, pointer}));
  // Runs once a launch: its compile time (a fifth of a small kernel's) is worth more than its speed.
  function_->addFnAttr(llvm::Attribute::OptimizeNone);
  function_->addFnAttr(llvm::Attribute::NoInline);
  dims_argument_ = function_->getArg(0);
  const Stmt* parallel = parallel_loop(kernel_);
  Value* tasks = builder_.getInt64(1);
  if (parallel) tasks = trip_count(builder_, evaluate(parallel->begin), evaluate(parallel->end), parallel->step);
  Value* out = function_->getArg(1);
  builder_.CreateStore(tasks, out);
  builder_.CreateStore(dim_value(scratch_.bytes), builder_.CreateConstGEP1_64(builder_.getInt64Ty(), out, 1));
  Value* wave = parallel && parallel->wave ? evaluate(parallel->wave) : builder_.getInt64(0);
  builder_.CreateStore(wave, builder_.CreateConstGEP1_64(builder_.getInt64Ty(), out, 2));
  builder_.CreateRetVoid();
  memo_.clear();
  memo_log_.clear();
}

void KernelEmitter::emit_run() {
  llvm::Type* pointer = builder_.getPtrTy();
  llvm::Type* i64 = builder_.getInt64Ty();
  begin_setup(add_function(runtime::run_symbol(kernel_.name), std::array{pointer, pointer, pointer, i64, i64}));
  dims_argument_ = function_->getArg(2);
  place_buffers();
  emit_task_loop(parallel_loop(kernel_));
}

void KernelEmitter::emit_task_loop(const Stmt* parallel) {
  Value* first = function_->getArg(3);
  Value* last = function_->getArg(4);
  Value* begin = parallel ? evaluate(parallel->begin) : nullptr;
  auto* preheader = builder_.GetInsertBlock();
  auto* task_block = new_block("task");
  auto* exit = new_block("exit");
  builder_.CreateCondBr(builder_.CreateICmpSLT(first, last), task_block, exit);
  builder_.SetInsertPoint(task_block);
  auto* task = builder_.CreatePHI(builder_.getInt64Ty(), 2, "task");
  task->addIncoming(first, preheader);
  {
    Scope scope(*this);
    if (parallel) {
      Value* offset = builder_.CreateNSWMul(task, builder_.getInt64(parallel->step));
      loops_[parallel->loop] = builder_.CreateNSWAdd(begin, offset, parallel->loop->name);
    }
    emit_body(parallel ? parallel->body : kernel_.body);
  }
  Value* next = builder_.CreateNSWAdd(task, builder_.getInt64(1));
  task->addIncoming(next, builder_.GetInsertBlock());
  builder_.CreateCondBr(builder_.CreateICmpSLT(next, last), task_block, exit);
  builder_.SetInsertPoint(exit);
  report_what_is_not_finite();
  builder_.CreateRetVoid();
}

void KernelEmitter::emit_body(const std::vector<StmtPtr>& body) {
  for (const StmtPtr& stmt : body) {
    ++epoch_;
    emit_statement(*stmt);
  }
}

void KernelEmitter::emit_statement(const Stmt& stmt) {
  switch (stmt.kind) {
    case StmtKind::Block: {
      Scope scope(*this);
      return emit_body(stmt.body);
    }
    case StmtKind::For:
      return emit_for(stmt);
    case StmtKind::While:
      return emit_while(stmt);
    case StmtKind::If:
      return emit_if(stmt);
    case StmtKind::Declare:
    case StmtKind::Assign:
      return bind_local(stmt);
    case StmtKind::Store:
      return emit_store(stmt);
    case StmtKind::Alloc:
      place_of(stmt.buffer);
      return;
    case StmtKind::Prefetch:
      return emit_prefetch(stmt);
    case StmtKind::Check:
      return emit_check(stmt);
    case StmtKind::Barrier:
      return;  // none is left (without_blocks)
  }
}

void KernelEmitter::bind_local(const Stmt& stmt) {
  Value* value = evaluate(stmt.value);
  if (!stmt.local->is_mutable) {
    locals_[stmt.local] = value;
    return;
  }
  Value*& slot = locals_[stmt.local];
  // Made once: a Declare within a loop sets the same variable anew.
  if (!slot) slot = setup_.CreateAlloca(value->getType(), nullptr, stmt.local->name);
  builder_.CreateStore(value, slot);
}

void KernelEmitter::emit_for(const Stmt& stmt) {
  Value* begin = evaluate(stmt.begin);
  Value* end = evaluate(stmt.end);
  auto* first = llvm::dyn_cast<llvm::ConstantInt>(begin);
  auto* limit = llvm::dyn_cast<llvm::ConstantInt>(end);
  const bool constant = first && limit;
  if (constant && first->getSExtValue() >= limit->getSExtValue()) return;
  const bool once = constant && first->getSExtValue() + stmt.step >= limit->getSExtValue();
  if (constant && (once || stmt.loop_kind == LoopKind::Unrolled))
    return emit_unrolled(stmt, first->getSExtValue(), limit->getSExtValue());

  auto* preheader = builder_.GetInsertBlock();
  auto* body = new_block("loop");
  auto* after = new_block("after");
  if (constant)
    builder_.CreateBr(body);
  else
    builder_.CreateCondBr(builder_.CreateICmpSLT(begin, end), body, after);
  builder_.SetInsertPoint(body);
  auto* counter = builder_.CreatePHI(builder_.getInt64Ty(), 2, stmt.loop->name);
  counter->addIncoming(begin, preheader);
  loops_[stmt.loop] = counter;
  {
    Scope scope(*this);
    emit_body(stmt.body);
  }
  Value* next = builder_.CreateNSWAdd(counter, builder_.getInt64(stmt.step));
  counter->addIncoming(next, builder_.GetInsertBlock());
  builder_.CreateCondBr(builder_.CreateICmpSLT(next, end), body, after);
  builder_.SetInsertPoint(after);
}

void KernelEmitter::emit_unrolled(const Stmt& stmt, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += stmt.step) {
    Scope scope(*this);
    loops_[stmt.loop] = builder_.getInt64(static_cast<uint64_t>(i));
    emit_body(stmt.body);
  }
}

void KernelEmitter::emit_while(const Stmt& stmt) {
  auto* header = new_block("while");
  auto* body = new_block("body");
  auto* after = new_block("after");
  builder_.CreateBr(header);
  builder_.SetInsertPoint(header);
  Scope scope(*this);
  ++epoch_;
  builder_.CreateCondBr(evaluate(stmt.value), body, after);
  builder_.SetInsertPoint(body);
  emit_body(stmt.body);
  builder_.CreateBr(header);
  builder_.SetInsertPoint(after);
}

void KernelEmitter::emit_if(const Stmt& stmt) {
  Value* condition = evaluate(stmt.value);
  auto* then = new_block("then");
  auto* after = new_block("after");
  auto* otherwise = stmt.otherwise.empty() ? after : new_block("else");
  builder_.CreateCondBr(condition, then, otherwise);
  auto emit_branch = [&](llvm::BasicBlock* block, const std::vector<StmtPtr>& body) {
    builder_.SetInsertPoint(block);
    Scope scope(*this);
    emit_body(body);
    builder_.CreateBr(after);
  };
  emit_branch(then, stmt.body);
  if (otherwise != after) emit_branch(otherwise, stmt.otherwise);
  builder_.SetInsertPoint(after);
}

void KernelEmitter::emit_check(const Stmt& stmt) {
  Value* passed = evaluate(stmt.value);
  auto* failed = new_block("failed");
  auto* after = new_block("after");
  builder_.CreateCondBr(passed, after, failed, llvm::MDBuilder(context_).createLikelyBranchWeights());
  builder_.SetInsertPoint(failed);
  {
    Scope scope(*this);
    Value* index = stmt.indices.empty() ? builder_.getInt64(0) : evaluate(stmt.indices[0]);
    builder_.CreateCall(check_failed(),
                        {function_->getArg(0), builder_.getInt32(static_cast<uint32_t>(stmt.step)), index});
  }
  builder_.CreateBr(after);
  builder_.SetInsertPoint(after);
}

/// void strata.check_failed(context, code, index): one cold copy per module, called so that a check costs its loop one
/// branch and is no obstacle to moving loads: status words are no kernel's buffers.
llvm::FunctionCallee KernelEmitter::check_failed() {
  constexpr const char* name = "strata.check_failed";
  if (auto* existing = module_.getFunction(name)) return existing;
  llvm::IRBuilder<> b(context_);
  auto* type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getInt32Ty(), b.getInt64Ty()}, false);
  auto* function = llvm::Function::Create(type, llvm::Function::InternalLinkage, name, module_);
  function->addFnAttr(llvm::Attribute::NoInline);
  function->addFnAttr(llvm::Attribute::Cold);
  function->setDoesNotThrow();
  function->setOnlyAccessesInaccessibleMemory();
  auto* entry = llvm::BasicBlock::Create(context_, "entry", function);
  auto* won = llvm::BasicBlock::Create(context_, "won", function);
  auto* done = llvm::BasicBlock::Create(context_, "done", function);
  b.SetInsertPoint(entry);
  Value* status = b.CreateLoad(b.getPtrTy(), function->getArg(0));
  Value* swap = b.CreateAtomicCmpXchg(status, b.getInt32(0), function->getArg(1), llvm::MaybeAlign(4),
                                      llvm::AtomicOrdering::Monotonic, llvm::AtomicOrdering::Monotonic);
  b.CreateCondBr(b.CreateExtractValue(swap, 1), won, done);
  b.SetInsertPoint(won);
  b.CreateStore(function->getArg(2), b.CreateConstGEP1_64(b.getInt8Ty(), status, 8));
  b.CreateBr(done);
  b.SetInsertPoint(done);
  b.CreateRetVoid();
  return function;
}

}  // namespace strata::compiler::llvm_backend
