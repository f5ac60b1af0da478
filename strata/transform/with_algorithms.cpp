#include "strata/transform/with_algorithms.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/contraction/conv_cotangents.h"
#include "strata/ops/contraction/dot_layout.h"
#include "strata/ops/contraction/winograd.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/custom_gradient.h"

namespace strata::transform {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;
using ops::ConvAlgorithm;
using ops::DotAlgorithm;

namespace {

constexpr ConvAlgorithm kConvAlgorithms[] = {ConvAlgorithm::WinogradF2x3, ConvAlgorithm::WinogradF4x3};

/// Ops whose regions are steps of the program as it is written.
bool is_control(const Node& node) {
  const ir::Op* all[] = {&ops::kCond, &ops::kWhile, &ops::kTapedWhile, &ops::kScan, &ops::kCall, &ops::kCheckpoint};
  return std::ranges::find(all, node.op) != std::end(all);
}

std::string text_of(const Node& node) {
  const std::string where = node.where.str();
  return fmt::format("{} {} by {}{}", node.op->name, node.operand(0).type().str(), node.operand(1).type().str(),
                     where.empty() ? "" : " (" + where + ")");
}

class Choice {
 public:
  Choice(const Algorithms& algorithms, AlgorithmReport* report) : algorithms_(algorithms), report_(report) {}

  std::unique_ptr<Graph> graph(const Graph& from) {
    return ir::rewrite_graph(
        from, [&](const Node& node, GraphCopier& copier, Graph& to) { return rewrite(node, copier, to); });
  }

 private:
  bool rewrite(const Node& node, GraphCopier& copier, Graph& to) {
    if (is_control(node)) {
      std::vector<ir::GraphRef> regions;
      for (const ir::GraphRef& region : node.regions()) regions.push_back(of(region));
      copier.copy(node, regions);
      return true;
    }
    for (const ir::GraphRef& region : node.regions()) leave(*region, node);
    const bool is_asked = is_asked_for(node);
    if (!is_asked) return false;
    const std::string why = misfit(node);
    tell(node, why);
    if (!why.empty()) return false;
    const ir::LocationScope scope(to, node.where);
    copier.set(node.result(), ops::settled(computed(node, copier), node.type()));
    return true;
  }

  /// A function that is called from several places stays one.
  ir::GraphRef of(const ir::GraphRef& region) {
    ir::GraphRef& made = regions_[region.get()];
    if (!made) made = graph(*region);
    return made;
  }

  bool is_asked_for(const Node& node) const {
    return (node.op == &ops::kConv && algorithms_.conv != ConvAlgorithm::Direct) ||
           (node.op == &ops::kDot && algorithms_.dot != DotAlgorithm::Direct);
  }

  static std::string misfit(const Node& node) {
    const Value a = node.operand(0), b = node.operand(1);
    if (node.op == &ops::kDot) return ops::flushed_misfit(a.type(), b.type(), node.type().dtype());
    const ops::ConvShape shape = ops::shape_of_conv(node);
    std::string why = ops::winograd_misfit(a, b, shape);
    if (why.empty() && shape.groups > 1 && b.type().dim(1) == ir::Dim(1)) return "each group has one channel";
    return why;
  }

  Value computed(const Node& node, const GraphCopier& copier) const {
    const Value a = copier.get(node.operand(0)), b = copier.get(node.operand(1));
    if (node.op == &ops::kConv) {
      ops::ConvShape shape = ops::shape_of_conv(node);
      shape.algorithm = algorithms_.conv;
      return ops::conv(a, b, shape);
    }
    ops::DotAxes axes = ops::DotLayout(node).axes;
    axes.algorithm = algorithms_.dot;
    return ops::add_dot(a, b, axes, node.type().dtype());
  }

  /// Tells of the contractions within `owner`, whose body stays as its name means it.
  void leave(const Graph& body, const Node& owner) {
    if (owner.op == &ops::kComposite && ops::composite_name(owner) == "conv_winograd") return;
    const std::string name =
        owner.op == &ops::kComposite ? std::string(ops::composite_name(owner)) : std::string(owner.op->name);
    for (const Node* node : body.nodes()) {
      if (node->is_parameter()) continue;
      if (is_asked_for(*node)) tell(*node, "it is part of the body of " + name);
      for (const ir::GraphRef& region : node->regions()) leave(*region, owner);
    }
  }

  void tell(const Node& node, std::string why) {
    if (!report_) return;
    const std::string_view name =
        node.op == &ops::kConv ? ops::algorithm_name(algorithms_.conv) : ops::algorithm_name(algorithms_.dot);
    report_->entries.push_back({text_of(node), std::string(name), std::move(why)});
  }

  const Algorithms& algorithms_;
  AlgorithmReport* report_;
  std::unordered_map<const Graph*, ir::GraphRef> regions_;
};

}  // namespace

Algorithms algorithms_named(const std::vector<std::string>& names, std::string_view origin) {
  std::vector<std::string> known{std::string(ops::algorithm_name(DotAlgorithm::FlushedBf16))};
  for (const ConvAlgorithm a : kConvAlgorithms) known.emplace_back(ops::algorithm_name(a));
  Algorithms made;
  for (const std::string& name : names) {
    const auto* const conv =
        std::ranges::find_if(kConvAlgorithms, [&](ConvAlgorithm a) { return ops::algorithm_name(a) == name; });
    if (conv != std::end(kConvAlgorithms)) {
      if (made.conv != ConvAlgorithm::Direct && made.conv != *conv)
        throw base::Error(base::code::kAttributeValue,
                          fmt::format("{}: convolutions are computed by one algorithm, found {} and {}", origin,
                                      ops::algorithm_name(made.conv), name));
      made.conv = *conv;
    } else if (name == known[0]) {
      made.dot = DotAlgorithm::FlushedBf16;
    } else {
      base::Error error(base::code::kAttributeValue, fmt::format("{}: no algorithm is named '{}'", origin, name));
      if (const auto near = base::nearest_name(name, known)) error.hint("did you mean " + *near + "?");
      throw error.hint(fmt::format("there are {}", fmt::join(known, ", ")));
    }
  }
  return made;
}

size_t AlgorithmReport::changed() const {
  return static_cast<size_t>(std::ranges::count_if(entries, [](const Entry& e) { return e.kept_because.empty(); }));
}

std::vector<std::string> AlgorithmReport::lines() const {
  if (entries.empty()) return {};
  std::vector<std::string> lines{fmt::format("{} of {} contractions are computed as asked", changed(), entries.size())};
  for (const Entry& e : entries)
    lines.push_back(e.kept_because.empty() ? fmt::format("{}: {}", e.contraction, e.algorithm)
                                           : fmt::format("{}: not {}, since {}", e.contraction, e.algorithm,
                                                         e.kept_because.starts_with("takes ") ? "that " + e.kept_because
                                                                                              : e.kept_because));
  return lines;
}

std::unique_ptr<Graph> with_algorithms(const Graph& graph, const Algorithms& algorithms, AlgorithmReport* report) {
  return Choice(algorithms, report).graph(graph);
}

}  // namespace strata::transform
