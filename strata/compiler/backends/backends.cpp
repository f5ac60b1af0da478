#include "strata/compiler/backends/backends.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/backends/llvm/llvm_target.h"
#include "strata/compiler/backends/null/null_target.h"

namespace strata::compiler {

using machine::CpuTarget;

namespace {

using Targets = std::vector<std::unique_ptr<const llvm_backend::LlvmTarget>>;

/// One for each preset, in their order.
const Targets& llvm_targets() {
  static const Targets targets = [] {
    const auto generator = std::make_shared<const llvm_backend::CodeGenerator>();
    Targets made;
    for (const CpuTarget& cpu : machine::kCpuTargets)
      made.push_back(std::make_unique<const llvm_backend::LlvmTarget>(generator, cpu));
    return made;
  }();
  return targets;
}

}  // namespace

const Target& llvm_target_for(const CpuTarget& cpu) {
  return **std::ranges::find(llvm_targets(), cpu, [](const auto& target) { return target->cpu(); });
}

const Target& chosen_target() { return llvm_target_for(machine::chosen_cpu_target()); }

std::vector<std::string> target_names() {
  std::vector<std::string> names{"llvm"};
  for (const auto& target : llvm_targets()) names.emplace_back(target->name());
  names.emplace_back("null");
  return names;
}

const Target& target_by_name(std::string_view name) {
  static const null_backend::NullTarget null;
  if (name == "null") return null;
  if (name == "llvm") return chosen_target();
  for (const auto& target : llvm_targets())
    if (name == target->name()) return *target;
  auto error = base::Error(base::code::kUnknownBackend, fmt::format("no backend is named '{}'", name));
  if (auto near = base::nearest_name(name, target_names())) error.hint(fmt::format("did you mean {}?", *near));
  throw error;
}

}  // namespace strata::compiler
