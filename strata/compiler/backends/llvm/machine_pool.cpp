#include "strata/compiler/backends/llvm/machine_pool.h"

#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"

namespace strata::compiler::llvm_backend {
namespace {

constexpr const char* kTriple = "x86_64-unknown-linux-gnu";

using machine::CpuFeature;

/// The microarchitecture level that the features fill: it says how LLVM schedules instructions, too.
const char* level_of(const machine::CpuFeatures& features) {
  if (features.has(CpuFeature::Avx512)) return "x86-64-v4";
  return features.has(CpuFeature::Avx2) ? "x86-64-v3" : "x86-64";
}

/// What a level does not bring.
std::string features_beyond(const machine::CpuFeatures& features) {
  constexpr std::pair<CpuFeature, const char*> kNames[] = {{CpuFeature::AvxVnni, "+avxvnni"},
                                                           {CpuFeature::Avx512Vnni, "+avx512vnni"},
                                                           {CpuFeature::Avx512Bf16, "+avx512bf16"}};
  std::string text;
  for (const auto& [feature, name] : kNames)
    if (features.has(feature)) text.append(text.empty() ? "" : ",").append(name);
  return text;
}

std::unique_ptr<llvm::TargetMachine> make_machine(const machine::CpuTarget& cpu) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
  std::string reason;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(kTriple, reason);
  if (!target) throw base::Error(base::code::kBug, "llvm has no x86-64 target: " + reason);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;  // an fma is written as one
  options.TrapUnreachable = false;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      kTriple, level_of(cpu.features), features_beyond(cpu.features), options, llvm::Reloc::PIC_,
      llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default, /*JIT=*/true));
}

}  // namespace

MachinePool::MachinePool() = default;
MachinePool::~MachinePool() = default;

MachinePool::Lease::Lease(MachinePool& pool, const machine::CpuTarget& cpu) : pool_(pool), cpu_(cpu) {
  {
    std::lock_guard lock(pool.mutex_);
    auto& idle = pool.idle_[cpu.name];
    if (!idle.empty()) {
      machine_ = std::move(idle.back());
      idle.pop_back();
    }
  }
  if (!machine_) machine_ = make_machine(cpu);
}

MachinePool::Lease::~Lease() {
  std::lock_guard lock(pool_.mutex_);
  pool_.idle_[cpu_.name].push_back(std::move(machine_));
}

}  // namespace strata::compiler::llvm_backend
