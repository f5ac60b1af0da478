#include "strata/compiler/loop/schedule_source.h"

#include <algorithm>

#include "strata/machine/cpu_target.h"

namespace strata::compiler {

std::optional<FoundSchedule> GivenSchedule::find(base::Hash128, std::string_view) const {
  return FoundSchedule{rewrites_, "", /*is_advice=*/false};
}

std::optional<base::Hash128> GivenSchedule::identity() const { return base::hash_text(rewrites_); }

namespace {

bool has_small_integers(const ir::loops::Kernel& kernel) {
  return std::ranges::any_of(kernel.params, [](const ir::loops::Buffer* b) {
    return !ir::is_float(b->dtype) && !ir::is_bool(b->dtype) && ir::dtype_bytes(b->dtype) <= 2;
  });
}

/// Another target with the same registers, whose schedules of this kernel are as good: such two differ in their dot
/// products of small integers alone.
std::optional<std::string_view> twin_of(const ir::loops::Kernel& naive, std::string_view target) {
  const auto own = machine::find_cpu_target(target);
  if (!own || has_small_integers(naive)) return std::nullopt;
  for (const machine::CpuTarget& other : machine::kCpuTargets)
    if (other.name != target && other.vectors.bytes == own->vectors.bytes &&
        other.vectors.registers == own->vectors.registers)
      return other.name;
  return std::nullopt;
}

}  // namespace

ScheduleOptions with_schedule_of(const ScheduleSource* source, const ir::loops::Kernel& naive, std::string_view target,
                                 ScheduleOptions options) {
  if (!source) return options;
  const base::Hash128 nest = nest_key(naive);
  auto found = source->find(nest, target);
  if (const auto twin = found ? std::nullopt : twin_of(naive, target)) found = source->find(nest, *twin);
  if (!found) return options;
  options.rewrites = std::move(found->rewrites);
  options.where = std::move(found->where);
  options.is_advice = found->is_advice;
  return options;
}

}  // namespace strata::compiler
