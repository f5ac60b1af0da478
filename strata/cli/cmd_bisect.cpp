// strata bisect PROGRAM: which pass or kernel makes another result than it should, and where a NaN comes from.
#include <fmt/format.h>

#include <memory>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/cli/output_files.h"
#include "strata/cli/program/program_arguments.h"
#include "strata/cli/read_program.h"
#include "strata/cli/target_option.h"
#include "strata/compiler/check/bisect_program.h"
#include "strata/compiler/run_passes.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/machine/cpu_target.h"
#include "strata/machine/require_runnable.h"
#include "strata/ops/list.h"
#include "strata/runtime/execute/finite.h"
#include "strata/runtime/execute/non_finite_origin.h"

namespace strata::cli {
namespace {

constexpr std::string_view kWithout = "without:";

struct Options {
  std::string file, isa, against = "interpreter", tolerance, reduced;
  std::vector<std::string> passes, disabled;
  ArgumentOptions arguments;
  int runs = 3;
  bool nan = false, json = false;
};

using Arguments = std::vector<std::vector<ir::HostArray>>;

/// As many sets as asked for where they are made up; what is given is one.
Arguments argument_sets(const ir::Graph& graph, const Options& options) {
  ArgumentOptions how = options.arguments;
  how.are_finite = options.nan;
  Arguments sets;
  const bool is_given = !how.inputs.empty() || how.arguments.size() == graph.parameters().size();
  for (int run = 0; run < (is_given ? 1 : options.runs); ++run, ++how.seed)
    sets.push_back(program_arguments(graph, how));
  return sets;
}

std::vector<std::string> names_in(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    names.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return names;
}

/// Of --against, when it is neither the interpreter nor passes.
const compiler::Target& isa_against(const std::string& name) {
  try {
    machine::cpu_target_named(name, "--against");
  } catch (base::Error& error) {
    throw error.hint(fmt::format("or interpreter, or {}PASS,PASS", kWithout));
  }
  return target_given(name);
}

compiler::KernelReference reference_of(const Options& options) {
  compiler::KernelReference reference;
  const bool is_other_isa = options.against != "interpreter" && !options.against.starts_with(kWithout);
  if (is_other_isa) reference.target = &isa_against(options.against);
  const std::string tolerance = options.tolerance.empty() ? (is_other_isa ? "bits" : "ops") : options.tolerance;
  if (tolerance == "bits") reference.allowed = compiler::Allowed::Nothing;
  return reference;
}

/// Both sides run here, so that the host must have their instructions.
void require_runnable(const std::string& isa, std::string_view origin) {
  if (!isa.empty()) machine::require_runnable(machine::cpu_target_named(isa, origin), origin);
}

std::string set_text(const Options& options, size_t set, size_t sets) {
  return sets == 1 ? "" : fmt::format(", arguments of seed {}", options.arguments.seed + set);
}

std::string kernel_text(const compiler::WrongKernel& k, const std::string& program) {
  return fmt::format("kernel {} ({}), command {} of {}: {}", k.kernel, k.op, k.command,
                     k.program == program ? program : "region " + k.program, k.off.text());
}

std::string verdict_text(const compiler::Bisection& found, const ir::Graph& graph) {
  using compiler::Culprit;
  switch (found.culprit) {
    case Culprit::Pass:
      return fmt::format("pass {} ({}){} changes the meaning: {}", found.pass->number + 1, found.pass->name,
                         found.within.empty() ? "" : " on region " + found.within, found.pass->difference);
    case Culprit::Kernel:
      return kernel_text(*found.kernel, graph.name());
    case Culprit::Together:
      return "each kernel is right, but together they give something else (the plan, or a race): " + found.off->text();
    case Culprit::Roundings:
      return "each pass and each kernel is right, but their roundings add up to more than is allowed: " +
             found.off->text();
    case Culprit::None:
      break;
  }
  return found.passes > 0 ? fmt::format("nothing differs: {} passes keep the meaning, {} runs of kernels give it",
                                        found.passes, found.kernels)
                          : fmt::format("nothing differs in {} runs of kernels", found.kernels);
}

constexpr const char* kCulpritNames[] = {"none", "pass", "kernel", "together", "roundings"};

base::Json json_of(const compiler::ElementDifference& off) {
  return base::Json::object()
      .set("result", off.result)
      .set("element", off.element)
      .set("expected", off.expected)
      .set("found", off.found)
      .set("allowed", off.allowed);
}

base::Json json_of(const compiler::Bisection& found, const ir::Graph& graph) {
  base::Json json = base::Json::object()
                        .set("culprit", kCulpritNames[static_cast<int>(found.culprit)])
                        .set("text", verdict_text(found, graph))
                        .set("passes", found.passes)
                        .set("kernels", found.kernels);
  if (found.pass)
    json.set("pass", std::string(found.pass->name)).set("number", found.pass->number + 1).set("within", found.within);
  if (found.kernel)
    json.set("kernel", found.kernel->kernel)
        .set("program", found.kernel->program)
        .set("command", found.kernel->command)
        .set("op", found.kernel->op)
        .set("difference", json_of(found.kernel->off));
  if (found.off) json.set("difference", json_of(*found.off));
  return json;
}

void write_reduced(const compiler::Bisection& found, const compiler::BisectOptions& how, const ir::Graph& graph,
                   const Options& options) {
  if (options.reduced.empty()) return;
  if (!found.pass && !found.kernel)
    throw base::Error(base::code::kCommandLine, "--reduce: neither a pass nor a kernel is to blame: nothing to reduce");
  const auto program = compiler::smallest_program(found, how, options.runs, options.arguments.seed);
  base::write_file(options.reduced, fmt::format("// {}\n{}", verdict_text(found, graph), ir::print_graph(*program)));
}

/// What is compiled with some passes and without.
int bisect_passes_by_running(const std::shared_ptr<const ir::Graph>& graph, const Arguments& sets,
                             const compiler::BisectOptions& how, const Options& options) {
  const std::vector<std::string> names = names_in(std::string_view(options.against).substr(kWithout.size()));
  if (names.empty())
    throw base::Error(base::code::kCommandLine, "--against is without: and no pass, expected without:PASS,PASS")
        .hint("`strata passes` lists them");
  compiler::passes_named(names);
  const auto moving = compiler::find_moving_pass(graph, sets, names, how);
  const std::string text =
      moving ? fmt::format("pass {} moves a result: {}{}", moving->name, moving->off.text(),
                           set_text(options, moving->argument_set, sets.size()))
             : fmt::format("with and without {} the results are the same", options.against.substr(kWithout.size()));
  base::Json json = base::Json::object().set("culprit", moving ? "pass" : "none").set("text", text);
  if (moving) json.set("pass", moving->name).set("difference", json_of(moving->off));
  print_out(options.json ? json.dump_pretty() + "\n" : text + "\n");
  return moving ? 3 : 0;
}

/// What was given as NaN or infinity is no kernel's fault.
std::string bad_argument(const ir::Graph& graph, std::span<const ir::HostArray> arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].is_encoded()) continue;
    const int64_t at = runtime::first_not_finite(arguments[i].data(), arguments[i].dtype(), arguments[i].elements());
    if (at >= 0)
      return fmt::format("argument {} ({}) holds {} at element {}", i, graph.parameter_name(i), arguments[i].get(at),
                         at);
  }
  return "";
}

int find_nan(const std::shared_ptr<const ir::Graph>& graph, const Arguments& sets,
             const compiler::CompileOptions& compile, const Options& options) {
  const auto program = compiler::compile(graph, compile);
  base::Json json = base::Json::object();
  std::string text;
  const auto add = [&](const char* key, const std::optional<runtime::NonFiniteOrigin>& at) {
    if (!at) return;
    const std::string made =
        at->came_in ? fmt::format("passes {} on", at->value) : fmt::format("makes {} of finite operands", at->value);
    text += fmt::format("{} ({}) of {} {}: result {}, element {}\n", at->op, at->command, at->program, made, at->result,
                        at->element);
    json.set(key, base::Json::object()
                      .set("op", at->op)
                      .set("command", at->command)
                      .set("program", at->program)
                      .set("result", at->result)
                      .set("element", at->element)
                      .set("value", fmt::format("{}", at->value))
                      .set("came_in", at->came_in));
  };
  for (size_t i = 0; i < sets.size() && text.empty(); ++i) {
    if (const std::string bad = bad_argument(*graph, sets[i]); !bad.empty()) {
      text = bad + set_text(options, i, sets.size()) + "\n";
      json.set("argument", bad);
    }
    const auto first = runtime::non_finite_origin(*program, sets[i]);
    add("first", first);
    const auto nan = runtime::non_finite_origin(*program, sets[i], runtime::NonFinite::Nan);
    if (nan && (!first || nan->command != first->command || nan->op != first->op)) add("nan", nan);
  }
  const bool is_clean = text.empty();
  if (is_clean) text = "all values are finite\n";
  print_out(options.json ? json.set("is_finite", is_clean).dump_pretty() + "\n" : text);
  return is_clean ? 0 : 1;
}

int run(const Options& options) {
  std::vector<NamedFile> inputs = files_of("--inputs", options.arguments.inputs);
  inputs.push_back({"the program", options.file});
  refuse_overwriting(std::vector<NamedFile>{{"--reduce", options.reduced}}, inputs);
  const std::shared_ptr<const ir::Graph> graph = reading_program(
      options.file, [&] { return ir::parse_graph(program_text(options.file), ops::op_table()).value(); });
  const Arguments sets = argument_sets(*graph, options);
  compiler::BisectOptions how{.reference = reference_of(options)};
  require_runnable(options.isa, "--isa");
  if (how.reference.target) require_runnable(options.against, "--against");
  compiler::passes_named(options.disabled);  // refuses a name that there is not
  how.compile.disabled_passes = options.disabled;
  how.compile.target = &target_given(options.isa);
  std::vector<compiler::Pass> passes;
  if (!options.passes.empty()) how.passes = passes = compiler::passes_named(options.passes);
  if (options.nan) return find_nan(graph, sets, how.compile, options);
  if (options.against.starts_with(kWithout)) return bisect_passes_by_running(graph, sets, how, options);
  const compiler::Bisection found = compiler::bisect_program(graph, sets, how);
  std::string text = verdict_text(found, *graph);
  if (found.culprit != compiler::Culprit::None) text += set_text(options, found.argument_set, sets.size());
  print_out(options.json ? json_of(found, *graph).dump_pretty() + "\n" : text + "\n");
  write_reduced(found, how, *graph, options);
  return found.culprit == compiler::Culprit::None ? 0 : 3;
}

}  // namespace

Run declare_bisect(CommandLine& line) {
  auto o = std::make_shared<Options>();
  line.add_option("PROGRAM", o->file, "a program's text (.sir), - for standard input").required();
  line.add_option(
          "--against", o->against,
          "what is right: interpreter; an instruction set (scalar, avx2, ...), whose kernels give the same bits; "
          "or without:PASS,PASS, the program compiled without these passes")
      .show_default();
  line.add_option("--tolerance", o->tolerance,
                  "ops: what the ops' tolerances add up to; bits: nothing. Else bits against an instruction set, ops "
                  "against the others")
      .one_of({"ops", "bits"});
  line.add_option("--passes", o->passes, "look at these passes only, in this order").delimiter(',');
  line.add_option("--disable", o->disabled, "passes to leave out").delimiter(',');
  line.add_option("--isa", o->isa, "compile for this instruction set; else this CPU's");
  add_arguments(line, o->arguments);
  line.add_option("--runs", o->runs, "how many sets of made up arguments").between(1, 1000);
  line.add_flag("--nan", o->nan, "find the first op that makes a NaN or an infinity of finite operands instead");
  line.add_option("--reduce", o->reduced, "write a small program on which the pass or the kernel goes wrong");
  line.add_flag("--json", o->json, "the verdict as JSON");
  line.excludes_others("--nan",
                       {"PROGRAM", "--disable", "--isa", "--inputs", "--arg", "--dim", "--seed", "--runs", "--json"});
  line.footer(
      "The passes are compared in the interpreter, one after the other. Then the program runs command by command, and "
      "each "
      "kernel is compared with what its node means on the operands that it got; then the whole run with its commands "
      "one "
      "by one. The interpreter is slow: of a model's training step, --against scalar compares the kernels natively. "
      "Exit codes: 0 nothing differs, 3 a culprit is named; with --nan 1 for a value that is not finite.\n"
      "  strata bisect mlp.sir\n"
      "  strata bisect mlp.sir --inputs x.safetensors --against scalar\n"
      "  strata bisect step.sir --nan --dim B=64\n");
  return [o] { return run(*o); };
}

}  // namespace strata::cli
