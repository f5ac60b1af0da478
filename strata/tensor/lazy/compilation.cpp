#include "strata/tensor/lazy/compilation.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <string>

#include "strata/base/environment/variables.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/operands/operand_check.h"

namespace strata {
namespace {

constexpr int kNotSet = -1;
/// A listed registry: a LazyCompilation.
std::atomic<int> chosen{kNotSet};

LazyCompilation read_environment() {
  const std::string word = base::environment("STRATA_LAZY").value_or("");
  return word.empty() ? LazyCompilation::Background : lazy_compilation_named(word);
}

}  // namespace

LazyCompilation lazy_compilation_named(std::string_view word) {
  static constexpr std::array<std::string_view, 3> kWords = {"background", "at-once", "never"};
  const auto known = std::ranges::find(kWords, word);
  if (known != kWords.end()) return static_cast<LazyCompilation>(known - kWords.begin());
  throw base::Error(base::code::kAttributeValue, "lazy compilation (STRATA_LAZY) is '" + std::string(word) +
                                                     "', expected background, at-once or never");
}

void set_lazy_compilation(LazyCompilation how) {
  ops::require_choice("set_lazy_compilation", "how", how, 3);
  chosen.store(static_cast<int>(how), std::memory_order_relaxed);
}

LazyCompilation lazy_compilation() {
  int how = chosen.load(std::memory_order_relaxed);
  if (how == kNotSet) chosen.store(how = static_cast<int>(read_environment()), std::memory_order_relaxed);
  return static_cast<LazyCompilation>(how);
}

}  // namespace strata
