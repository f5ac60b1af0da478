#include "strata/ops/control/value_checks.h"

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/index/gather_layout.h"
#include "strata/ops/index/index.h"

namespace strata::ops {

bool has_value_check(const ir::Node& node) {
  if (node.is_parameter()) return false;
  if (node.op->effect != ir::Effect::None) return true;
  if (node.op == &kCheckedIndices) return true;
  if (node.op == &kGather) return mode_of(node) == OutOfRange::Check;
  return std::ranges::any_of(node.regions(), [](const ir::GraphRef& region) {
    return std::ranges::any_of(region->nodes(), [](const ir::Node* n) { return has_value_check(*n); });
  });
}

bool is_value_check(const base::Error& error) {
  return error.code() == base::code::kIndexOutOfRange || error.code() == base::code::kFailedCheck;
}

}  // namespace strata::ops
