#include "strata/compiler/loop/schedule_source.h"

#include <algorithm>

#include "strata/ir/loops/rewrite.h"
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

bool has_flushed_sums(const ir::loops::Kernel& kernel) {
  using namespace ir::loops;
  bool found = false;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    for_each_expr(
        stmt, [&](Expr e) { found = found || any_node(e, [](Expr node) { return node->op == ExprOp::FmaFlushed; }); });
  });
  return found;
}

/// Other targets with the same registers, whose schedules of this kernel are as good: they differ in their dot products
/// alone, of small integers and of bf16.
std::vector<std::string_view> twins_of(const ir::loops::Kernel& naive, std::string_view target) {
  const auto own = machine::find_cpu_target(target);
  if (!own) return {};
  const bool has_bytes = has_small_integers(naive), has_halves = has_flushed_sums(naive);
  std::vector<std::string_view> twins;
  for (const machine::CpuTarget& other : machine::kCpuTargets) {
    const machine::VectorUnit &a = own->vectors, &b = other.vectors;
    if (other.name == target || a.bytes != b.bytes || a.registers != b.registers) continue;
    if (has_bytes && (a.has_byte_dots != b.has_byte_dots || a.has_word_dots != b.has_word_dots)) continue;
    if (!has_halves || a.has_half_dots == b.has_half_dots) twins.push_back(other.name);
  }
  return twins;
}

}  // namespace

ScheduleOptions with_schedule_of(const ScheduleSource* source, const ir::loops::Kernel& naive, std::string_view target,
                                 ScheduleOptions options) {
  if (!source) return options;
  const base::Hash128 nest = nest_key(naive);
  auto found = source->find(nest, target);
  if (!found) {
    for (const std::string_view twin : twins_of(naive, target)) {
      found = source->find(nest, twin);
      if (found) break;
    }
  }
  if (!found) return options;
  options.rewrites = std::move(found->rewrites);
  options.where = std::move(found->where);
  options.is_advice = found->is_advice;
  return options;
}

}  // namespace strata::compiler
