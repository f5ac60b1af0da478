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

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

class Target;

/// A region of a loop on which the passes have run: as it was, with the parameters that it has now, and as it is.
struct FinishedRegion {
  ir::GraphRef recorded, finished;
  ir::GraphRef unfused;              ///< what the pass that fuses was given
  std::vector<std::string> remarks;  ///< of the passes
};
/// By the region that the loop's node holds.
using FinishedRegions = std::map<const ir::Graph*, FinishedRegion>;

/// What a pass may ask besides the graph. Most don't ask.
struct PassContext {
  const Target* target = nullptr;               ///< that the program is compiled for; null: none is known
  std::vector<std::string>* remarks = nullptr;  ///< gets what `strata explain` prints; null: nobody asks
  /// Parameters that stay the same over many runs: of a region the operands that its loop hands on unchanged, of a
  /// program what its caller declared. What depends on them alone is computed apart from the rest.
  std::vector<int> constants;
  std::span<const std::string> disabled;  ///< passes that are left out, also on regions
  FinishedRegions* regions = nullptr;     ///< gets the regions on which the passes have run; null: nobody asks
  std::string_view pass;                  ///< the pass that runs, for messages
};

/// graph -> graph, or (graph, context) -> graph.
class PassFunction {
 public:
  using Plain = std::unique_ptr<ir::Graph> (*)(const ir::Graph&);
  using Asking = std::unique_ptr<ir::Graph> (*)(const ir::Graph&, const PassContext&);
  template <std::convertible_to<Plain> F>
  constexpr PassFunction(F f) : plain_(f) {}
  template <std::convertible_to<Asking> F>
  constexpr PassFunction(F f) : asking_(f) {}
  std::unique_ptr<ir::Graph> operator()(const ir::Graph& graph, const PassContext& context = {}) const {
    return plain_ ? plain_(graph) : asking_(graph, context);
  }

 private:
  Plain plain_ = nullptr;
  Asking asking_ = nullptr;
};

struct Pass {
  std::string_view name;
  PassFunction run;
  std::string_view reason;
};

/// The pass that makes kernels of nodes: those before it change what is computed, those after it only kernels.
inline constexpr std::string_view kFusingPass = "fuse";
/// The one before it, which makes kernels of scans with what stands around them.
inline constexpr std::string_view kLaneLoopsPass = "lane-loops";

std::span<const Pass> pipeline();

}  // namespace strata::compiler
