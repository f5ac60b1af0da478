#include "strata/compiler/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/compiler/backends/backend.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/graph/fusion/fusion_groups.h"
#include "strata/compiler/loop/rewrites.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/run_passes.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/op.h"
#include "strata/ir/rewrite.h"
#include "strata/ir/text/text_form.h"
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
    if (number >= next && number < next + static_cast<int>(node->result_count))
      copy->where.path = ir::intern((node->where.path ? std::string(node->where.path) + " " : "") + std::string(kMark));
    next += static_cast<int>(node->result_count);
  }
  if (number < 0 || number >= next)
    throw base::Error("E0751",
                      fmt::format("{}: there is no node %{}; the last is %{}", graph.name(), number, next - 1));
  copier.copy_results();
  return marked;
}

std::string node_text(const ir::Node& node) {
  const std::string where = node.where.str();
  return std::string(node.op->name) + (where.empty() ? "" : " @ " + where);
}

class Explainer {
 public:
  Explainer(const ExplainOptions& options)
      : options_(options),
        backend_(options.backend ? *options.backend : llvm_backend_for(options.level)),
        source_(options.schedules ? options.schedules : schedules_from_environment()) {}

  void walk(const ir::Graph& graph, const std::string& within, bool is_wanted) {
    const std::span<const Pass> passes = pipeline();
    const auto fusing = static_cast<size_t>(std::ranges::find(passes, "fuse", &Pass::name) - passes.begin());
    RunPassesOptions how{.backend = &backend_, .level = options_.level};
    const PassResults before_fusion = run_passes(graph, passes.first(fusing), how);
    const auto& unfused = before_fusion.graph;
    if (is_wanted) {
      for (const std::string& remark : before_fusion.remarks)
        explanation.remarks.push_back(fmt::format("{}{}{}", within, within.empty() ? "" : ": ", remark));
      add_remarks(*unfused, within);
    }
    const auto fused = run_passes(*unfused, passes.subspan(fusing), how).graph;
    const std::vector<bool> live = ir::live_nodes(*fused);
    const std::vector<Form> forms = forms_of(*fused);
    for (const ir::Node* node : fused->nodes()) {
      if (node->is_parameter() || !live[node->id] || node->op->name == "constant") continue;
      const bool is_fusion = node->op->name == "fusion";
      const Form form = is_fusion ? Form::Element : forms[node->id];
      const bool is_asked = is_wanted || is_marked(*node);
      if (ops::is_composite(*node)) {
        if (is_asked) add_claimed(*node, fused->facts(), within);
        continue;
      }
      if (form == Form::Command)
        for (const ir::GraphRef& region : node->regions())
          walk(*region, (within.empty() ? "" : within + " / ") + node_text(*node), is_asked);
      else if (form != Form::Alias && is_asked)
        add_kernel(*node, fused->facts(), within);
    }
  }

  Explanation explanation;

 private:
  void add_remarks(const ir::Graph& unfused, const std::string& within) {
    for (const FusionRefusal& r : FusionGroups(unfused).refusals())
      explanation.remarks.push_back(fmt::format("{}{} reads {} from memory: {}", within.empty() ? "" : within + ": ",
                                                node_text(*r.reader), node_text(*r.producer), r.reason));
  }

  void add_claimed(const ir::Node& node, const ir::Facts& facts, const std::string& within) {
    KernelExplanation e;
    e.name = kernel_name(node, kernel_identity(node, facts, backend_, options_.level));
    e.within = within;
    e.node = ir::print_node(node) + "\n" + ir::print_graph(node.region(0));
    e.notes.push_back(fmt::format("claimed by {}", backend_.name()));
    explanation.kernels.push_back(std::move(e));
  }

  void add_kernel(const ir::Node& node, const ir::Facts& facts, const std::string& within) {
    KernelExplanation e;
    e.within = within;
    e.node = ir::print_node(node);
    for (const ir::GraphRef& region : node.regions()) e.node += "\n" + ir::print_graph(*region);
    ir::loops::Kernel naive = lower_kernel(node, facts, std::string(node.op->name));
    const ScheduleOptions how = with_schedule_of(source_.get(), naive, options_.level, {});
    e.name = naive.name = kernel_name(node, kernel_identity(node, facts, backend_, options_.level, how));
    e.nest = nest_key(naive);
    e.target = runtime::isa_level_name(options_.level);
    e.naive = ir::loops::print(naive);
    ScheduleReport report;
    const ir::loops::Kernel scheduled = schedule(naive, options_.level, &report, how);
    e.source = how.rewrites.empty() || !report.misfit.empty() ? "heuristic" : how.where.empty() ? "given" : how.where;
    e.notes = std::move(report.lines);
    e.scheduled = ir::loops::print(scheduled);
    const ir::loops::Kernel* const kernels[] = {&scheduled};
    if (const auto refusal = backend_.refusal(scheduled))
      e.refusal = *refusal;
    else
      e.listing = backend_.listing(kernels);
    explanation.kernels.push_back(std::move(e));
  }

  const ExplainOptions& options_;
  const Backend& backend_;
  std::shared_ptr<const ScheduleSource> source_;
};

/// What became of the donations that were wished for.
void add_donations(const ir::Graph& graph, const ExplainOptions& options, Explanation& explanation) {
  if (options.donations.empty()) return;
  CompileOptions how;
  how.donations = options.donations;
  how.isa = options.level;
  how.backend = options.backend;
  how.schedules = options.schedules;
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
    throw base::Error("E0751", fmt::format("{}: no kernel holds node %{}", graph.name(), *options.node))
        .hint("it was folded, merged with an equal one, is a command, or gives its operand's memory another shape");
  return std::move(explainer.explanation);
}

}  // namespace strata::compiler
