// The graph passes in the order in which they run, each with the reason why it stands there.
#pragma once

#include <concepts>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/ir/graph.h"
#include "strata/runtime/machine/isa_level.h"

namespace strata::compiler {

class Backend;

/// A region of a loop on which the passes have run: as it was, with the parameters that it has now, and as it is.
struct FinishedRegion {
  ir::GraphRef recorded, finished;
};
/// By the region that the loop's node holds.
using FinishedRegions = std::map<const ir::Graph*, FinishedRegion>;

/// Whom a program is compiled for. Most passes don't ask.
struct Target {
  const Backend* backend = nullptr;             ///< null: none that claims anything
  std::vector<std::string>* remarks = nullptr;  ///< gets what `strata explain` prints; null: nobody asks
  std::optional<runtime::IsaLevel> level;       ///< that schedules are chosen for; empty: nothing is laid out for them
  /// Parameters that stay the same over many runs: of a region the operands that its loop hands on unchanged, of a
  /// program what its caller declared. What depends on them alone is computed apart from the rest.
  std::vector<int> constants;
  std::span<const std::string> disabled;  ///< passes that are left out, also on regions
  FinishedRegions* regions = nullptr;     ///< gets the regions on which the passes have run; null: nobody asks
  std::string_view pass;                  ///< the pass that runs, for messages
};

/// graph -> graph, or (graph, target) -> graph.
class PassFunction {
 public:
  using Plain = std::unique_ptr<ir::Graph> (*)(const ir::Graph&);
  using Targeted = std::unique_ptr<ir::Graph> (*)(const ir::Graph&, const Target&);
  template <std::convertible_to<Plain> F>
  constexpr PassFunction(F f) : plain_(f) {}
  template <std::convertible_to<Targeted> F>
  constexpr PassFunction(F f) : targeted_(f) {}
  std::unique_ptr<ir::Graph> operator()(const ir::Graph& graph, const Target& target = {}) const {
    return plain_ ? plain_(graph) : targeted_(graph, target);
  }

 private:
  Plain plain_ = nullptr;
  Targeted targeted_ = nullptr;
};

struct Pass {
  std::string_view name;
  PassFunction run;
  std::string_view reason;
};

std::span<const Pass> pipeline();

}  // namespace strata::compiler
