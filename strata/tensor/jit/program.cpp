#include "strata/tensor/jit/program.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/compile.h"
#include "strata/ir/graph/describe.h"
#include "strata/tensor/recording/recording.h"

namespace strata::jit_detail {

using namespace recording_detail;
namespace {

/// Recordings that assume one thing more each, before all symbols become numbers at once; and one for each symbol,
/// since each may be the same as the next.
constexpr size_t kMostAttempts = 12;

/// The places of a leaf that hold another tensor than before, grouped by tensor.
std::vector<Rebound> rebound_places(const Leaf& leaf, const Tensor& before) {
  std::vector<Rebound> list;
  for (size_t i = 0; i < leaf.places.size(); ++i) {
    const Tensor& now = *leaf.places[i];
    if (!now.defined() || (before.defined() && now.cell() == before.cell())) continue;
    const auto same = std::find_if(list.begin(), list.end(),
                                   [&](const Rebound& r) { return leaf.places[r.places[0]]->cell() == now.cell(); });
    if (same == list.end())
      list.push_back({0, 0, {i}});
    else
      same->places.push_back(i);
  }
  return list;
}

/// Whether an error may be one of symbols, which numbers in their place don't give. What is asked of a symbol is
/// written down; else the code says that it is about extents.
bool may_be_of_symbols(const base::Error& error, const std::optional<ir::Unproved>& question) {
  static constexpr std::string_view kOfExtents[] = {base::code::kOperandShapes,
                                                    base::code::kUnequalDims,
                                                    base::code::kArgumentMismatch,
                                                    base::code::kBrokenFact,
                                                    base::code::kAxis,
                                                    base::code::kAttributeValue,
                                                    base::code::kRegionMismatch,
                                                    base::code::kIndexOutOfRange,
                                                    base::code::kNoSuchForm,
                                                    base::code::kMalformedDim,
                                                    base::code::kIllTypedExpr,
                                                    base::code::kUnknownCount,
                                                    base::code::kParameterExtents,
                                                    base::code::kUnknownBatch,
                                                    base::code::kUnequalBranches};
  if (error.kind() != base::ErrorKind::User) return false;
  return question || std::find(std::begin(kOfExtents), std::end(kOfExtents), error.code()) != std::end(kOfExtents);
}

std::string reason_of(const base::Error& error) {
  std::string text = error.message();
  for (const std::string& note : error.notes())
    if (note.starts_with("recorded at") || note.starts_with("looked at")) text += ", " + note;
  return text;
}

/// A fact that the sizes of the call break.
const ir::SymbolFact* broken_fact(const Program& program, const Signature& signature) {
  for (const ir::SymbolFact& fact : program.graph->facts().all()) {
    const Dim symbol = Dim::symbol(fact.name);
    if (program.assumptions.is_known(symbol, signature) && !fact.holds(program.assumptions.value_of(symbol, signature)))
      return &fact;
  }
  return nullptr;
}

std::string fact_text(const ir::SymbolFact& fact) {
  std::string text;
  if (fact.lowest > 0) text += fmt::format(", {} or more", fact.lowest);
  if (fact.highest != INT64_MAX) text += fmt::format(", {} or less", fact.highest);
  if (fact.multiple > 1) text += fmt::format(", a multiple of {}", fact.multiple);
  return text;
}

std::string explained(const Program& program, const Signature& signature) {
  std::string text;
  for (const Signature::Symbol& s : signature.symbols()) {
    if (!(program.assumptions.written(Dim::symbol(s.name)) == Dim::symbol(s.name))) continue;
    text += fmt::format("  {} is {}, any size{}\n", s.where, s.name, fact_text(program.graph->facts().of(s.name)));
  }
  text += program.assumptions.explained(signature);
  for (const DimGuard& g : program.guards) text += fmt::format("  {}\n", g.str());
  return text.empty() ? "  no dimension is symbolic\n" : text;
}

}  // namespace

bool Program::fits(const Signature& signature) const {
  return key == signature.key() && assumptions.hold(signature) && !broken_fact(*this, signature) &&
         std::all_of(guards.begin(), guards.end(), [&](const DimGuard& g) {
           return (assumptions.value_of(g.dim, signature) == g.value) == g.is_equal;
         });
}

std::string Program::misfit(const Signature& signature) const {
  if (const std::string broken = assumptions.broken(signature); !broken.empty()) return broken;
  if (const ir::SymbolFact* fact = broken_fact(*this, signature))
    return fmt::format("{} is {}{}", fact->name, assumptions.value_of(Dim::symbol(fact->name), signature),
                       ", and the recording needs" + fact_text(*fact).substr(1));
  for (const DimGuard& g : guards)
    if ((assumptions.value_of(g.dim, signature) == g.value) != g.is_equal) return "a guard does not hold: " + g.str();
  return "the program refuses these sizes";
}

namespace {

/// The tensors that stand for the arguments, put into the copies.
std::vector<std::vector<Tensor>> enter_arguments(Recording& recording, std::span<const Argument> traced,
                                                 std::span<const ir::Type> types, const Assumptions& assumptions) {
  std::vector<std::vector<Tensor>> before;
  size_t next = 0;
  for (const Argument& a : traced) {
    auto& list = before.emplace_back();
    for (const Leaf& leaf : a.leaves.list) {
      const ir::Type type = assumptions.written(types[next++]);
      list.push_back(type ? recording.parameter(type, leaf.paths[0]) : Tensor());
      leaf.assign(list.back());
    }
  }
  return before;
}

std::string name_of(const std::string& path, size_t argument) {
  return path.empty() ? fmt::format("argument {}", argument) : path;
}

/// What the function put in place of the arguments' tensors: results behind the returned ones.
void add_rebound(Trace& trace, Recording& recording, std::span<const Argument> caller, std::span<const Argument> traced,
                 std::span<const std::vector<Tensor>> before, const JitOptions& options,
                 std::vector<ir::Value>& results) {
  int parameter = -1;
  for (size_t a = 0; a < traced.size(); ++a)
    for (size_t l = 0; l < traced[a].leaves.list.size(); ++l) {
      if (before[a][l].defined()) ++parameter;
      if (!caller[a].is_in_out) continue;
      for (Rebound& rebound : rebound_places(traced[a].leaves.list[l], before[a][l])) {
        const Leaf& leaf = traced[a].leaves.list[l];
        rebound.argument = a, rebound.leaf = l, rebound.parameter = before[a][l].defined() ? parameter : -1;
        if (before[a][l].defined() && rebound.places.size() == leaf.places.size())
          trace.donations.push_back({static_cast<int>(results.size()), parameter});
        if (options.require_finite)
          trace.finite.push_back({static_cast<int>(results.size()), name_of(leaf.paths[rebound.places[0]], a)});
        results.push_back(recording.enter(*leaf.places[rebound.places[0]]));
        trace.program->rebound.push_back(std::move(rebound));
      }
    }
}

/// The parameters of the arguments that are declared to stay the same, but for those that the function rebinds.
std::vector<int> constants_among(std::span<const Argument> caller, std::span<const std::vector<Tensor>> before,
                                 const JitOptions& options, std::span<const Rebound> rebound) {
  std::vector<int> constants;
  int parameter = -1;
  for (int a = 0; a < std::ssize(before); ++a) {
    const bool is_constant = std::ranges::find(options.constants, a) != options.constants.end();
    for (const Tensor& t : before[a]) {
      if (t.defined()) ++parameter;
      if (is_constant && t.defined() && std::ranges::find(rebound, parameter, &Rebound::parameter) == rebound.end())
        constants.push_back(parameter);
    }
  }
  for (int argument : options.constants)
    if (argument >= std::ssize(caller))
      throw base::Error(base::code::kAttributeValue, fmt::format("{}: constants names argument {}, and there are {}",
                                                                 options.name, argument, caller.size()));
  return constants;
}

/// A call writes tensors back, nothing else: where a function does more to a tree than rebind its tensors, the program
/// could not do it again. (The places of leaves may have moved: they are not looked at.)
void require_same_shapes(std::span<const Argument> caller, std::span<const base::Hash128> before,
                         std::span<const base::Hash128> after, const std::string& name) {
  for (size_t i = 0; i < before.size(); ++i)
    if (caller[i].is_in_out && !(before[i] == after[i]))
      throw base::Error(base::code::kImpureFunction,
                        fmt::format("{}: the function changes more of argument {} than its tensors: a number, "
                                    "the size of a container, or which tensors are there",
                                    name, i))
          .hint("a jitted function may give tensors of its arguments new values; return what else is new");
}

}  // namespace

Trace record_under(const Assumptions& assumptions, const CallOfSizes& call, const JitOptions& options,
                   const Body& body) {
  Trace trace;
  TraceScope scope;
  Recording& recording = scope.recording();
  recording.graph().set_name(options.name);
  for (const SymbolicDim& d : options.symbolic_dims)
    recording.graph().facts().add({d.name, d.lowest, d.highest, d.multiple});
  const auto value_of = [&](Dim d) { return assumptions.value_of(d, call.signature); };
  DimGuards guards(value_of);
  const std::vector<Argument> traced = body.copy_arguments();
  const auto before = enter_arguments(recording, traced, call.signature.types(call.caller), assumptions);
  const std::vector<base::Hash128> shapes = body.shapes();
  const std::vector<Tensor> returned = body.run();
  require_same_shapes(call.caller, shapes, body.shapes(), options.name);

  std::vector<ir::Value> results;
  for (const Tensor& t : returned) {
    trace.program->returned.push_back(t.defined() ? static_cast<int>(results.size()) : -1);
    if (t.defined()) results.push_back(recording.enter(t));
  }
  trace.program->returned_count = returned.size();
  add_rebound(trace, recording, call.caller, traced, before, options, results);
  trace.constants = constants_among(call.caller, before, options, trace.program->rebound);
  recording.graph().set_results(results);
  for (const Recording::Capture& c : recording.captures()) trace.program->captures.push_back(c.outside);
  trace.program->key = call.signature.key();
  trace.program->types = call.signature.types(call.caller);
  trace.program->assumptions = assumptions;
  trace.program->guards = guards.taken();
  trace.program->graph = recording.take_graph();
  if (!(options.algorithms == transform::Algorithms{}))
    trace.program->graph = transform::with_algorithms(*trace.program->graph, options.algorithms, &trace.algorithms);
  return trace;
}

std::unique_ptr<Program> record_program(Assumptions assumptions, const CallOfSizes& call, const JitOptions& options,
                                        const Body& body) {
  for (size_t attempt = 1;; ++attempt) {
    const ir::UnprovedScope unproved;
    try {
      Trace trace = record_under(assumptions, call, options, body);
      if (const ir::SymbolFact* broken = broken_fact(*trace.program, call.signature);
          broken && assumptions.fix(Dim::symbol(broken->name), call.signature,
                                    "the recording for other sizes needs" + fact_text(*broken).substr(1)))
        continue;
      compiler::CompileOptions compile_options;
      compile_options.donations = trace.donations;
      compile_options.finite = trace.finite;
      compile_options.constants = trace.constants;
      compile_options.memory_budget_bytes = options.memory_budget_bytes;
      compile_options.is_strict = options.is_strict;
      compile_options.schedule_variation = options.schedule_variation;
      trace.program->executable = compiler::compile(trace.program->graph, compile_options);
      trace.program->explanation = explained(*trace.program, call.signature);
      for (const std::string& line : trace.algorithms.lines()) trace.program->explanation += "  " + line + "\n";
      for (const std::string& symbol : ir::parameter_symbols(*trace.program->graph))
        trace.program->recorded_dims.bind(symbol,
                                          trace.program->assumptions.value_of(Dim::symbol(symbol), call.signature));
      trace.program->attempts = attempt;
      return std::move(trace.program);
    } catch (const base::Error& error) {
      if (!may_be_of_symbols(error, unproved.last())) throw;
      const bool is_answered = attempt <= kMostAttempts + call.signature.symbols().size() && unproved.last() &&
                               assumptions.answer(*unproved.last(), call.signature, reason_of(error));
      if (!is_answered && !assumptions.fix_all(call.signature, reason_of(error))) throw;
    }
  }
}

}  // namespace strata::jit_detail
