// The graph passes in the order in which they run, each with the reason why it stands there.
#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/ir/graph.h"

namespace strata::compiler {

class Backend;

/// Whom a program is compiled for. Most passes don't ask.
struct Target {
  const Backend* backend = nullptr;             ///< null: none that claims anything
  std::vector<std::string>* remarks = nullptr;  ///< gets what `strata explain` prints; null: nobody asks
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
