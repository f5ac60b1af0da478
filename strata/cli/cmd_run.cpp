// strata run PROGRAM: loads a program file and runs it on arrays from safetensors files.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <vector>

#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/cli/output_files.h"
#include "strata/cli/program/program_arguments.h"
#include "strata/compiler/compile.h"
#include "strata/formats/safetensors/writer.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/list.h"
#include "strata/runtime/program/program_file.h"

namespace strata::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string program, weights, output;
  std::vector<std::string> inputs;
  bool json = false;
};

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Where a file of weights lies that the program names.
std::string beside(const std::string& program, const std::string& weights) {
  return (std::filesystem::path(program).parent_path() / weights).string();
}

/// Inputs by name first, then the weights that the program refers to.
std::vector<ir::HostArray> arguments_for(const runtime::ProgramFile& file, const Options& options) {
  ArrayFiles files;
  const ir::Graph& graph = *file.program->plan().graph;
  std::vector<ir::HostArray> arguments;
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    const std::string name(graph.parameter_name(i));
    const auto given =
        std::ranges::find_if(options.inputs, [&](const std::string& path) { return files.open(path).find(name); });
    const auto weight = std::ranges::find(file.weights, name, &runtime::WeightReference::parameter);
    if (given != options.inputs.end())
      arguments.push_back(files.open(*given).array(name));
    else if (weight != file.weights.end())
      arguments.push_back(files.open(options.weights.empty() ? beside(options.program, weight->file) : options.weights)
                              .array(weight->tensor));
    else
      throw base::Error(base::code::kMissingArgument,
                        fmt::format("{}: parameter {} '{}', {}, is in no file", options.program, i, name,
                                    graph.parameters()[i]->type().str()))
          .hint("--inputs takes a safetensors file with a tensor of that name");
  }
  return arguments;
}

std::string shape_text(const ir::HostArray& a) {
  return fmt::format("{}[{}]", ir::dtype_name(a.dtype()), fmt::join(a.shape(), ","));
}

/// "result0", "result1", ...
std::vector<formats::NamedArray> named(std::vector<ir::HostArray> results) {
  std::vector<formats::NamedArray> list;
  for (size_t i = 0; i < results.size(); ++i) list.push_back({fmt::format("result{}", i), std::move(results[i])});
  return list;
}

int run(const Options& options) {
  std::vector<NamedFile> inputs = files_of("--inputs", options.inputs);
  inputs.insert(inputs.end(), {{"the program", options.program}, {"--weights", options.weights}});
  refuse_overwriting(std::vector<NamedFile>{{"-o", options.output}}, inputs);
  const auto start = Clock::now();
  const runtime::ProgramFile file = runtime::read_program(
      options.program, {.ops = ops::op_table(), .compile = [](const auto& graph) { return compiler::compile(graph); }});
  if (!options.weights.empty() && file.weights.empty())
    throw base::Error(
        base::code::kCommandLine,
        fmt::format("--weights: {} names no file of weights that another could stand for", options.program))
        .hint("`strata compile --weights` makes parameters refer to a file; --inputs takes arrays for all others");
  for (const runtime::WeightReference& weight : file.weights)
    refuse_overwriting(std::vector<NamedFile>{{"-o", options.output}},
                       std::vector<NamedFile>{{"the program's weights", beside(options.program, weight.file)}});
  const double load_ms = milliseconds_since(start);
  std::vector<ir::HostArray> arguments = arguments_for(file, options);
  const auto ready = Clock::now();
  const std::vector<formats::NamedArray> results = named(file.program->run(std::move(arguments)));
  const double run_ms = milliseconds_since(ready);
  if (!options.output.empty()) formats::save_safetensors(options.output, results);
  base::Json list = base::Json::array();
  std::string text;
  for (const formats::NamedArray& r : results) {
    list.push(base::Json::object().set("name", r.name).set("type", shape_text(r.array)));
    text += options.output.empty() ? fmt::format("{} = {}\n", r.name, ir::print_array(r.array))
                                   : fmt::format("{}: {}\n", r.name, shape_text(r.array));
  }
  if (options.json)
    print_out(base::Json::object()
                  .set("load_ms", load_ms)
                  .set("run_ms", run_ms)
                  .set("recompiled", file.recompiled)
                  .set("results", std::move(list))
                  .dump_pretty() +
              "\n");
  else
    print_out(text);
  if (!file.recompiled.empty()) fmt::print(stderr, "compiled anew: {}\n", file.recompiled);
  if (!options.json) fmt::print(stderr, "loaded in {:.1f} ms, ran in {:.1f} ms\n", load_ms, run_ms);
  return 0;
}

}  // namespace

Run declare_run(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add_option("PROGRAM", options->program, "a program file (strata compile)").required();
  line.add_option("--inputs", options->inputs, "safetensors files: a tensor for each parameter, by name");
  line.add_option("--weights", options->weights, "the file of the weights, in place of the one that the program names");
  line.add_option("-o,--output", options->output, "a safetensors file for the results; else they are printed");
  line.add_flag("--json", options->json, "times and types as JSON");
  return [options] { return run(*options); };
}

}  // namespace strata::cli
