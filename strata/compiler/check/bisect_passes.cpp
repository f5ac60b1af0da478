#include "strata/compiler/check/bisect_passes.h"

#include <algorithm>

#include "strata/compiler/check/equivalence.h"
#include "strata/ir/graph/rewrite.h"

namespace strata::compiler {

std::optional<BrokenPass> find_broken_pass(const ir::Graph& graph, std::span<const Pass> passes,
                                           std::span<const std::vector<ir::HostArray>> argument_sets,
                                           const PassContext& context) {
  // Linear, not by halves: comparing each step with the one before it also finds a pass whose fault a later one hides.
  std::shared_ptr<const ir::Graph> before = ir::copy_graph(graph);
  for (int i = 0; i < std::ssize(passes); ++i) {
    const Pass& pass = passes[i];
    if (std::ranges::find(context.disabled, pass.name) != context.disabled.end()) continue;
    PassContext own = context;
    own.pass = pass.name;
    std::shared_ptr<const ir::Graph> after = pass.run(*before, own);
    if (after->hash() != before->hash())
      for (const std::vector<ir::HostArray>& arguments : argument_sets)
        if (auto difference = find_inequivalence_on(*before, *after, arguments))
          return BrokenPass{i, pass.name, *difference, before};
    before = std::move(after);
  }
  return std::nullopt;
}

}  // namespace strata::compiler
