// strata compile FILE: a program's text in, a program file out, which `strata run` and any process with the runtime
// loads without a compiler.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "strata/base/json/json.h"
#include "strata/base/terminal/format.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/cli/read_program.h"
#include "strata/cli/target_option.h"
#include "strata/compiler/compile.h"
#include "strata/formats/safetensors/reader.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/list.h"
#include "strata/runtime/program/program_file.h"

namespace strata::cli {
namespace {

struct Options {
  std::string file, output = "program.strata", isa, weights;
  bool json = false;
};

/// A reference for each parameter that is a tensor of the weights' file; relative to the folder of the program file.
std::vector<runtime::WeightReference> references(const Options& options, const ir::Graph& graph) {
  if (options.weights.empty()) return {};
  const auto weights = formats::SafetensorsFile::open(options.weights).value();
  std::filesystem::path folder = std::filesystem::absolute(options.output).parent_path();
  const std::string file = std::filesystem::absolute(options.weights).lexically_relative(folder).string();
  std::vector<runtime::WeightReference> list;
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    const std::string name(graph.parameter_name(i));
    if (weights.find(name)) list.push_back({name, file, name});
  }
  return list;
}

int run(const Options& options) {
  const std::shared_ptr<const ir::Graph> graph = reading_program(
      options.file, [&] { return ir::parse_graph(program_text(options.file), ops::op_table()).value(); });
  const auto program = compiler::compile(graph, {.target = &target_given(options.isa)});
  const auto weights = references(options, *graph);
  runtime::write_program(options.output, *program, {.weights = weights});
  const auto bytes = std::filesystem::file_size(options.output);
  if (options.json)
    print_out(base::Json::object()
                  .set("file", options.output)
                  .set("bytes", static_cast<int64_t>(bytes))
                  .set("parameters", std::ssize(graph->parameters()))
                  .set("weights", std::ssize(weights))
                  .set("isa", program->origin().isa)
                  .dump_pretty() +
              "\n");
  else
    print_out(fmt::format("{}: {}, code for {}, {} of {} parameters are weights of a file\n", options.output,
                          base::bytes_text(bytes), program->origin().isa, weights.size(), graph->parameters().size()));
  return 0;
}

}  // namespace

Run declare_compile(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add_option("FILE", options->file, "a program's text (strata opt --help), - for standard input").required();
  line.add_option("-o,--output", options->output, "the program file that is written").show_default();
  line.add_option("--weights", options->weights,
                  "a safetensors file: parameters with the name of one of its tensors refer to it");
  line.add_option("--isa", options->isa,
                  "the instruction set of the code: scalar, avx2, avx512 or avx512-vnni; else this CPU's");
  line.add_flag("--json", options->json, "as JSON");
  return [options] { return run(*options); };
}

}  // namespace strata::cli
