#include "strata/compiler/backends/llvm/llvm_backend.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"

namespace strata::compiler::llvm_backend {

std::string LlvmBackend::fingerprint() const {
  return fmt::format("{} {}", CodeGenerator::version(), runtime::isa_level_name(level_));
}

std::optional<std::string> LlvmBackend::refusal(const ir::loops::Kernel& kernel) const {
  return CodeGenerator::refusal(kernel);
}

Object LlvmBackend::compile(std::span<const ir::loops::Kernel* const> kernels) const {
  return generator_->compile(kernels, level_);
}

std::shared_ptr<const LoadedObject> LlvmBackend::load(std::span<const std::byte> object) const {
  if (!runtime::host_can_run(level_))
    throw base::Error("E0312",
                      fmt::format("code for {} can't run on this CPU, whose highest level is {}",
                                  runtime::isa_level_name(level_), runtime::isa_level_name(runtime::host_isa_level())));
  return generator_->load(object);
}

std::string LlvmBackend::listing(std::span<const ir::loops::Kernel* const> kernels) const {
  return generator_->listing(kernels, level_, Listing::Assembly);
}

}  // namespace strata::compiler::llvm_backend
