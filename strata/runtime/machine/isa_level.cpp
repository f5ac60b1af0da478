#include "strata/runtime/machine/isa_level.h"

#include <cpuid.h>
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "strata/base/environment/variables.h"
#include "strata/base/error/error.h"

namespace strata::runtime {
namespace {

struct Cpuid {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Cpuid cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  Cpuid r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

bool has_bits(uint32_t word, std::initializer_list<int> bits) {
  for (int bit : bits)
    if (!(word >> bit & 1)) return false;
  return true;
}

/// The register state that the operating system saves at a task switch (XCR0).
uint64_t saved_state() {
  if (!has_bits(cpuid(1).ecx, {27})) return 0;
  uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

IsaLevel detect() {
  const Cpuid basic = cpuid(1), features = cpuid(7), extended = cpuid(0x80000001);
  const uint64_t state = saved_state();
  const bool avx2 = (state & 0x6) == 0x6                          // xmm and ymm
                    && has_bits(basic.ecx, {12, 22, 23, 28, 29})  // fma movbe popcnt avx f16c
                    && has_bits(features.ebx, {3, 5, 8})          // bmi1 avx2 bmi2
                    && has_bits(extended.ecx, {5});               // lzcnt
  if (!avx2) return IsaLevel::Scalar;
  const bool avx512 = (state & 0xe6) == 0xe6 && has_bits(features.ebx, {16, 17, 28, 30, 31});  // f dq cd bw vl
  return avx512 ? IsaLevel::Avx512 : IsaLevel::Avx2;
}

IsaLevel require_runnable(IsaLevel level, std::string_view origin) {
  if (host_can_run(level)) return level;
  throw base::Error("E0401", fmt::format("{}: this CPU can't run {}, its highest level is {}", origin,
                                         isa_level_name(level), isa_level_name(host_isa_level())));
}

constexpr int kNotForced = -1;
std::atomic<int> forced_level{kNotForced};

std::optional<IsaLevel> level_from_environment() {
  const std::string text = base::environment("STRATA_ISA").value_or("");
  if (text.empty()) return std::nullopt;
  if (auto level = isa_level_from_name(text)) return require_runnable(*level, "STRATA_ISA");
  throw base::Error("E0401", fmt::format("STRATA_ISA: '{}' is no instruction set level", text))
      .hint("the levels are scalar, avx2 and avx512");
}

std::string read_brand() {
  char text[49] = {};
  for (uint32_t i = 0; i < 3; ++i) {
    const Cpuid part = cpuid(0x80000002 + i);
    std::memcpy(text + i * sizeof part, &part, sizeof part);
  }
  return text;
}

std::string read_fingerprint() {
  const Cpuid vendor = cpuid(0), basic = cpuid(1), features = cpuid(7), more = cpuid(7, 1);
  char name[13] = {};
  std::memcpy(name, &vendor.ebx, 4);
  std::memcpy(name + 4, &vendor.edx, 4);
  std::memcpy(name + 8, &vendor.ecx, 4);
  // Bit 27 of ecx (OSXSAVE) and ebx of leaf 1 (this core's APIC id) differ between cores and boots.
  return fmt::format("{}-{:08x}-{:08x}-{:08x}-{:08x}-{:08x}-{:08x}-{:x}", name, basic.eax, basic.ecx & ~(1u << 27),
                     features.ebx, features.ecx, features.edx, more.eax, saved_state());
}

}  // namespace

std::string_view isa_level_name(IsaLevel level) {
  switch (level) {
    case IsaLevel::Scalar:
      return "scalar";
    case IsaLevel::Avx2:
      return "avx2";
    case IsaLevel::Avx512:
      break;
  }
  return "avx512";
}

std::optional<IsaLevel> isa_level_from_name(std::string_view name) {
  for (IsaLevel level : kAllIsaLevels)
    if (isa_level_name(level) == name) return level;
  return std::nullopt;
}

IsaLevel host_isa_level() {
  static const IsaLevel level = detect();
  return level;
}

IsaLevel chosen_isa_level() {
  const int forced = forced_level.load(std::memory_order_relaxed);
  if (forced != kNotForced) return static_cast<IsaLevel>(forced);
  static const std::optional<IsaLevel> environment = level_from_environment();
  return environment.value_or(host_isa_level());
}

void force_isa_level(std::optional<IsaLevel> level) {
  if (level) require_runnable(*level, "force_isa_level");
  forced_level.store(level ? static_cast<int>(*level) : kNotForced, std::memory_order_relaxed);
}

const std::string& cpu_fingerprint() {
  static const std::string text = read_fingerprint();
  return text;
}

const std::string& cpu_brand() {
  static const std::string text = read_brand();
  return text;
}

}  // namespace strata::runtime
