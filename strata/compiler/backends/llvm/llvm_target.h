// The native code generator behind the Target interface: one target per instruction set, all of which share one
// generator.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>

#include "strata/compiler/backends/llvm/code_generator.h"
#include "strata/compiler/backends/target.h"

namespace strata::compiler::llvm_backend {

class LlvmTarget : public Target {
 public:
  LlvmTarget(std::shared_ptr<const CodeGenerator> generator, const machine::CpuTarget& cpu)
      : generator_(std::move(generator)), cpu_(cpu), name_(fmt::format("llvm-{}", cpu.name)) {}

  std::string_view name() const override { return name_; }
  std::string_view isa() const override { return cpu_.name; }
  std::string fingerprint() const override;
  std::optional<machine::VectorUnit> vector_unit() const override { return cpu_.vectors; }
  std::optional<std::string> refusal(const ir::loops::Kernel& kernel) const override;
  Object compile(std::span<const ir::loops::Kernel* const> kernels) const override;
  std::shared_ptr<const LoadedObject> load(std::span<const std::byte> object) const override;
  bool looks_at_results() const override { return true; }
  /// Assembly in AT&T syntax.
  std::string listing(std::span<const ir::loops::Kernel* const> kernels) const override;

  const machine::CpuTarget& cpu() const { return cpu_; }
  const CodeGenerator& generator() const { return *generator_; }

 private:
  std::shared_ptr<const CodeGenerator> generator_;
  machine::CpuTarget cpu_;
  std::string name_;
};

}  // namespace strata::compiler::llvm_backend
