#include "strata/compiler/check/bisect_passes.h"

#include "strata/compiler/check/equivalence.h"
#include "strata/ir/graph/rewrite.h"

namespace strata::compiler {

std::optional<BrokenPass> find_broken_pass(const ir::Graph& graph, std::span<const Pass> passes, int runs,
                                           uint64_t seed) {
  // Linear, not by halves: comparing each step with the one before it also finds a pass whose fault a later one hides.
  std::shared_ptr<const ir::Graph> before = ir::copy_graph(graph);
  for (int i = 0; i < std::ssize(passes); ++i) {
    std::shared_ptr<const ir::Graph> after = passes[i].run(*before);
    if (after->hash() != before->hash())
      if (auto difference = find_inequivalence(*before, *after, runs, seed))
        return BrokenPass{i, passes[i].name, *difference, before};
    before = std::move(after);
  }
  return std::nullopt;
}

}  // namespace strata::compiler
