#include "strata/compiler/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/graph/fusion/fusion_groups.h"
#include "strata/compiler/loop/rewrites.h"
#include "strata/compiler/program_kernels.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ops/composites/composite.h"

namespace strata::compiler {
namespace {

/// What nodes of the program are marked with while the passes run: the end of their name path, which passes keep.
constexpr std::string_view kMark = "%asked";

bool is_marked(const ir::Node& node) {
  if (node.where.path && std::string_view(node.where.path).ends_with(kMark)) return true;
  for (const ir::GraphRef& region : node.regions())
    for (const ir::Node* inner : region->nodes())
      if (is_marked(*inner)) return true;
  return false;
}

/// The program with the mark on the node that is printed as %number.
std::unique_ptr<ir::Graph> with_mark(const ir::Graph& graph, int number) {
  auto marked = std::make_unique<ir::Graph>(graph.name());
  for (const ir::SymbolFact& fact : graph.facts().all()) marked->facts().add(fact);
  ir::GraphCopier copier(graph, *marked);
  copier.copy_parameters();
  int next = 0;
  for (const ir::Node* node : graph.nodes()) {
    if (node->is_parameter()) continue;
    ir::Node* copy = copier.copy(*node);
    const int results = node->result_count;
    if (number >= next && number < next + results)
      copy->where.path = ir::intern((node->where.path ? std::string(node->where.path) + " " : "") + std::string(kMark));
    next += results;
  }
  if (number < 0 || number >= next)
    throw base::Error(base::code::kNodeWithoutKernel,
                      fmt::format("{}: there is no node %{}; the last is %{}", graph.name(), number, next - 1));
  copier.copy_results();
  return marked;
}

std::string node_text(const ir::Node& node) {
  const std::string where = node.where.str();
  return std::string(node.op->name) + (where.empty() ? "" : " @ " + where);
}

CompileOptions compile_options(const ExplainOptions& options) {
  CompileOptions how;
  how.target = options.target;
  how.schedules = options.schedules;
  return how;
}

/// Prints what compile() goes on from (program_kernels.h).
class Explainer {
 public:
  explicit Explainer(const ExplainOptions& options)
      : how_(compile_options(options)),
        lowering_(how_),
        target_(lowering_.target()),
        with_listings_(options.with_listings) {}

  void walk(const ir::Graph& graph, const std::string& within, bool is_wanted) {
    const FinishedProgram program = finish_program(graph, how_);
    if (is_wanted)
      for (const std::string& remark : program.remarks) explanation.remarks.push_back(prefix(within) + remark);
    walk_finished(*program.unfused, *program.graph, program.regions, within, is_wanted);
  }

  Explanation explanation;

 private:
  static std::string prefix(const std::string& within) { return within.empty() ? "" : within + ": "; }

  void walk_finished(const ir::Graph& unfused, const ir::Graph& graph, const FinishedRegions& finished,
                     const std::string& within, bool is_wanted) {
    if (is_wanted) add_remarks(unfused, within);
    for (const auto& [node, is_kernel] : nodes_of_program(graph, target_)) {
      const bool is_asked = is_wanted || is_marked(*node);
      if (!is_kernel)
        for (const ir::GraphRef& region : node->regions())
          walk_region(region, finished, (within.empty() ? "" : within + " / ") + node_text(*node), is_asked);
      else if (is_asked && ops::is_composite(*node))
        add_claimed(*node, graph.facts(), within);
      else if (is_asked)
        add_kernel(*node, graph.facts(), within);
    }
  }

  void walk_region(const ir::GraphRef& region, const FinishedRegions& finished, const std::string& within,
                   bool is_wanted) {
    const auto known = finished.find(region.get());
    if (known == finished.end()) return walk(*region, within, is_wanted);
    const FinishedRegion& made = known->second;
    if (is_wanted)
      for (const std::string& remark : made.remarks) explanation.remarks.push_back(prefix(within) + remark);
    walk_finished(*made.unfused, *made.finished, finished, within, is_wanted);
  }

  void add_remarks(const ir::Graph& unfused, const std::string& within) {
    for (const FusionRefusal& r : FusionGroups(unfused).refusals())
      explanation.remarks.push_back(fmt::format("{}{} reads {} from memory: {}", prefix(within), node_text(*r.reader),
                                                node_text(*r.producer), r.reason));
  }

  void add_claimed(const ir::Node& node, const ir::Facts& facts, const std::string& within) {
    KernelExplanation e;
    e.name = lowering_.choose(node, facts).name;
    e.within = within;
    e.node = ir::print_node(node) + "\n" + ir::print_graph(node.region(0));
    e.notes.push_back(fmt::format("claimed by {}", target_.name()));
    explanation.kernels.push_back(std::move(e));
  }

  void add_kernel(const ir::Node& node, const ir::Facts& facts, const std::string& within) {
    const KernelChoice choice = lowering_.choose(node, facts);
    KernelLoops loops = lowering_.make(node, facts, choice);
    KernelExplanation e;
    e.name = choice.name;
    e.within = within;
    e.node = ir::print_node(node);
    for (const ir::GraphRef& region : node.regions()) e.node += "\n" + ir::print_graph(*region);
    e.nest = nest_key(loops.naive);
    e.target = target_.isa();
    e.naive = ir::loops::print(loops.naive);
    e.source = std::move(loops.report.source);
    e.notes = std::move(loops.report.lines);
    e.scheduled = ir::loops::print(loops.scheduled);
    const ir::loops::Kernel* const kernels[] = {&loops.scheduled};
    if (const auto refusal = target_.refusal(loops.scheduled))
      e.refusal = *refusal;
    else if (with_listings_)
      e.listing = target_.listing(kernels);
    explanation.kernels.push_back(std::move(e));
  }

  const CompileOptions how_;
  const KernelLowering lowering_;
  const Target& target_;
  const bool with_listings_;
};

/// What became of the donations that were wished for.
void add_donations(const ir::Graph& graph, const ExplainOptions& options, Explanation& explanation) {
  if (options.donations.empty()) return;
  CompileOptions how = compile_options(options);
  how.donations = options.donations;
  const auto executable = compile(ir::copy_graph(graph), how);
  for (const ir::Donation& d : executable->plan().donations)
    explanation.remarks.push_back(
        fmt::format("result {} is written in the memory of argument {}", d.result, d.argument));
  for (const ir::KeptArgument& k : executable->plan().kept)
    explanation.remarks.push_back(
        fmt::format("argument {} is kept whole beside result {}: {}", k.argument, k.result, k.reason));
  for (const ir::PlanCommand& c : executable->plan().commands)
    if (!c.copied_because.empty())
      explanation.remarks.push_back(
          fmt::format("{} copies all of what it writes a part of: {}", node_text(*c.node), c.copied_because));
}

}  // namespace

ScheduleDatabase schedules_of(const Explanation& explanation) {
  ScheduleDatabase database;
  for (const KernelExplanation& e : explanation.kernels) {
    const std::string text = fmt::format("{}", fmt::join(e.notes, "\n"));
    if (!e.target.empty() && !parse_rewrites(text).empty()) database.set(e.nest, e.target, text);
  }
  return database;
}

Explanation explain(const ir::Graph& graph, const ExplainOptions& options) {
  Explainer explainer(options);
  add_donations(graph, options, explainer.explanation);
  if (!options.node) {
    explainer.walk(graph, "", true);
    return std::move(explainer.explanation);
  }
  explainer.walk(*with_mark(graph, *options.node), "", false);
  if (explainer.explanation.kernels.empty())
    throw base::Error(base::code::kNodeWithoutKernel,
                      fmt::format("{}: no kernel holds node %{}", graph.name(), *options.node))
        .hint("it was folded, merged with an equal one, is a command, or gives its operand's memory another shape");
  return std::move(explainer.explanation);
}

}  // namespace strata::compiler
