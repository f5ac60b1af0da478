// strata compile FILE: a program's text in, a program file out, which `strata run` and any process with the runtime
// loads without a compiler; or an object file and a header, for programs in C.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/base/terminal/format.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/cli/output_files.h"
#include "strata/cli/read_program.h"
#include "strata/cli/target_option.h"
#include "strata/compiler/compile.h"
#include "strata/embed/write_object.h"
#include "strata/formats/safetensors/reader.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/list.h"
#include "strata/runtime/program/program_file.h"

namespace strata::cli {
namespace {

struct Options {
  std::string file, output, object, header, name, isa, weights;
  bool json = false;
};

/// What a run would refuse is refused where the weights are named.
void require_fits(const Options& options, const formats::TensorEntry& tensor, const ir::Type& type) {
  bool fits = tensor.dtype == type.dtype() && tensor.shape.size() == type.shape().size();
  for (size_t a = 0; fits && a < tensor.shape.size(); ++a)
    fits = !type.dim(a).is_constant() || type.dim(a).constant() == tensor.shape[a];
  if (!fits)
    throw base::Error(base::code::kArgumentMismatch,
                      fmt::format("{}: the tensor '{}' is {}[{}], and the parameter of that name {}", options.weights,
                                  tensor.name, ir::dtype_name(tensor.dtype), fmt::join(tensor.shape, ","), type.str()));
}

/// A reference for each parameter that is a tensor of the weights' file; relative to the folder of the program file.
std::vector<runtime::WeightReference> references(const Options& options, const ir::Graph& graph) {
  if (options.weights.empty()) return {};
  const auto weights = formats::SafetensorsFile::open(options.weights).value();
  std::filesystem::path folder = std::filesystem::absolute(options.output).parent_path();
  const std::string file = std::filesystem::absolute(options.weights).lexically_relative(folder).string();
  std::vector<runtime::WeightReference> list;
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    const std::string name(graph.parameter_name(i));
    const formats::TensorEntry* const tensor = weights.find(name);
    if (!tensor) continue;
    require_fits(options, *tensor, graph.parameters()[i]->type());
    list.push_back({name, file, name});
  }
  return list;
}

/// The tensors of the weights' file that are parameters, and their numbers.
std::vector<embed::EmbeddedWeight> embedded(const Options& options, const ir::Graph& graph,
                                            std::vector<int>& constants) {
  std::vector<embed::EmbeddedWeight> list;
  if (options.weights.empty()) return list;
  const auto weights = formats::SafetensorsFile::open(options.weights).value();
  for (int i = 0; i < std::ssize(graph.parameters()); ++i) {
    const std::string name(graph.parameter_name(i));
    if (!weights.find(name)) continue;
    list.push_back({name, weights.array(name)});
    constants.push_back(i);
  }
  if (list.empty())
    throw base::Error(base::code::kMissingArgument,
                      fmt::format("{}: none of its tensors is a parameter of {}", options.weights, graph.name()))
        .hint("tensors are taken by the names of the parameters, which stand in the program's text");
  return list;
}

int write_object(const Options& options, const std::shared_ptr<const ir::Graph>& graph) {
  std::vector<int> constants;
  embed::ObjectOptions how{.name = options.name.empty() ? embed::c_name(graph->name()) : options.name,
                           .weights = embedded(options, *graph, constants)};
  const auto program =
      compiler::compile(graph, {.target = &runnable_target_given(options.isa), .constants = constants});
  const std::string object = embed::object_of(*program, how), header = embed::header_of(*program, how);
  base::write_file(options.header, header);
  base::write_file(options.object, object);
  if (options.json)
    print_out(base::Json::object()
                  .set("object", options.object)
                  .set("header", options.header)
                  .set("name", how.name)
                  .set("bytes", std::ssize(object))
                  .set("weights", std::ssize(how.weights))
                  .set("isa", program->origin().isa)
                  .dump_pretty() +
              "\n");
  else
    print_out(fmt::format("{}: {}, code for {}, {} of {} parameters embedded; {}: strata_{}_create, _run, _destroy\n",
                          options.object, base::bytes_text(object.size()), program->origin().isa, how.weights.size(),
                          graph->parameters().size(), options.header, how.name));
  return 0;
}

int run(const Options& options) {
  if (options.object.empty() != options.header.empty())
    throw base::Error(base::code::kCommandLine, "--object and --header go together");
  if (!options.name.empty() && options.object.empty())
    throw base::Error(base::code::kCommandLine, "--name is for --object");
  const NamedFile inputs[] = {{"the program", options.file}, {"--weights", options.weights}};
  if (options.object.empty())
    refuse_overwriting(std::vector<NamedFile>{{"-o", options.output}}, inputs);
  else
    refuse_overwriting(std::vector<NamedFile>{{"--object", options.object}, {"--header", options.header}}, inputs);
  const std::shared_ptr<const ir::Graph> graph = reading_program(
      options.file, [&] { return ir::parse_graph(program_text(options.file), ops::op_table()).value(); });
  if (!options.object.empty()) return write_object(options, graph);
  const auto program = compiler::compile(graph, {.target = &runnable_target_given(options.isa)});
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
  options->output = "program.strata";
  const auto output =
      line.add_option("-o,--output", options->output, "the program file that is written").show_default();
  line.add_option("--object", options->object, "write an object file for programs in C instead").excludes(output);
  line.add_option("--header", options->header, "with --object: the header with the program's functions");
  line.add_option("--name", options->name, "with --object: what C calls the program; else its own name");
  line.add_option(
      "--weights", options->weights,
      "a safetensors file: parameters with the name of one of its tensors refer to it; with --object they are "
      "embedded");
  line.add_option(
      "--isa", options->isa,
      "the instruction set of the code: scalar, avx2, avx512, avx512-vnni or avx512-bf16, of those that this CPU has; "
      "else the most of them");
  line.add_flag("--json", options->json, "as JSON");
  line.footer(
      "Programs in C link the object with the library strata_c, and need no compiler when they run:\n"
      "  strata compile mlp.sir --object mlp.o --header mlp.h --weights mlp.safetensors\n"
      "  cc main.c mlp.o -I PREFIX/include -L PREFIX/lib -lstrata_c -lfmt -lxxhash -lnettle -lstdc++ -lm -pthread\n"
      "PREFIX is where `cmake --install` put Strata; include/strata/embed/embed.h says what the functions do.\n");
  return [options] { return run(*options); };
}

}  // namespace strata::cli
