#include "strata/compiler/backends/llvm/target.h"

#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>

#include "strata/base/error/error.h"

namespace strata::compiler::llvm_backend {
namespace {

constexpr const char* kTriple = "x86_64-unknown-linux-gnu";

const char* cpu_of(runtime::IsaLevel level) {
  switch (level) {
    case runtime::IsaLevel::Scalar:
      return "x86-64";
    case runtime::IsaLevel::Avx2:
      return "x86-64-v3";
    case runtime::IsaLevel::Avx512:
      break;
  }
  return "x86-64-v4";
}

std::unique_ptr<llvm::TargetMachine> make_machine(runtime::IsaLevel level) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
  std::string reason;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(kTriple, reason);
  if (!target) throw base::Error("E0900", "llvm has no x86-64 target: " + reason);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;  // an fma is written as one
  options.TrapUnreachable = false;
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(kTriple, cpu_of(level), "", options, llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                  llvm::CodeGenOptLevel::Default, /*JIT=*/true));
}

}  // namespace

TargetPool::TargetPool() = default;
TargetPool::~TargetPool() = default;

TargetPool::Lease::Lease(TargetPool& pool, runtime::IsaLevel level) : pool_(pool), level_(level) {
  {
    std::lock_guard lock(pool.mutex_);
    auto& idle = pool.idle_[static_cast<size_t>(level)];
    if (!idle.empty()) {
      machine_ = std::move(idle.back());
      idle.pop_back();
    }
  }
  if (!machine_) machine_ = make_machine(level);
}

TargetPool::Lease::~Lease() {
  std::lock_guard lock(pool_.mutex_);
  pool_.idle_[static_cast<size_t>(level_)].push_back(std::move(machine_));
}

}  // namespace strata::compiler::llvm_backend
