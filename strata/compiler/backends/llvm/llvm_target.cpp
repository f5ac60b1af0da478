#include "strata/compiler/backends/llvm/llvm_target.h"

#include <fmt/format.h>

#include "strata/base/error/codes/compiler_codes.h"
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

std::string LlvmTarget::fingerprint() const {
  return fmt::format("{} {} {}", CodeGenerator::version(), cpu_.name, cpu_.features.str());
}

std::optional<std::string> LlvmTarget::refusal(const ir::loops::Kernel& kernel) const {
  return CodeGenerator::refusal(kernel);
}

Object LlvmTarget::compile(std::span<const ir::loops::Kernel* const> kernels) const {
  return generator_->compile(kernels, cpu_);
}

std::shared_ptr<const LoadedObject> LlvmTarget::load(std::span<const std::byte> object) const {
  if (!machine::host_can_run(cpu_))
    throw base::Error(base::code::kUnloadableObject,
                      fmt::format("code for {} can't run on this CPU, which runs {} at most", cpu_.name,
                                  machine::host_cpu_target().name));
  return std::make_shared<NativeObject>(runtime::ObjectCode::load({object.begin(), object.end()}));
}

std::string LlvmTarget::listing(std::span<const ir::loops::Kernel* const> kernels) const {
  return generator_->listing(kernels, cpu_, Listing::Assembly);
}

}  // namespace strata::compiler::llvm_backend
