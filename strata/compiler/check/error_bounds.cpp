#include "strata/compiler/check/error_bounds.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "strata/base/random/splitmix64.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/op.h"

namespace strata::compiler {

using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Node;
using ir::Value;

namespace {

double epsilon_of(DType t) {
  return t == DType::f64 ? 0x1p-52 : t == DType::f32 ? 0x1p-23 : t == DType::f16 ? 0x1p-10 : 0x1p-7;
}
double smallest_of(DType t) {
  return t == DType::f64 ? 0x1p-1074 : t == DType::f16 ? 0x1p-24 : t == DType::bf16 ? 0x1p-133 : 0x1p-149;
}

/// What a value has been so far.
struct Extent {
  double largest = 0;  ///< magnitude of finite elements
  double terms = 1;    ///< elements
};

/// Which way a run moves results. All up and all down are there so that one inexact node is always allowed its own
/// tolerance: random moves may all be too small to change the rounded element.
enum class Move : uint8_t { Up, Down, Random };

/// Interpreter runs in which the results of inexact nodes move by up to their tolerance, also those inside of regions:
/// a fused program is as inexact as the one that it was fused from.
class Shaker {
 public:
  Shaker(const Graph& graph, std::span<const HostArray> arguments, Move move, uint64_t seed)
      : graph_(graph), arguments_(arguments), move_(move), random_(base::mix_bits(seed)) {
    find_owners(graph);
  }

  std::vector<HostArray> run() {
    for (size_t i = 0; i < arguments_.size(); ++i) note(*graph_.parameters()[i], {&arguments_[i], 1});
    ir::InterpretOptions options;
    options.observe = [this](const Node& node, std::span<const HostArray> results) { shake(node, results); };
    return ir::interpret(graph_, arguments_, options);
  }

 private:
  void find_owners(const Graph& graph) {
    for (const Node* node : graph.nodes())
      for (const ir::GraphRef& region : node->regions()) {
        owners_[region.get()] = node;
        find_owners(*region);
      }
  }

  double direction() { return move_ == Move::Up ? 1 : move_ == Move::Down ? -1 : 2 * random_.unit() - 1; }

  void note(const Node& node, std::span<const HostArray> arrays) {
    Extent extent;
    for (const HostArray& given : arrays) {
      const HostArray a = given.decoded();
      extent.terms = std::max(extent.terms, static_cast<double>(a.elements()));
      for (int64_t i = 0; i < a.elements(); ++i)
        if (const double x = std::fabs(a.get(i)); std::isfinite(x)) extent.largest = std::max(extent.largest, x);
    }
    extents_[&node] = extent;
  }

  /// Of a region's parameter: that of whatever its op was given, since ops differ in what they hand on.
  Extent extent_of(const Node& node) const {
    if (const auto it = extents_.find(&node); it != extents_.end()) return it->second;
    Extent extent;
    const auto owner = owners_.find(node.graph);
    if (owner == owners_.end()) return extent;
    for (const Value& v : owner->second->operands()) {
      const Extent given = extent_of(*v.node);
      extent = {std::max(extent.largest, given.largest), std::max(extent.terms, given.terms)};
    }
    return extent;
  }

  /// What the terms of one result element of a sum may add up to.
  double largest_sum(const Node& node) const {
    double product = 1, terms = 1;
    for (const Value& v : node.operands()) {
      const Extent extent = extent_of(*v.node);
      product *= extent.largest;
      terms = std::max(terms, extent.terms);
    }
    return product * terms;
  }

  void shake(const Node& node, std::span<const HostArray> results) {
    const ir::Tolerance t = node.op->tolerance;
    const double sum = t.kind == ir::Tolerance::Kind::Sum ? largest_sum(node) : 0;
    if (t.kind != ir::Tolerance::Kind::Exact)
      for (const HostArray& result : results) {
        if (!ir::is_float(result.dtype())) continue;
        HostArray a = result;  // shares the storage
        for (int64_t i = 0; i < a.elements(); ++i) {
          const double x = a.get(i);
          if (!std::isfinite(x)) continue;
          const double size = std::max(std::fabs(x), sum) * epsilon_of(a.dtype()) + smallest_of(a.dtype());
          a.set(i, x + direction() * t.amount * size);
        }
      }
    note(node, results);
  }

  const Graph& graph_;
  std::span<const HostArray> arguments_;
  Move move_;
  base::SplitMix64 random_;
  std::unordered_map<const Graph*, const Node*> owners_;
  std::unordered_map<const Node*, Extent> extents_;
};

/// Raises each bound to how far one run moved the element, with some room.
void widen(std::vector<double>& bounds, const HostArray& expected, const HostArray& shaken, double room) {
  for (int64_t i = 0; i < expected.elements(); ++i) {
    const double a = expected.get(i), b = shaken.get(i);
    const double moved = a == b || (std::isnan(a) && std::isnan(b)) ? 0
                         : std::isfinite(a) && std::isfinite(b)     ? std::fabs(a - b) * room
                                                                    : INFINITY;
    double& bound = bounds[i];
    bound = std::max(bound, moved);
  }
}

/// Which elements a move rounds away from is luck: where it moved one, all get what the least move gives.
void level(std::vector<double>& bounds, const HostArray& expected, double room) {
  if (!ir::is_float(expected.dtype()) || std::ranges::none_of(bounds, [](double b) { return b > 0; })) return;
  for (int64_t i = 0; i < expected.elements(); ++i)
    if (const double x = std::fabs(expected.get(i)); std::isfinite(x)) {
      double& bound = bounds[i];
      bound = std::max(bound, room * (x * epsilon_of(expected.dtype()) + smallest_of(expected.dtype())));
    }
}

}  // namespace

std::vector<std::vector<double>> error_bounds(const Graph& graph, std::span<const HostArray> arguments, uint64_t seed) {
  constexpr Move kRuns[] = {Move::Up, Move::Down, Move::Random, Move::Random};
  constexpr double kRoom = 8;
  auto expected = ir::interpret(graph, arguments);
  for (HostArray& a : expected) a = a.stored();
  std::vector<std::vector<double>> bounds;
  for (const HostArray& a : expected) bounds.emplace_back(a.elements(), 0.0);
  uint64_t next = seed * std::size(kRuns);
  for (const Move move : kRuns) {
    const auto shaken = Shaker(graph, arguments, move, next++).run();
    for (size_t r = 0; r < expected.size(); ++r) widen(bounds[r], expected[r], shaken[r].stored(), kRoom);
  }
  for (size_t r = 0; r < expected.size(); ++r) level(bounds[r], expected[r], kRoom);
  return bounds;
}

}  // namespace strata::compiler
