#include "strata/compiler/backends/backends.h"

#include <fmt/format.h>

#include <array>

#include "strata/base/error/error.h"
#include "strata/compiler/backends/llvm/llvm_backend.h"
#include "strata/compiler/backends/null/null_backend.h"

namespace strata::compiler {

using runtime::IsaLevel;

Object Backend::compile_composite(const ir::Node&, std::string_view kernel_name, std::span<const std::string>) const {
  throw base::Error("E0310", fmt::format("{}: {} is a composite, and it claims none", name(), kernel_name));
}

const Backend& llvm_backend_for(IsaLevel level) {
  static const auto generator = std::make_shared<const llvm_backend::CodeGenerator>();
  static const std::array<llvm_backend::LlvmBackend, 3> backends{
      llvm_backend::LlvmBackend(generator, IsaLevel::Scalar), llvm_backend::LlvmBackend(generator, IsaLevel::Avx2),
      llvm_backend::LlvmBackend(generator, IsaLevel::Avx512)};
  return backends[static_cast<size_t>(level)];
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names{"llvm"};
  for (IsaLevel level : runtime::kAllIsaLevels) names.push_back(fmt::format("llvm-{}", runtime::isa_level_name(level)));
  names.push_back("null");
  return names;
}

const Backend& backend_by_name(std::string_view name) {
  static const null_backend::NullBackend null;
  if (name == "null") return null;
  if (name == "llvm") return llvm_backend_for(runtime::chosen_isa_level());
  for (IsaLevel level : runtime::kAllIsaLevels)
    if (name == fmt::format("llvm-{}", runtime::isa_level_name(level))) return llvm_backend_for(level);
  auto error = base::Error("E0313", fmt::format("no backend is named '{}'", name));
  if (auto near = base::nearest_name(name, backend_names())) error.hint(fmt::format("did you mean {}?", *near));
  throw error;
}

}  // namespace strata::compiler
