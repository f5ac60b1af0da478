// strata explain: from op to machine code, with what was refused on the way.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <climits>
#include <memory>

#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/cli/isa_name.h"
#include "strata/cli/read_program.h"
#include "strata/compiler/explain.h"
#include "strata/ir/text/text_form.h"
#include "strata/ops/list.h"

namespace strata::cli {
namespace {

struct Options {
  std::string file, isa;
  int kernel = -1;
  bool is_naive = false, with_assembly = false, json = false;
};

std::string text_of(const compiler::KernelExplanation& e, size_t index, const Options& options) {
  std::string text = fmt::format("== kernel {}: {}\n\n{}\n", index, e.name, e.node);
  if (options.is_naive) text += "\n-- loops as lowered\n" + e.naive;
  text += "\n-- schedule\n";
  for (const std::string& note : e.notes) text += "  " + note + "\n";
  text += "\n-- loops as compiled\n" + e.scheduled;
  if (!e.refusal.empty()) text += "\n-- refused by the backend: " + e.refusal + "\n";
  if (options.with_assembly) text += "\n-- assembly\n" + e.assembly;
  return text + "\n";
}

base::Json json_of(const compiler::KernelExplanation& e) {
  base::Json notes = base::Json::array();
  for (const std::string& note : e.notes) notes.push(note);
  return base::Json::object()
      .set("name", e.name)
      .set("node", e.node)
      .set("naive", e.naive)
      .set("notes", std::move(notes))
      .set("scheduled", e.scheduled)
      .set("refusal", e.refusal)
      .set("assembly", e.assembly);
}

int explain_file(const Options& options) {
  const auto graph = reading_program(
      options.file, [&] { return ir::parse_graph(program_text(options.file), ops::op_table()).value(); });
  const auto kernels = compiler::explain(*graph, isa_level_named(options.isa));
  if (options.kernel >= static_cast<int>(kernels.size()))
    throw base::Error("E0750", fmt::format("explain: --kernel is {}, but {} has {} kernels, counted from 0",
                                           options.kernel, options.file, kernels.size()));
  base::Json list = base::Json::array();
  for (size_t i = 0; i < kernels.size(); ++i) {
    if (options.kernel >= 0 && static_cast<size_t>(options.kernel) != i) continue;
    if (options.json)
      list.push(json_of(kernels[i]));
    else
      print_out(text_of(kernels[i], i, options));
  }
  if (options.json) print_out(list.dump_pretty() + "\n");
  return 0;
}

}  // namespace

Run declare_explain(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("file", options->file, "a tensor program (.sir)")->required();
  app.add_option("--kernel", options->kernel, "only this one, counted from 0")->check(CLI::Range(0, INT_MAX));
  app.add_option("--isa", options->isa, "scalar, avx2 or avx512; also one that this machine lacks");
  app.add_flag("--naive", options->is_naive, "also the loops before the schedule");
  app.add_flag("--assembly", options->with_assembly, "also the machine code");
  app.add_flag("--json", options->json, "as JSON, with everything");
  return [options] { return explain_file(*options); };
}

}  // namespace strata::cli
