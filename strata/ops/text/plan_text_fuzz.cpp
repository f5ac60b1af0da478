// libFuzzer target of the plan's parser and verifier: no text may crash them, and what is accepted prints and parses to
// the same.
#include <cstdint>

#include "strata/ir/plan/text/text_form.h"
#include "strata/ir/plan/verify.h"
#include "strata/ops/list.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const auto plan = ir::parse_plan({reinterpret_cast<const char*>(data), size}, ops::op_table());
  if (!plan.ok() || ir::find_plan_fault(**plan)) return 0;
  const std::string text = ir::print_plan(**plan);
  const auto again = ir::parse_plan(text, ops::op_table());
  if (!again.ok() || ir::print_plan(**again) != text) __builtin_trap();
  return 0;
}
