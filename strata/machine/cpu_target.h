// What machine code for a CPU may use: features of its instruction set, and targets, which are named sets of them.
//
// Chosen from CPUID feature bits, never from CPU-name tables: three libraries' tables are wrong on real machines
// (a new model number sends them to kernels of 2004). A target can be forced, so that the tests run each that the host
// has. Features are in no order: AVX-VNNI comes without AVX-512, and AVX-512 without VNNI. The processor that is
// described need not be this one.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/machine/vector_unit.h"

namespace strata::machine {

/// A feature is there if the operating system saves its registers, too.
enum class CpuFeature : uint8_t {
  Fma,
  F16c,        ///< conversions between f16 and f32
  Avx2,        ///< with BMI, LZCNT, MOVBE and POPCNT: x86-64-v3, but for the two above
  AvxVnni,     ///< dot products of four u8 by i8 and of two i16, in 256 bits without AVX-512
  Avx512,      ///< F, BW, CD, DQ and VL: x86-64-v4
  Avx512Vnni,  ///< these dot products in 512 bits
  Avx512Bf16,  ///< dot products of two bf16
};
inline constexpr int kCpuFeatureCount = 7;

/// "avx512_vnni", as Linux spells it in /proc/cpuinfo.
std::string_view cpu_feature_name(CpuFeature feature);

class CpuFeatures {
 public:
  constexpr CpuFeatures() = default;
  constexpr CpuFeatures(std::initializer_list<CpuFeature> list) {
    for (CpuFeature f : list) add(f);
  }
  constexpr bool has(CpuFeature f) const { return bits_ >> static_cast<unsigned>(f) & 1; }
  constexpr bool includes(CpuFeatures others) const { return (others.bits_ & ~bits_) == 0; }
  constexpr void add(CpuFeature f) { bits_ |= 1u << static_cast<unsigned>(f); }
  friend constexpr bool operator==(CpuFeatures, CpuFeatures) = default;

  /// "fma f16c avx2"; "none" for none.
  std::string str() const;

 private:
  uint32_t bits_ = 0;
};

/// What this CPU and its operating system can run.
CpuFeatures host_features();

struct CpuTarget {
  std::string_view name;
  CpuFeatures features;
  VectorUnit vectors;
  friend constexpr bool operator==(const CpuTarget& a, const CpuTarget& b) { return a.name == b.name; }
};

/// The presets, from the least to the most.
inline constexpr CpuTarget kScalar{"scalar", {}, {16, 16}};  ///< x86-64's baseline: SSE2, no FMA instruction
inline constexpr CpuTarget kAvx2{"avx2", {CpuFeature::Fma, CpuFeature::F16c, CpuFeature::Avx2}, {32, 16, true}};
inline constexpr CpuTarget kAvx512{
    "avx512", {CpuFeature::Fma, CpuFeature::F16c, CpuFeature::Avx2, CpuFeature::Avx512}, {64, 32, true}};
inline constexpr CpuTarget kAvx512Vnni{
    "avx512-vnni",
    {CpuFeature::Fma, CpuFeature::F16c, CpuFeature::Avx2, CpuFeature::Avx512, CpuFeature::Avx512Vnni},
    {64, 32, true, true}};
inline constexpr CpuTarget kAvx512Bf16{"avx512-bf16",
                                       {CpuFeature::Fma, CpuFeature::F16c, CpuFeature::Avx2, CpuFeature::Avx512,
                                        CpuFeature::Avx512Vnni, CpuFeature::Avx512Bf16},
                                       {64, 32, true, true, true}};
inline constexpr CpuTarget kCpuTargets[] = {kScalar, kAvx2, kAvx512, kAvx512Vnni, kAvx512Bf16};

/// Whether code for it runs here.
bool host_can_run(const CpuTarget& target);
/// The presets that run here, from the least to the most.
const std::vector<CpuTarget>& host_cpu_targets();
/// The last of them.
const CpuTarget& host_cpu_target();

/// A preset by name; nothing for another name.
std::optional<CpuTarget> find_cpu_target(std::string_view name);
/// The same; for another name E0401 with the names, and where it comes from ("--isa").
CpuTarget cpu_target_named(std::string_view name, std::string_view origin);

/// What to compile for: the forced one, else that of the environment variable STRATA_ISA, else the host's. Throws E0401
/// when STRATA_ISA is no preset's name, or is one that the host can't run.
CpuTarget chosen_cpu_target();
/// Forces a preset (nullopt: none). Throws E0401 if the host can't run it. Any thread.
void force_cpu_target(std::optional<CpuTarget> target);

/// What identifies this CPU in caches of measurements and tuning: vendor, family, model, stepping and feature bits.
const std::string& cpu_fingerprint();
/// The CPU's own name for reports ("AMD EPYC ..."). Never decide by it.
const std::string& cpu_brand();

}  // namespace strata::machine
