#include "strata/cli/program/explain_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "strata/compiler/backends/target.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/program_kernels.h"
#include "strata/compiler/run_passes.h"
#include "strata/ir/graph/describe.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/text/text_form.h"

namespace strata::cli {
namespace {

using report::NodeKind;

constexpr int64_t kUsualExtent = 16;

/// Extents for the symbols that the user gave none for.
void bind_rest(const ir::Graph& graph, ir::DimBinding& dims) {
  for (const std::string& s : ir::parameter_symbols(graph)) {
    if (dims.knows(ir::Dim::symbol(s))) continue;
    const ir::SymbolFact fact = graph.facts().of(s);
    const int64_t wanted = std::clamp(kUsualExtent, std::max<int64_t>(fact.lowest, 0), fact.highest);
    const int64_t up = (wanted + fact.multiple - 1) / fact.multiple * fact.multiple;
    dims.bind(s, up <= fact.highest ? up : fact.highest / fact.multiple * fact.multiple);
  }
}

/// The value of a formula; 0 where it has a symbol that only the run knows.
double value_of(ir::Dim d, const ir::DimBinding& dims) { return dims.knows(d) ? static_cast<double>(dims(d)) : 0; }

/// What stands in a kernel, in its regions too.
struct Content {
  bool has_contraction = false, has_reduction = false, has_arithmetic = false;

  void add(const ir::Node& node) {
    const std::string_view name = node.op->name;
    has_contraction = has_contraction || name == "dot" || name == "dot_flushed" || name == "conv";
    has_reduction = has_reduction || name.starts_with("reduce") || name.starts_with("arg") || name.starts_with("cum");
    has_arithmetic = has_arithmetic || node.op->tolerance.kind != ir::Tolerance::Kind::Exact;
    for (const ir::GraphRef& region : node.regions())
      for (const ir::Node* inner : region->nodes())
        if (!inner->is_parameter()) add(*inner);
  }
};

/// What a kernel mostly does.
NodeKind kind_of(const ir::Node& node) {
  Content content;
  content.add(node);
  if (content.has_contraction) return NodeKind::Contraction;
  if (content.has_reduction) return NodeKind::Reduction;
  if (content.has_arithmetic || node.op->name == "fusion") return NodeKind::Elementwise;
  return node.regions().empty() ? NodeKind::Movement : NodeKind::Other;
}

std::vector<std::string> lines_of(const ir::Node& node) {
  std::vector<std::string> lines;
  for (const ir::GraphRef& region : node.regions())
    for (const ir::Node* inner : region->nodes())
      if (!inner->is_parameter() && inner->result_count > 0)
        lines.push_back(fmt::format("{} : {}", inner->op->name, inner->type(0).str()));
  return lines;
}

/// One program of the page, from its plan.
class ProgramPicture {
 public:
  ProgramPicture(const runtime::Executable& program, const std::map<std::string, int>& kernels,
                 const ir::DimBinding& dims)
      : program_(program), plan_(program.plan()), kernels_(kernels), dims_(dims) {}

  report::PageProgram make(const std::string& name) {
    made_.name = name;
    made_.commands = static_cast<int>(plan_.commands.size());
    writer_.assign(plan_.buffers.size(), -1);
    for (size_t a = 0; a < plan_.arguments.size(); ++a) add_argument(a);
    for (size_t b = 0; b < plan_.buffers.size(); ++b) writer_of_alias(static_cast<int>(b));
    for (size_t c = 0; c < plan_.commands.size(); ++c) add_command(c);
    for (size_t r = 0; r < plan_.results.size(); ++r) add_result(r);
    add_memory();
    return std::move(made_);
  }

 private:
  int add_node(report::PageNode node) {
    made_.nodes.push_back(std::move(node));
    return static_cast<int>(made_.nodes.size()) - 1;
  }

  void add_argument(size_t a) {
    const int buffer = plan_.arguments[a];
    const bool is_given = a < plan_.given_arguments();
    const std::string_view name = is_given ? plan_.graph->parameter_name(static_cast<int>(a)) : "";
    const std::string title = !is_given      ? fmt::format("prepared {}", a)
                              : name.empty() ? fmt::format("argument {}", a)
                                             : std::string(name);
    writer_[buffer] = add_node({NodeKind::Argument, title, plan_.buffers[buffer].type.str(), {}, "", -1});
  }

  /// Reshapes share the memory, and the writer, of what they are of.
  int writer_of_alias(int buffer) const {
    return writer_[buffer] >= 0 ? writer_[buffer] : writer_[plan_.buffers[buffer].root];
  }

  void add_edges(const std::vector<int>& reads, int to) {
    std::set<int> seen;
    for (const int b : reads)
      if (const int from = writer_of_alias(b); from >= 0 && from < to && seen.insert(from).second)
        made_.edges.push_back({from, to, plan_.buffers[b].type.str()});
  }

  void add_command(size_t c) {
    const ir::PlanCommand& command = plan_.commands[c];
    report::PageNode node;
    if (command.kind == ir::CommandKind::Copy) {
      node = {NodeKind::Copy, "copy", plan_.buffers[command.writes[0]].type.str(), {}, "", -1};
    } else {
      const bool is_kernel = command.kind == ir::CommandKind::Kernel;
      node.kind = is_kernel ? kind_of(*command.node) : NodeKind::Host;
      node.title = ir::ops_within(*command.node);
      node.lines = is_kernel ? lines_of(*command.node) : std::vector<std::string>();
      node.where = command.node->where.str();
      for (const ir::Type t : command.node->types()) node.type += (node.type.empty() ? "" : ", ") + t.str();
      if (is_kernel)
        if (const auto known = kernels_.find(plan_.kernels[command.kernel]); known != kernels_.end())
          node.kernel = known->second;
    }
    const int number = add_node(std::move(node));
    add_edges(command.reads, number);
    for (const int b : command.writes) {
      writer_[b] = number;
      writer_[plan_.buffers[b].root] = number;
    }
  }

  void add_result(size_t r) {
    const int buffer = plan_.results[r];
    const int number =
        add_node({NodeKind::Result, fmt::format("result {}", r), plan_.buffers[buffer].type.str(), {}, "", -1});
    add_edges({buffer}, number);
  }

  void add_memory() {
    std::vector<std::vector<int64_t>> shapes;
    for (size_t a = 0; a < plan_.given_arguments(); ++a) {
      std::vector<int64_t>& shape = shapes.emplace_back();
      for (ir::Dim d : plan_.buffers[plan_.arguments[a]].type.shape()) {
        if (!dims_.knows(d)) return;  // a region's size that only the run knows
        shape.push_back(dims_(d));
      }
    }
    runtime::MemoryMap map;
    try {
      map = program_.memory_map(shapes);
    } catch (const base::Error&) {
      return;  // a region whose sizes only the program around it binds
    }
    made_.arena_bytes = map.arena_bytes;
    for (size_t b = 0; b < map.offsets.size(); ++b) {
      const ir::PlanBuffer& buffer = plan_.buffers[b];
      if (buffer.kind != ir::PlanBufferKind::Arena || buffer.root != static_cast<int>(b) || map.bytes[b] == 0) continue;
      const int node = first_writer(static_cast<int>(b));
      const std::string what = node < 0 ? "" : made_.nodes[node].title + " ";
      made_.buffers.push_back(
          {what + buffer.type.str(), buffer.first, buffer.last, map.offsets[b], map.bytes[b], node});
    }
  }

  /// The node of the command that writes it first.
  int first_writer(int buffer) const {
    const int first = plan_.buffers[buffer].first;
    return first < 0 || first >= made_.commands ? -1 : static_cast<int>(plan_.arguments.size()) + first;
  }

  const runtime::Executable& program_;
  const ir::Plan& plan_;
  const std::map<std::string, int>& kernels_;
  const ir::DimBinding& dims_;
  report::PageProgram made_;
  std::vector<int> writer_;  ///< by buffer: the node; -1: none, a literal
};

/// Kernels by name, each once.
class KernelList {
 public:
  void add(const compiler::KernelExplanation& e, bool with_assembly) {
    const auto [known, is_new] = places_.emplace(e.name, static_cast<int>(kernels.size()));
    if (!is_new) return;
    report::PageKernel& k = kernels.emplace_back();
    k.name = e.name;
    k.where = e.within;
    k.node = e.node;
    k.naive = e.naive;
    k.schedule = fmt::format("{}", fmt::join(e.notes, "\n"));
    k.source = e.source;
    k.scheduled = e.scheduled;
    k.refusal = e.refusal;
    if (with_assembly) k.assembly = e.listing;
  }

  /// Costs, positions and counts stand in the plans.
  void add_uses(const runtime::Executable& program, const ir::DimBinding& dims) {
    for (const ir::PlanCommand& c : program.plan().commands) {
      if (c.kind != ir::CommandKind::Kernel) continue;
      const auto known = places_.find(program.plan().kernels[c.kernel]);
      if (known == places_.end()) continue;
      report::PageKernel& k = kernels[known->second];
      if (++k.uses > 1) continue;
      if (const std::string where = c.node->where.str(); !where.empty()) k.where = where;
      k.operations = c.cost.flops.str();
      k.bytes = c.cost.bytes.str();
      k.operation_count = value_of(c.cost.flops, dims);
      k.byte_count = value_of(c.cost.bytes, dims);
    }
    for (const auto& region : program.regions()) add_uses(*region, dims);
  }

  const std::map<std::string, int>& places() const { return places_; }
  std::vector<report::PageKernel> kernels;

 private:
  std::map<std::string, int> places_;
};

void add_programs(const runtime::Executable& program, const std::string& name, const KernelList& kernels,
                  const ir::DimBinding& dims, std::vector<report::PageProgram>& programs) {
  programs.push_back(ProgramPicture(program, kernels.places(), dims).make(name));
  for (const ir::PlanCommand& c : program.plan().commands)
    for (const int r : c.regions)
      add_programs(*program.regions()[r],
                   fmt::format("{} / {} {}", name, c.node->op->name, program.regions()[r]->plan().name), kernels, dims,
                   programs);
}

std::string sizes_text(const ir::DimBinding& dims) {
  std::string text;
  for (const auto& [symbol, value] : dims.all()) text += fmt::format(", {} = {}", symbol, value);
  return text;
}

}  // namespace

report::ProgramPage explain_page(const std::shared_ptr<const ir::Graph>& graph, const std::string& file,
                                 const ExplainPageOptions& options) {
  ir::DimBinding dims = options.dims;
  bind_rest(*graph, dims);
  compiler::CompileOptions how;
  how.target = options.explain.target;
  how.schedules = options.explain.schedules;
  const auto program = compiler::compile(graph, how);
  const compiler::Explanation explanation = compiler::explain(*graph, options.explain);
  KernelList kernels;
  for (const compiler::KernelExplanation& e : explanation.kernels) kernels.add(e, options.explain.with_listings);
  kernels.add_uses(*program, dims);
  report::ProgramPage page;
  page.title = fmt::format("{}, compiled", graph->name());
  add_programs(*program, graph->name(), kernels, dims, page.programs);
  page.kernels = std::move(kernels.kernels);
  page.subtitle = fmt::format("{}: {} commands, {} kernels, for {}{}", file, program->plan().commands.size(),
                              page.kernels.size(), program->origin().isa, sizes_text(dims));
  const compiler::PassResults passed =
      compiler::run_passes(*graph, compiler::pipeline(), {.target = &compiler::target_of(how)});
  for (const compiler::PassReport& r : passed.reports)
    page.passes.push_back({std::string(r.name), r.milliseconds, r.changed, static_cast<int64_t>(r.nodes_before),
                           static_cast<int64_t>(r.nodes_after)});
  page.remarks = explanation.remarks;
  page.text = ir::print_graph(*graph);
  return page;
}

}  // namespace strata::cli
