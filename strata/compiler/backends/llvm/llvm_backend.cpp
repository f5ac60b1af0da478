#include "strata/compiler/backends/llvm/llvm_backend.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"

namespace strata::compiler::llvm_backend {
namespace {

class NativeObject final : public LoadedObject {
 public:
  explicit NativeObject(std::shared_ptr<const runtime::ObjectCode> code) : code_(std::move(code)) {}
  LoadedKernel find(std::string_view kernel_name) const override { return code_->find(kernel_name); }
  std::shared_ptr<const runtime::ObjectCode> native() const override { return code_; }

 private:
  std::shared_ptr<const runtime::ObjectCode> code_;
};

}  // namespace

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
  return std::make_shared<NativeObject>(runtime::ObjectCode::load({object.begin(), object.end()}));
}

std::string LlvmBackend::listing(std::span<const ir::loops::Kernel* const> kernels) const {
  return generator_->listing(kernels, level_, Listing::Assembly);
}

}  // namespace strata::compiler::llvm_backend
