#include "strata/compiler/graph/region_passes.h"

#include <algorithm>
#include <span>

#include "strata/compiler/run_passes.h"

namespace strata::compiler {

ir::GraphRef ready_for_lowering(const ir::GraphRef& region, const PassContext& context) {
  const std::span<const Pass> passes = pipeline();
  const size_t behind = std::ranges::find(passes, kLaneLoopsPass, &Pass::name) - passes.begin();
  return run_passes(*region, passes.first(behind),
                    {.disabled = {context.disabled.begin(), context.disabled.end()}, .target = context.target})
      .graph;
}

}  // namespace strata::compiler
