// The native code generator behind the Backend interface: one backend per ISA level, all of which share one generator.
#pragma once

#include <memory>

#include "strata/compiler/backends/backend.h"
#include "strata/compiler/backends/llvm/code_generator.h"

namespace strata::compiler::llvm_backend {

class LlvmBackend final : public Backend {
 public:
  LlvmBackend(std::shared_ptr<const CodeGenerator> generator, runtime::IsaLevel level)
      : generator_(std::move(generator)), level_(level) {}

  std::string_view name() const override { return "llvm"; }
  std::string fingerprint() const override;
  std::optional<std::string> refusal(const ir::loops::Kernel& kernel) const override;
  Object compile(std::span<const ir::loops::Kernel* const> kernels) const override;
  std::shared_ptr<const LoadedObject> load(std::span<const std::byte> object) const override;
  bool looks_at_results() const override { return true; }
  /// Assembly in AT&T syntax.
  std::string listing(std::span<const ir::loops::Kernel* const> kernels) const override;

  runtime::IsaLevel level() const { return level_; }
  const CodeGenerator& generator() const { return *generator_; }

 private:
  std::shared_ptr<const CodeGenerator> generator_;
  runtime::IsaLevel level_;
};

}  // namespace strata::compiler::llvm_backend
