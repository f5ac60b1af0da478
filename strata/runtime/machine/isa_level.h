// Instruction set levels: which one the host can run, which one is chosen, and the vector lanes of each.
//
// Chosen from CPUID feature bits, never from CPU-name tables: three libraries' tables are wrong on real machines
// (a new model number sends them to kernels of 2004). A level can be forced, so that the tests run each that the host
// has.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "strata/ir/dtype.h"

namespace strata::runtime {

enum class IsaLevel : uint8_t {
  Scalar,  ///< x86-64 baseline (SSE2): no FMA instruction
  Avx2,    ///< AVX2, FMA, F16C, BMI (x86-64-v3)
  Avx512,  ///< and AVX-512 F, BW, CD, DQ, VL (x86-64-v4)
};
inline constexpr IsaLevel kAllIsaLevels[] = {IsaLevel::Scalar, IsaLevel::Avx2, IsaLevel::Avx512};

/// "scalar", "avx2", "avx512".
std::string_view isa_level_name(IsaLevel level);
std::optional<IsaLevel> isa_level_from_name(std::string_view name);

/// The highest level that this CPU and its operating system can run.
IsaLevel host_isa_level();
/// Whether code of `level` runs here.
inline bool host_can_run(IsaLevel level) { return level <= host_isa_level(); }

/// The level to compile for: the forced one, else that of the environment variable STRATA_ISA, else the host's.
/// Throws E0401 when STRATA_ISA is no level's name, or is one that the host can't run.
IsaLevel chosen_isa_level();
/// Forces a level (nullopt: none). Throws E0401 if the host can't run it. Any thread.
void force_isa_level(std::optional<IsaLevel> level);

/// Bytes of a vector register.
constexpr int vector_bytes(IsaLevel level) {
  return level == IsaLevel::Avx512 ? 64 : level == IsaLevel::Avx2 ? 32 : 16;
}
/// Elements of `dtype` in a vector register; half floats count as f32, in which they are computed.
constexpr int vector_lanes(ir::DType dtype, IsaLevel level) {
  return vector_bytes(level) / static_cast<int>(ir::is_half_float(dtype) ? 4 : ir::dtype_bytes(dtype));
}
/// Architectural vector registers.
constexpr int vector_registers(IsaLevel level) { return level == IsaLevel::Avx512 ? 32 : 16; }

/// What identifies this CPU in caches of measurements and tuning: vendor, family, model, stepping and feature bits.
const std::string& cpu_fingerprint();
/// The CPU's own name for reports ("AMD EPYC ..."). Never decide by it.
const std::string& cpu_brand();

}  // namespace strata::runtime
