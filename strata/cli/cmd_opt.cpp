// strata opt FILE: the text of a program in, passes, text out.
#include <fmt/format.h>

#include <climits>
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/terminal/format.h"
#include "strata/base/terminal/table.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/cli/program/opt_loops.h"
#include "strata/cli/program/opt_plan.h"
#include "strata/cli/program/program_arguments.h"
#include "strata/cli/read_program.h"
#include "strata/cli/target_option.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/bisect_passes.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/check/reduce_program.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/compiler/run_passes.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/ops/list.h"
#include "strata/transform/with_algorithms.h"

namespace strata::cli {
namespace {

struct Options {
  std::string file, level, backend, isa;
  std::optional<std::string> schedule;
  std::vector<std::string> passes, algorithms;
  compiler::RunPassesOptions run;
  std::vector<std::string> arguments;
  uint64_t seed = 1;
  int64_t memory_budget = 0;
  int runs = 3;
  bool interpret = false, equivalence = false, reduce = false, time = false, no_positions = false, plan = false,
       native = false;
  compiler::CompileOptions compile;
};

std::vector<compiler::Pass> chosen_passes(const Options& options) {
  compiler::passes_named(options.run.disabled);  // refuses a name that there is not
  if (options.passes == std::vector<std::string>{"all"})
    return {compiler::pipeline().begin(), compiler::pipeline().end()};
  return compiler::passes_named(options.passes);
}

/// --arg values in order, the rest random.
std::vector<ir::HostArray> arguments_for(const ir::Graph& graph, const Options& options) {
  std::vector<ir::HostArray> arguments = compiler::random_arguments(graph, options.seed);
  if (options.arguments.size() > arguments.size())
    throw base::Error(base::code::kArgumentMismatch, fmt::format("{}: takes {} arguments, found {}", graph.name(),
                                                                 arguments.size(), options.arguments.size()));
  for (size_t i = 0; i < options.arguments.size(); ++i) arguments[i] = array_given(options.arguments[i]);
  return arguments;
}

int print_results(const ir::Graph& graph, const Options& options) {
  ir::InterpretOptions how;
  how.print = [](const std::string& text) { print_out(text + "\n"); };
  const auto arguments = arguments_for(graph, options);
  const auto results = options.native ? compiler::run_natively(ir::copy_graph(graph), arguments, options.compile)
                                      : ir::interpret(graph, arguments, how);
  for (size_t i = 0; i < results.size(); ++i) print_out(fmt::format("result {}: {}\n", i, ir::print_array(results[i])));
  return 0;
}

/// Compiled against interpreted, on the arguments of --arg or of each seed.
std::optional<std::string> native_difference(const ir::Graph& graph, const Options& options) {
  for (int run = 0; run < options.runs; ++run) {
    Options one = options;
    one.seed += run;
    const auto difference =
        compiler::find_native_difference(ir::copy_graph(graph), arguments_for(graph, one), options.compile);
    if (difference) return fmt::format("seed {}: {}", one.seed, *difference);
  }
  return std::nullopt;
}

/// Throws E0301 with the first pass that is to blame, if one is.
void check_equivalence(const ir::Graph& before, const ir::Graph& after, std::span<const compiler::Pass> passes,
                       const Options& options) {
  const uint64_t seed = options.seed;
  if (options.native)
    if (const auto off = native_difference(after, options))
      throw base::Error(base::code::kWrongResult, fmt::format("{}: {}", before.name(), *off));
  const auto difference = compiler::find_inequivalence(before, after, options.runs, seed);
  if (!difference) {
    std::fputs(fmt::format("equivalent on {} sets of random arguments\n", options.runs).c_str(), stderr);
    return;
  }
  base::Error error(base::code::kChangedMeaning, fmt::format("{}: {}", before.name(), *difference));
  if (const auto broken =
          compiler::find_broken_pass(before, passes, compiler::random_argument_sets(before, options.runs, seed),
                                     {.target = options.run.target, .disabled = options.run.disabled}))
    error.note(
        fmt::format("the first pass that changes the meaning is number {}, {}", broken->number + 1, broken->name));
  throw error;
}

/// The smallest program on which the passes fail or change the meaning.
int reduce(std::shared_ptr<const ir::Graph> graph, std::span<const compiler::Pass> passes, const Options& options) {
  auto fails = [&](const ir::Graph& candidate) {
    try {
      const auto after = compiler::run_passes(candidate, passes, options.run).graph;
      if (options.native) return native_difference(*after, options).has_value();
      return compiler::find_inequivalence(candidate, *after, options.runs, options.seed).has_value();
    } catch (const base::Error& error) {
      return error.kind() == base::ErrorKind::Internal;  // a program that is wrong itself is not what is looked for
    }
  };
  if (!fails(*graph))
    throw base::Error(base::code::kCommandLine, "--reduce: the passes neither fail nor change what the program means")
        .hint("name the failing passes with --passes");
  print_out(ir::print_graph(*compiler::reduce_program(std::move(graph), fails)));
  return 0;
}

void print_times(std::span<const compiler::PassReport> reports) {
  base::Table table({{"pass"}, {"ms", base::Align::Right}, {"changed"}, {"nodes", base::Align::Right}});
  for (const auto& r : reports)
    table.add({std::string(r.name), fmt::format("{:.2f}", r.milliseconds), r.changed ? "yes" : "no",
               fmt::format("{} -> {}", r.nodes_before, r.nodes_after)});
  std::fputs(table.text().c_str(), stderr);
}

/// With a budget that of the largest sizes that the program allows.
int print_plan_of(const std::shared_ptr<const ir::Graph>& graph, const compiler::CompileOptions& options) {
  const auto program = compiler::compile(graph, options);
  if (!options.memory_budget_bytes) return print_out(ir::print_plan(program->plan())), 0;
  const ir::DimBinding dims = compiler::largest_dims(*graph);
  const auto own = program->own_program(dims);
  const compiler::MemoryPeak peak = compiler::memory_peak(*own, dims);
  std::fputs(fmt::format("takes {}, of which {} are the arena; the budget is {}\n", base::bytes_text(peak.bytes),
                         base::bytes_text(peak.arena_bytes), base::bytes_text(*options.memory_budget_bytes))
                 .c_str(),
             stderr);
  return print_out(ir::print_plan(own->plan())), 0;
}

/// The program by the algorithms that were named, and on stderr which contractions took them.
std::shared_ptr<const ir::Graph> by_algorithms(std::shared_ptr<const ir::Graph> graph, const Options& options) {
  if (options.algorithms.empty()) return graph;
  transform::AlgorithmReport report;
  graph = transform::with_algorithms(*graph, transform::algorithms_named(options.algorithms, "--algorithms"), &report);
  if (report.entries.empty()) std::fputs("there is no contraction that --algorithms is about\n", stderr);
  for (const std::string& line : report.lines()) std::fputs((line + "\n").c_str(), stderr);
  return graph;
}

int run_on(std::shared_ptr<const ir::Graph> graph, const Options& options) {
  graph = by_algorithms(std::move(graph), options);
  const std::vector<compiler::Pass> passes = chosen_passes(options);
  for (int i : options.run.constants)
    if (i < 0 || i >= std::ssize(graph->parameters()))
      throw base::Error(base::code::kCommandLine, fmt::format("--constants: {} has {} parameters, found {}",
                                                              graph->name(), graph->parameters().size(), i));
  if (options.reduce) return reduce(std::move(graph), passes, options);
  if (options.plan) return print_plan_of(graph, options.compile);
  const compiler::PassResults results = compiler::run_passes(*graph, passes, options.run);
  for (const std::string& remark : results.remarks) std::fputs((remark + "\n").c_str(), stderr);
  if (options.time) print_times(results.reports);
  if (options.equivalence) check_equivalence(*graph, *results.graph, passes, options);
  if (options.interpret || (options.native && !options.equivalence)) return print_results(*results.graph, options);
  if (!options.equivalence) print_out(ir::print_graph(*results.graph, {.positions = !options.no_positions}));
  return 0;
}

bool is_of_level(const Options& options, const char* level, const char* ending) {
  return options.level == level || (options.level.empty() && options.file.ends_with(ending));
}

/// An option that would change nothing is a slip, not a wish.
void refuse_ignored_options(const Options& options, const CommandLine& line) {
  if (!is_of_level(options, "loops", ".sloop") && !is_of_level(options, "plan", ".splan")) return;
  for (const char* name :
       {"--passes", "--disable", "--backend", "--constants", "--limit", "--dump", "--check-stable", "--time",
        "--reduce", "--plan", "--strict", "--no-positions", "--memory-budget", "--algorithms"})
    if (line.has(name))
      throw base::Error(base::code::kCommandLine, fmt::format("{} is for tensor programs (.sir)", name))
          .hint("loop programs and plans take --interpret, loop programs --native and --schedule, too");
}

int run(const Options& options) {
  const std::string text = program_text(options.file);
  const bool is_loops = is_of_level(options, "loops", ".sloop"), is_plan = is_of_level(options, "plan", ".splan");
  const uint64_t seed = options.seed;
  if (is_loops)
    return reading_program(options.file, [&] {
      return run_on_loops(text, {.interpret = options.interpret,
                                 .native = options.native,
                                 .arguments = options.arguments,
                                 .schedule = options.schedule,
                                 .target = &target_given(options.isa, options.backend),
                                 .check_equivalence = options.equivalence,
                                 .runs = options.runs,
                                 .seed = seed});
    });
  if (options.native && is_plan)
    throw base::Error(base::code::kCommandLine, "--native is for tensor programs (.sir) and loop programs (.sloop)")
        .hint("plans take --interpret");
  if (options.schedule)
    throw base::Error(base::code::kCommandLine, "--schedule is for loop programs (.sloop)")
        .hint("`strata explain` prints the loops and the schedule of each kernel of a tensor program");
  if (is_plan)
    return reading_program(options.file, [&] {
      return run_on_plan(text, {.interpret = options.interpret, .arguments = options.arguments, .seed = seed});
    });
  const auto graphs = reading_program(options.file, [&] { return ir::parse_graphs(text, ops::op_table()).value(); });
  if (graphs.empty())
    throw base::Error(base::code::kMalformedProgram, fmt::format("{} holds no program", options.file));
  for (const auto& graph : graphs)
    if (const int code = run_on(graph, options)) return code;
  return 0;
}

}  // namespace

Run declare_opt(CommandLine& line) {
  auto o = std::make_shared<Options>();
  line.add_option("FILE", o->file,
                  "a tensor program (.sir), loop program (.sloop) or plan (.splan); - reads standard input")
      .required();
  line.add_option("--level", o->level, "graph, loops or plan, if the file's name doesn't say it")
      .one_of({"graph", "loops", "plan"});
  line.add_option("--passes", o->passes, "passes in this order, or `all` for the compiler's list").delimiter(',');
  line.add_option("--disable", o->run.disabled, "passes to leave out").delimiter(',');
  line.add_option("--algorithms", o->algorithms,
                  "before the passes, compute the contractions that they fit by these: winograd_f2x3 or winograd_f4x3, "
                  "flushed_bf16; stderr tells which took them")
      .delimiter(',');
  line.add_option("--backend", o->backend, "offer composites to this backend; to none if left out");
  line.add_option(
          "--constants", o->run.constants,
          "parameters, counted from 0, that stay the same over many runs: what depends on them alone is kept apart")
      .delimiter(',');
  line.add_option("--limit", o->run.limit, "run only the first so many passes").between(0, INT_MAX);
  line.add_option("--dump", o->run.dump_folder, "write the program before and after each pass into this folder");
  line.add_flag("--check-stable", o->run.check_stable, "also run each pass on its own result, which must not change");
  line.add_flag("--time", o->time, "tell what each pass took and did, on stderr");
  line.add_flag("--interpret", o->interpret, "run the program in the interpreter and print the results");
  line.add_flag(
      "--native", o->native,
      "compile and run it instead; with --check-equivalence and --reduce: against the interpreter. Loop programs "
      "run in the interpreter first, which finds what reaches outside of a buffer, and takes 10 to 1000 times "
      "as long");
  line.add_option("--arg", o->arguments,
                  "an argument for --interpret, such as 'f32[2] [1.0, 2.0]'; random if left out");
  line.add_seed("--seed", o->seed, "of random arguments");
  line.add_option("--runs", o->runs, "how many sets of random arguments").between(1, INT_MAX);
  line.add_flag("--check-equivalence", o->equivalence,
                "compare the program before and after the passes, or the schedule, in the interpreter");
  line.add_option(
      "--schedule", o->schedule,
      "schedule loop programs by these rewrites, as `strata explain` prints them, such as 'vectorise i by 8, 1; "
      "parallel points by 4096'; `auto` for the compiler's own, 'poly auto' or 'poly tile by 3, 5' for the polyhedral "
      "scheduler's");
  line.add_flag("--reduce", o->reduce, "print a small program on which the passes still fail");
  line.add_flag("--plan", o->plan, "compile the program with the whole pass list and print its plan");
  line.add_option("--memory-budget", o->memory_budget,
                  "with --plan: bytes that a run may take, of the largest sizes that the program allows");
  line.add_option("--isa", o->isa,
                  "scalar, avx2, avx512, avx512-vnni or avx512-bf16: what --native, --plan and --schedule compile for, "
                  "and passes lay weights "
                  "out for");
  line.add_flag("--strict", o->compile.is_strict,
                "with --native and --plan: a kernel that the schedule leaves as written is an error");
  line.add_flag("--no-positions", o->no_positions, "leave the source positions out");
  return [o, line] {
    refuse_ignored_options(*o, line);
    if (line.has("--memory-budget")) o->compile.memory_budget_bytes = o->memory_budget;
    if (o->compile.memory_budget_bytes && !o->plan)
      throw base::Error(base::code::kCommandLine, "--memory-budget is for the plan: give --plan as well");
    if (o->compile.memory_budget_bytes)
      compiler::require_usable_budget("opt", *o->compile.memory_budget_bytes, "--memory-budget");
    if (o->native) runnable_target_given(o->isa, o->backend);
    if (!o->isa.empty() || !o->backend.empty()) o->run.target = o->compile.target = &target_given(o->isa, o->backend);
    return run(*o);
  };
}

}  // namespace strata::cli
