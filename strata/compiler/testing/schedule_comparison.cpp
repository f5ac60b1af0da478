#include "strata/compiler/testing/schedule_comparison.h"

#include <fmt/format.h>

#include <cmath>
#include <random>

#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/testing/kernel_run.h"
#include "strata/compiler/tune/space.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/loops/verify.h"
#include "strata/runtime/machine_code/object_code.h"

namespace strata::compiler {

using ir::loops::Kernel;

namespace {

/// Small numbers, now and then a NaN; indices that a kernel loads have 64 bits and are 0 or 1.
void set_random(ir::HostArray& a, int64_t i, std::mt19937_64& random) {
  const int64_t small = static_cast<int64_t>(random() % 64) - 32;
  if (ir::is_float(a.dtype()))
    a.set(i, random() % 50 == 0 ? std::nan("") : static_cast<double>(small) * 0.37 + 0.01);
  else
    a.set_int(i,
              ir::dtype_bytes(a.dtype()) == 8 || ir::is_bool(a.dtype()) ? static_cast<int64_t>(random() % 2) : small);
}

/// The naive kernel's run, and what the scheduled one gives otherwise in the interpreter.
struct Interpreted {
  std::vector<ir::HostArray> buffers;  ///< before the run
  KernelRun expected;
  std::string difference;
};

Interpreted interpret_both(const Kernel& naive, const Kernel& scheduled, const std::vector<int64_t>& dims,
                           uint64_t seed, const std::vector<ir::HostArray>& inputs = {}) {
  if (const auto fault = ir::loops::find_fault(scheduled, ir::loops::Stage::Scheduled))
    return {{}, {}, fault->what + " in " + fault->statement};
  std::mt19937_64 random(seed);
  Interpreted result;
  result.buffers = make_buffers(naive, dims, [&](ir::HostArray& a, int64_t i) { set_random(a, i, random); }, inputs);
  result.expected = run_interpreted(naive, dims, result.buffers);
  result.difference = schedule_difference(naive, result.expected, scheduled, dims, result.buffers);
  if (result.difference.empty() && result.expected.status.code == 0)
    result.difference = dependence_difference(naive, scheduled, dims, result.buffers);
  if (!result.difference.empty()) result.difference = "interpreter: " + result.difference;
  return result;
}

/// What native code changes, or an empty text. The order of tasks is free; a kernel that fails leaves its results
/// undefined.
std::string native_difference(const Kernel& naive, const LoadedKernel& code, const std::vector<int64_t>& dims,
                              const Interpreted& interpreted) {
  const KernelRun found = run_native(code, dims, interpreted.buffers, TaskOrder::LastHalfFirst);
  const auto expected_code = interpreted.expected.status.code;
  if (expected_code != 0 && found.status.code == expected_code) return {};
  const std::string text = difference(naive, interpreted.expected, found);
  return text.empty() ? text : "native: " + text;
}

std::string with_loops(const Kernel& naive, const Kernel& scheduled, machine::CpuTarget cpu, const std::string& text) {
  return fmt::format("{} at {}: {}\n{}\n{}", naive.name, cpu.name, text, ir::loops::print(naive),
                     ir::loops::print(scheduled).substr(0, 6000));
}

}  // namespace

std::string compare_kernels(const Kernel& naive, const Kernel& scheduled, const std::vector<int64_t>& dims,
                            machine::CpuTarget cpu, Run run, uint64_t seed) {
  const Interpreted interpreted = interpret_both(naive, scheduled, dims, seed);
  if (!interpreted.difference.empty() || run == Run::InterpretOnly) return interpreted.difference;
  const Kernel* const kernels[] = {&scheduled};
  const Object object = test_generator().compile(kernels, cpu);
  if (!machine::host_can_run(cpu)) return {};
  const auto loaded = runtime::ObjectCode::load(object);
  return native_difference(naive, loaded->find(scheduled.name), dims, interpreted);
}

std::string compare_all(const std::vector<ComparedKernel>& kernels, CompiledFor cpus) {
  std::vector<Kernel> scheduled;
  std::vector<const Kernel*> compiled;
  for (const ComparedKernel& k : kernels)
    scheduled.push_back(schedule(k.naive, cpus.schedule.vectors, nullptr, {.is_strict = true}));
  for (const Kernel& kernel : scheduled) compiled.push_back(&kernel);
  const Object object = test_generator().compile(compiled, cpus.code);
  const bool runs = machine::host_can_run(cpus.code);
  const auto loaded = runs ? runtime::ObjectCode::load(object) : nullptr;
  for (size_t i = 0; i < kernels.size(); ++i) {
    const auto& [naive, dims, inputs] = kernels[i];
    const Interpreted interpreted = interpret_both(naive, scheduled[i], dims, i, inputs);
    std::string text = interpreted.difference;
    if (text.empty() && runs) text = native_difference(naive, loaded->find(naive.name), dims, interpreted);
    if (!text.empty()) return with_loops(naive, scheduled[i], cpus.schedule, text);
  }
  return {};
}

std::string compare_schedules(const Kernel& naive, const std::vector<int64_t>& dims, Run run, uint64_t seed) {
  for (const machine::CpuTarget& cpu : machine::kCpuTargets) {
    const Kernel scheduled = schedule(naive, cpu.vectors, nullptr, {.is_strict = true});
    const std::string text = compare_kernels(naive, scheduled, dims, cpu, run, seed);
    if (!text.empty()) return with_loops(naive, scheduled, cpu, text);
  }
  return {};
}

std::string compare_variations(const Kernel& naive, const std::vector<int64_t>& dims) {
  constexpr uint64_t kVariations = 6;
  for (const machine::CpuTarget& cpu : machine::kCpuTargets)
    for (uint64_t variation = 1; variation <= kVariations; ++variation) {
      const Kernel scheduled = schedule(naive, cpu.vectors, nullptr, {.variation = variation, .is_strict = true});
      const std::string text = compare_kernels(naive, scheduled, dims, cpu, Run::InterpretAndNative);
      if (!text.empty()) return with_loops(naive, scheduled, cpu, fmt::format("variation {}: {}", variation, text));
    }
  return {};
}

std::string compare_mutations(const Kernel& naive, const std::vector<int64_t>& dims, uint64_t seed) {
  constexpr int kSteps = 24;
  const machine::CpuTarget& cpu = machine::kAvx2;
  const tune::ScheduleSpace space([&] { return naive; }, cpu.vectors, dims);
  base::SplitMix64 random(seed);
  auto candidate = space.heuristic();
  if (!candidate) return "the heuristic leaves the kernel as written";
  for (int step = 0; step < kSteps; ++step) {
    auto next = space.mutation(*candidate, random);
    if (!next) continue;
    const Kernel scheduled = schedule(naive, cpu.vectors, nullptr, {.rewrites = next->rewrites, .is_strict = true});
    const std::string text = compare_kernels(naive, scheduled, dims, cpu, Run::InterpretAndNative);
    if (!text.empty()) return with_loops(naive, scheduled, cpu, text + "\n" + next->rewrites);
    if (step % 3 != 0) candidate = std::move(next);
  }
  return {};
}

std::string compare_schedules(const std::string& text, const std::vector<int64_t>& dims, Run run, uint64_t seed) {
  return compare_schedules(ir::loops::parse_kernel(text).value(), dims, run, seed);
}

}  // namespace strata::compiler
