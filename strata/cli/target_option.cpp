#include "strata/cli/target_option.h"

#include "strata/compiler/backends/backends.h"
#include "strata/machine/cpu_target.h"
#include "strata/machine/require_runnable.h"

namespace strata::cli {

const compiler::Target& target_given(const std::string& isa, const std::string& backend) {
  if (!backend.empty() && backend != "llvm") return compiler::target_by_name(backend);
  return isa.empty() ? compiler::chosen_target() : compiler::llvm_target_for(machine::cpu_target_named(isa, "--isa"));
}

const compiler::Target& runnable_target_given(const std::string& isa, const std::string& backend) {
  if (!isa.empty()) machine::require_runnable(machine::cpu_target_named(isa, "--isa"), "--isa");
  return target_given(isa, backend);
}

}  // namespace strata::cli
