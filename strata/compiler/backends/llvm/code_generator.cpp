#include "strata/compiler/backends/llvm/code_generator.h"

#include <fmt/format.h>
#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Scalar/DCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>

#include <chrono>
#include <cstring>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/backends/llvm/kernel_emitter.h"
#include "strata/compiler/backends/llvm/machine_pool.h"
#include "strata/ir/loops/blocks.h"

namespace strata::compiler::llvm_backend {

struct CodeGenerator::State {
  MachinePool targets;
};

CodeGenerator::CodeGenerator() : state_(std::make_shared<State>()) {}
CodeGenerator::~CodeGenerator() = default;

namespace {

using Clock = std::chrono::steady_clock;
using Kernels = std::span<const ir::loops::Kernel* const>;

double ms_since(Clock::time_point& start) {
  const auto now = Clock::now();
  const double ms = std::chrono::duration<double, std::milli>(now - start).count();
  start = now;
  return ms;
}

/// The module of some kernels, checked.
std::unique_ptr<llvm::Module> emit_module(llvm::LLVMContext& context, llvm::TargetMachine& target, Kernels kernels,
                                          const machine::CpuTarget& cpu) {
  auto module = std::make_unique<llvm::Module>("kernels", context);
  module->setTargetTriple(target.getTargetTriple().str());
  module->setDataLayout(target.createDataLayout());
  for (const auto* kernel : kernels) {
    if (const auto reason = CodeGenerator::refusal(*kernel))
      throw base::Error(base::code::kRefusedKernel, fmt::format("llvm refuses kernel {}: {}", kernel->name, *reason));
    // A core runs the threads of a block one after the other.
    if (ir::loops::has_blocks(*kernel))
      KernelEmitter(*module, ir::loops::without_blocks(*kernel), cpu).emit();
    else
      KernelEmitter(*module, *kernel, cpu).emit();
  }
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  if (llvm::verifyModule(*module, &stream))
    throw base::Error(base::code::kBug, "llvm's verifier refused the code: " + problem);
  return module;
}

constexpr unsigned kVectorBytes = 32;
/// Of a block of code. Up to here most of them stay in the 16 registers: softmax, with 13, lost 8 % to loads.
constexpr size_t kMostInRegisters = 16;

/// A select counts since it and a comparison of the same operands are one minimum or maximum.
bool has_memory_operand(const llvm::Instruction& user) {
  switch (user.getOpcode()) {
    case llvm::Instruction::FAdd:
    case llvm::Instruction::FSub:
    case llvm::Instruction::FMul:
    case llvm::Instruction::FCmp:
    case llvm::Instruction::Select:
      return true;
    default: {
      const auto* call = llvm::dyn_cast<llvm::CallBase>(&user);
      return call && call->getIntrinsicID() == llvm::Intrinsic::fma;
    }
  }
}

/// A splat of floats of the vector's width. Zeros and ones in every bit come from the register itself.
llvm::Constant* wide_splat(llvm::Value* operand) {
  auto* constant = llvm::dyn_cast<llvm::Constant>(operand);
  const auto* type = llvm::dyn_cast<llvm::FixedVectorType>(operand->getType());
  if (!constant || !type || !type->isFPOrFPVectorTy() || type->getPrimitiveSizeInBits() != 8 * kVectorBytes)
    return nullptr;
  if (!constant->getSplatValue() || constant->isZeroValue() || constant->isAllOnesValue()) return nullptr;
  return constant;
}

/// The constants of one module, each in memory once.
class ConstantTable {
 public:
  explicit ConstantTable(llvm::Module& module) : module_(module) {}

  llvm::Value* load(llvm::Constant* constant, llvm::Instruction* before) {
    llvm::GlobalVariable*& home = homes_[constant];
    if (!home) {
      home = new llvm::GlobalVariable(module_, constant->getType(), /*isConstant=*/true,
                                      llvm::GlobalValue::PrivateLinkage, constant, "splat");
      home->setAlignment(llvm::Align(kVectorBytes));
      home->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    }
    llvm::IRBuilder<> builder(before);
    auto* value = builder.CreateAlignedLoad(constant->getType(), home, llvm::Align(kVectorBytes));
    value->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(module_.getContext(), {}));
    return value;
  }

 private:
  llvm::Module& module_;
  llvm::DenseMap<llvm::Constant*, llvm::GlobalVariable*> homes_;
};

using Uses = llvm::SmallVector<llvm::Use*, 64>;

/// Where a block's operations read a wide splat.
Uses uses_of_splats(llvm::BasicBlock& block) {
  Uses uses;
  for (llvm::Instruction& user : block) {
    if (!has_memory_operand(user)) continue;
    for (llvm::Use& operand : user.operands())
      if (wide_splat(operand.get())) uses.push_back(&operand);
  }
  return uses;
}

size_t count_different(const Uses& uses) {
  llvm::SmallPtrSet<const llvm::Value*, 32> constants;
  for (const llvm::Use* use : uses) constants.insert(use->get());
  return constants.size();
}

/// LLVM keeps a splat as one element and broadcasts it into a register in an instruction of its own, which AVX2 can't
/// fold into the one that uses it. A polynomial of n terms then takes 2 n instructions, and a loop with more constants
/// than registers takes them in every step: GELU 115 instructions a vector where 75 do, and a sixth of its time. So in
/// blocks with that many, each splat that an operation with a memory operand reads becomes a load of a whole vector.
void keep_vector_constants_in_memory(llvm::Module& module) {
  ConstantTable table(module);
  for (llvm::Function& function : module)
    for (llvm::BasicBlock& block : function)
      if (const Uses uses = uses_of_splats(block); count_different(uses) > kMostInRegisters)
        for (llvm::Use* use : uses)
          use->set(table.load(wide_splat(use->get()), llvm::cast<llvm::Instruction>(use->getUser())));
}

/// Whether instruction selection would read memory in the instruction that has this value.
bool reads_memory_in_place(const llvm::Value& value) {
  const auto* made = llvm::dyn_cast<llvm::Instruction>(&value);
  if (!made || !made->hasOneUse()) return false;
  const auto is_load = [](const llvm::Value* v) { return llvm::isa<llvm::LoadInst>(v) && v->hasOneUse(); };
  return is_load(made) || llvm::any_of(made->operand_values(), is_load);
}

/// The value behind a fence that selection doesn't look through. It is no instruction.
void fence(llvm::Use& use) {
  auto* type = llvm::cast<llvm::FixedVectorType>(use->getType());
  const auto bits = static_cast<unsigned>(type->getPrimitiveSizeInBits().getFixedValue());
  llvm::IRBuilder<> builder(llvm::cast<llvm::Instruction>(use.getUser()));
  auto* floats = type->isFPOrFPVectorTy() ? type : llvm::FixedVectorType::get(builder.getFloatTy(), bits / 32);
  llvm::Value* value = builder.CreateBitCast(use.get(), floats);
  value = builder.CreateIntrinsic(llvm::Intrinsic::arithmetic_fence, {floats}, {value});
  use.set(builder.CreateBitCast(value, type));
}

/// AVX-512 folds a load into the select that takes or drops its lanes: a load under a mask, for which Zen 5 prefetches
/// nothing, as it does for any instruction that reads memory under one. Twice the time where the array comes from
/// memory (a sum of 100 MB 4.5 ms, under a mask 8.1). So a load that a select takes stays an instruction of its own.
void keep_loads_without_masks(llvm::Module& module) {
  const auto can_fence = [](const llvm::Value& value) {
    const auto* type = llvm::dyn_cast<llvm::FixedVectorType>(value.getType());
    return type && type->getPrimitiveSizeInBits() % 32 == 0 && type->getScalarSizeInBits() >= 8;
  };
  const auto fence_reads = [&](llvm::Instruction& user, unsigned first) {
    for (unsigned i = first; i < user.getNumOperands(); ++i)
      if (can_fence(*user.getOperand(i)) && reads_memory_in_place(*user.getOperand(i))) fence(user.getOperandUse(i));
  };
  for (llvm::Function& function : module)
    for (llvm::BasicBlock& block : function)
      for (llvm::Instruction& user : llvm::make_early_inc_range(block)) {
        if (llvm::isa<llvm::SelectInst>(user)) fence_reads(user, 1);
        // A comparison becomes one under the mask that it is joined with.
        const bool joins_masks =
            user.getOpcode() == llvm::Instruction::And && user.getType()->getScalarSizeInBits() == 1;
        for (llvm::Value* mask : user.operand_values())
          if (auto* compared = llvm::dyn_cast<llvm::CmpInst>(mask); joins_masks && compared && compared->hasOneUse())
            fence_reads(*compared, 0);
      }
}

/// The passes, a flat list. None vectorises, unrolls or contracts: the loop program is already in its final shape.
void optimise(llvm::Module& module, llvm::TargetMachine& target, const machine::CpuTarget& cpu) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&target);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);

  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::PreserveCFG));  // locals and register tiles become values
  passes.addPass(llvm::EarlyCSEPass());                            // addresses that statements share
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(            // address parts and broadcasts out of inner loops
      llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::DCEPass());
  for (llvm::Function& function : module)
    if (!function.isDeclaration() && !function.hasOptNone()) passes.run(function, functions);
  // The last, since passes see through such loads. AVX-512 broadcasts inside of the instruction that uses a constant.
  if (cpu.features.has(machine::CpuFeature::Avx512))
    keep_loads_without_masks(module);
  else
    keep_vector_constants_in_memory(module);
}

std::string machine_code(llvm::Module& module, llvm::TargetMachine& target, llvm::CodeGenFileType type) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (target.addPassesToEmitFile(passes, stream, nullptr, type))
    throw base::Error(base::code::kBug, "llvm can't write object files");
  passes.run(module);
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

std::string CodeGenerator::version() { return "llvm " LLVM_VERSION_STRING; }

std::optional<std::string> CodeGenerator::refusal(const ir::loops::Kernel& kernel) {
  std::string reason = refuse_kernel(kernel);
  return reason.empty() ? std::nullopt : std::optional(std::move(reason));
}

Object CodeGenerator::compile(Kernels kernels, const machine::CpuTarget& cpu, CompileTimes* times) const {
  CompileTimes spent;
  auto start = Clock::now();
  llvm::LLVMContext context;
  MachinePool::Lease target(state_->targets, cpu);
  auto module = emit_module(context, *target, kernels, cpu);
  spent.emit_ms = ms_since(start);
  optimise(*module, *target, cpu);
  spent.optimise_ms = ms_since(start);
  const std::string code = machine_code(*module, *target, llvm::CodeGenFileType::ObjectFile);
  spent.machine_code_ms = ms_since(start);
  if (times) *times = spent;
  Object object(code.size());
  std::memcpy(object.data(), code.data(), code.size());
  return object;
}

std::string CodeGenerator::listing(Kernels kernels, const machine::CpuTarget& cpu, Listing what) const {
  llvm::LLVMContext context;
  MachinePool::Lease target(state_->targets, cpu);
  auto module = emit_module(context, *target, kernels, cpu);
  if (what != Listing::EmittedIr) optimise(*module, *target, cpu);
  if (what == Listing::Assembly) return machine_code(*module, *target, llvm::CodeGenFileType::AssemblyFile);
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream, nullptr);
  return text;
}

}  // namespace strata::compiler::llvm_backend
