#include "strata/compiler/graph/invariants/hoist_invariants.h"

#include <algorithm>
#include <numeric>

#include "strata/compiler/graph/invariants/prologue.h"
#include "strata/compiler/run_passes.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/control.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::GraphRef;
using ir::Node;
using ir::Value;

namespace {

/// The regions of one loop, with what is taken out of each.
struct LoopParts {
  std::vector<FinishedRegion> regions;
  std::vector<Prologue> prologues;
  std::vector<ir::Type> types;  ///< of all values that are taken out, by region
};

LoopParts take_apart(const Node& loop, size_t constants, const PassContext& context) {
  LoopParts parts;
  std::vector<int> unchanged(constants);
  std::iota(unchanged.begin(), unchanged.end(), 0);
  for (const GraphRef& region : loop.regions()) {
    PassResults passed = run_passes(*region, pipeline(),
                                    {.disabled = {context.disabled.begin(), context.disabled.end()},
                                     .dump_folder = dump_folder_from_environment(*region),
                                     .target = context.target,
                                     .constants = unchanged,
                                     .regions = context.regions,
                                     .keep_before = std::string(kFusingPass)});
    parts.prologues.push_back(split_prologue(*passed.graph, unchanged, constants));
    parts.regions.push_back({.recorded = region,
                             .finished = std::move(passed.graph),
                             .unfused = std::move(passed.kept),
                             .remarks = std::move(passed.remarks)});
    for (const PrologueValue& v : parts.prologues.back().values) parts.types.push_back(v.program->results()[0].type());
  }
  return parts;
}

/// The operands of the loop with the values behind those that are handed on unchanged.
std::vector<Value> operands_with_values(const Node& loop, size_t constants, const LoopParts& parts,
                                        const GraphCopier& copier, Graph& to) {
  const std::vector<Value> old = copier.get(loop.operands());
  const auto behind = old.begin() + constants;
  std::vector<Value> operands(old.begin(), behind);
  for (const Prologue& prologue : parts.prologues)
    for (const PrologueValue& v : prologue.values) {
      std::vector<Value> arguments;
      for (int p : v.parameters) arguments.push_back(old[p]);
      operands.push_back(ir::inline_graph(*v.program, to, arguments)[0]);
    }
  operands.insert(operands.end(), behind, old.end());
  return operands;
}

/// Each region with parameters for the values of all of them.
std::vector<GraphRef> regions_with_values(const Node& loop, size_t constants, const LoopParts& parts,
                                          FinishedRegions* known) {
  std::vector<GraphRef> regions;
  const std::span<const ir::Type> types = parts.types;
  size_t before = 0;
  for (size_t r = 0; r < parts.prologues.size(); ++r) {
    const size_t own = parts.prologues[r].values.size();
    const GraphRef with_later =
        with_unused_parameters(*parts.prologues[r].rest, types.subspan(before + own), constants + own);
    regions.push_back(with_unused_parameters(*with_later, types.first(before), constants));
    if (known) {
      FinishedRegion made = parts.regions[r];
      made.recorded = with_unused_parameters(*loop.regions()[r], types, constants);
      made.finished = regions.back();
      (*known)[regions.back().get()] = std::move(made);
    }
    before += own;
  }
  return regions;
}

bool hoist_out_of(const Node& loop, const PassContext& context, GraphCopier& copier, Graph& to) {
  if (loop.op != &ops::kScan && loop.op != &ops::kWhile) return false;
  const int64_t constants = loop.attrs.integer("constants");
  const LoopParts parts = take_apart(loop, constants, context);
  if (parts.types.empty()) {
    if (context.regions)
      for (size_t r = 0; r < parts.regions.size(); ++r) (*context.regions)[loop.regions()[r].get()] = parts.regions[r];
    return false;
  }
  const ir::LocationScope scope(to, loop.where);
  const std::vector<Value> operands = operands_with_values(loop, constants, parts, copier, to);
  std::vector<ir::Attr> attrs(loop.attrs.all().begin(), loop.attrs.all().end());
  for (ir::Attr& a : attrs)
    if (a.name == "constants") a = ir::Attr("constants", constants + std::ssize(parts.types));
  const Node* made = to.add(*loop.op, operands, attrs, regions_with_values(loop, constants, parts, context.regions));
  for (uint32_t r = 0; r < loop.result_count; ++r) copier.set(loop.result(r), made->result(r));
  return true;
}

}  // namespace

std::unique_ptr<Graph> hoist_invariants(const Graph& graph, const PassContext& context) {
  return ir::rewrite_graph(
      graph, [&](const Node& node, GraphCopier& copier, Graph& to) { return hoist_out_of(node, context, copier, to); });
}

}  // namespace strata::compiler
