#include "strata/machine/cpu_target.h"

#include <cpuid.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <iterator>

#include "strata/base/environment/variables.h"
#include "strata/base/error/codes/runtime_codes.h"
#include "strata/base/error/error.h"
#include "strata/machine/require_runnable.h"

namespace strata::machine {
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

CpuFeatures detect() {
  const Cpuid basic = cpuid(1), features = cpuid(7), more = cpuid(7, 1), extended = cpuid(0x80000001);
  const uint64_t state = saved_state();
  CpuFeatures found;
  const auto add = [&](CpuFeature feature, bool is_there) {
    if (is_there) found.add(feature);
  };
  if ((state & 0x6) != 0x6 || !has_bits(basic.ecx, {28})) return found;  // xmm and ymm; avx
  add(CpuFeature::Fma, has_bits(basic.ecx, {12}));
  add(CpuFeature::F16c, has_bits(basic.ecx, {29}));
  add(CpuFeature::Avx2, has_bits(basic.ecx, {22, 23})             // movbe popcnt
                            && has_bits(features.ebx, {3, 5, 8})  // bmi1 avx2 bmi2
                            && has_bits(extended.ecx, {5}));      // lzcnt
  add(CpuFeature::AvxVnni, found.has(CpuFeature::Avx2) && has_bits(more.eax, {4}));
  if ((state & 0xe6) != 0xe6) return found;                               // and zmm and masks
  add(CpuFeature::Avx512, has_bits(features.ebx, {16, 17, 28, 30, 31}));  // f dq cd bw vl
  add(CpuFeature::Avx512Vnni, found.has(CpuFeature::Avx512) && has_bits(features.ecx, {11}));
  add(CpuFeature::Avx512Bf16, found.has(CpuFeature::Avx512) && has_bits(more.eax, {5}));
  return found;
}

constexpr int kNotForced = -1;
std::atomic<int> forced_target{kNotForced};  // a position in kCpuTargets

std::optional<CpuTarget> target_from_environment() {
  const std::string text = base::environment("STRATA_ISA").value_or("");
  if (text.empty()) return std::nullopt;
  return require_runnable(cpu_target_named(text, "STRATA_ISA"), "STRATA_ISA");
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

std::string_view cpu_feature_name(CpuFeature feature) {
  constexpr std::string_view kNames[kCpuFeatureCount] = {"fma",    "f16c",        "avx2",       "avx_vnni",
                                                         "avx512", "avx512_vnni", "avx512_bf16"};
  return kNames[static_cast<size_t>(feature)];
}

std::string CpuFeatures::str() const {
  std::vector<std::string_view> names;
  for (int i = 0; i < kCpuFeatureCount; ++i)
    if (const auto f = static_cast<CpuFeature>(i); has(f)) names.push_back(cpu_feature_name(f));
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, " "));
}

CpuFeatures host_features() {
  static const CpuFeatures features = detect();
  return features;
}

bool host_can_run(const CpuTarget& target) { return host_features().includes(target.features); }

const std::vector<CpuTarget>& host_cpu_targets() {
  static const std::vector<CpuTarget> targets = [] {
    std::vector<CpuTarget> runnable;
    std::ranges::copy_if(kCpuTargets, std::back_inserter(runnable), host_can_run);
    return runnable;
  }();
  return targets;
}

const CpuTarget& host_cpu_target() { return host_cpu_targets().back(); }

CpuTarget require_runnable(const CpuTarget& target, std::string_view origin) {
  if (host_can_run(target)) return target;
  throw base::Error(base::code::kUnavailableTarget, fmt::format("{}: this CPU can't run {}, which needs {}", origin,
                                                                target.name, target.features.str()))
      .note(fmt::format("it has {}", host_features().str()))
      .hint(fmt::format("the most that it runs is {}", host_cpu_target().name));
}

std::optional<CpuTarget> find_cpu_target(std::string_view name) {
  const auto* const at = std::ranges::find(kCpuTargets, name, &CpuTarget::name);
  return at == std::end(kCpuTargets) ? std::nullopt : std::optional(*at);
}

CpuTarget cpu_target_named(std::string_view name, std::string_view origin) {
  if (const auto target = find_cpu_target(name)) return *target;
  std::vector<std::string> names;
  for (const CpuTarget& target : kCpuTargets) names.emplace_back(target.name);
  base::Error error(base::code::kUnavailableTarget,
                    fmt::format("{}: '{}' is no instruction set that Strata compiles for", origin, name));
  if (const auto near = base::nearest_name(name, names)) error.hint("did you mean " + *near + "?");
  throw error.hint(fmt::format("there are {}", fmt::join(names, ", ")));
}

CpuTarget chosen_cpu_target() {
  const int forced = forced_target.load(std::memory_order_relaxed);
  if (forced != kNotForced) return kCpuTargets[forced];
  static const std::optional<CpuTarget> environment = target_from_environment();
  return environment.value_or(host_cpu_target());
}

void force_cpu_target(std::optional<CpuTarget> target) {
  if (target) require_runnable(*target, "force_cpu_target");
  const auto position = target ? std::ranges::find(kCpuTargets, *target) - std::begin(kCpuTargets) : kNotForced;
  forced_target.store(static_cast<int>(position), std::memory_order_relaxed);
}

const std::string& cpu_fingerprint() {
  static const std::string text = read_fingerprint();
  return text;
}

const std::string& cpu_brand() {
  static const std::string text = read_brand();
  return text;
}

}  // namespace strata::machine
