// The list of targets: the only place outside a back end's folder that knows its name.
#pragma once

#include <span>
#include <string_view>

#include "strata/compiler/backends/target.h"
#include "strata/machine/cpu_target.h"

namespace strata::compiler {

/// Native code for a preset, which the host need not have: what it lacks compiles, but doesn't load.
const Target& llvm_target_for(const machine::CpuTarget& cpu);
/// Native code for machine::chosen_cpu_target(): what programs are compiled for unless somebody says otherwise.
const Target& chosen_target();

/// By the name that a user gives: "llvm" (the chosen one), "llvm-scalar", "llvm-avx2", "llvm-avx512",
/// "llvm-avx512-vnni", "llvm-avx512-bf16", "null".
/// Throws E0313 with the nearest name.
const Target& target_by_name(std::string_view name);
std::vector<std::string> target_names();

}  // namespace strata::compiler
