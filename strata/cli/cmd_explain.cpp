// strata explain: from op to machine code, with what was refused on the way.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <memory>
#include <optional>
#include <string_view>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/base/terminal/format.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/cli/output_files.h"
#include "strata/cli/program/explain_page.h"
#include "strata/cli/program/program_arguments.h"
#include "strata/cli/read_program.h"
#include "strata/cli/target_option.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/explain.h"
#include "strata/compiler/loop/schedule_database.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/list.h"
#include "strata/tensor/capture/capture.h"

namespace strata::cli {
namespace {

struct Options {
  std::string file, capture, isa, backend, node, schedules, write_schedules, html;
  std::vector<std::string> donations, dims;
  int kernel = -1;
  bool is_naive = false, with_assembly = false, json = false;
};

std::string text_of(const compiler::KernelExplanation& e, size_t index, const Options& options) {
  std::string text =
      fmt::format("== kernel {}: {}{}\n\n{}\n", index, e.name, e.within.empty() ? "" : " within " + e.within, e.node);
  if (options.is_naive) text += "\n-- loops as lowered\n" + e.naive;
  text += "\n-- schedule" + (e.source.empty() ? "" : " (" + e.source + ")") + "\n";
  if (!e.target.empty()) text += "  " + compiler::entry_head(e.nest, e.target) + "\n";
  for (const std::string& note : e.notes) text += "  " + note + "\n";
  text += "\n-- loops as compiled\n" + e.scheduled;
  if (!e.refusal.empty()) text += "\n-- refused by the backend: " + e.refusal + "\n";
  if (options.with_assembly) text += "\n-- assembly\n" + (e.listing.empty() ? "none\n" : e.listing);
  return text + "\n";
}

base::Json json_of(const compiler::KernelExplanation& e) {
  base::Json notes = base::Json::array();
  for (const std::string& note : e.notes) notes.push(note);
  return base::Json::object()
      .set("name", e.name)
      .set("within", e.within)
      .set("node", e.node)
      .set("naive", e.naive)
      .set("nest", e.target.empty() ? "" : e.nest.hex())
      .set("target", e.target)
      .set("source", e.source)
      .set("notes", std::move(notes))
      .set("scheduled", e.scheduled)
      .set("refusal", e.refusal)
      .set("assembly", e.listing);
}

/// The number that is all of the text.
std::optional<int> whole_number(std::string_view digits) {
  int number = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (fault != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

/// "%4" or "4".
int node_number(const std::string& text) {
  if (const auto number = whole_number(std::string_view(text).substr(text.starts_with('%') ? 1 : 0))) return *number;
  throw base::Error(base::code::kNodeWithoutKernel, fmt::format("explain: --node is {}, expected a node as %4", text));
}

/// "2:0": result 2 takes the memory of argument 0.
ir::Donation donation(const std::string& text, const ir::Graph& graph) {
  const auto one_of = [](std::string_view digits, int64_t count) {
    const std::optional<int> number = whole_number(digits);
    return number && *number >= 0 && *number < count ? *number : -1;
  };
  const size_t colon = std::min(text.find(':'), text.size());
  const ir::Donation d{one_of(text.substr(0, colon), graph.results().size()),
                       one_of(text.substr(std::min(colon + 1, text.size())), graph.parameters().size())};
  if (d.result >= 0 && d.argument >= 0) return d;
  throw base::Error(base::code::kDonation,
                    fmt::format("explain: --donate is {}, expected RESULT:ARGUMENT of {} results and {} arguments",
                                text, graph.results().size(), graph.parameters().size()));
}

compiler::ExplainOptions explain_options(const Options& options, const ir::Graph& graph) {
  compiler::ExplainOptions how{.target = &target_given(options.isa, options.backend)};
  if (!options.schedules.empty())
    how.schedules =
        std::make_shared<const compiler::ScheduleDatabase>(compiler::ScheduleDatabase::read(options.schedules));
  if (!options.node.empty()) how.node = node_number(options.node);
  for (const std::string& text : options.donations) how.donations.push_back(donation(text, graph));
  return how;
}

int write_page(const Options& options, const std::shared_ptr<const ir::Graph>& graph) {
  ExplainPageOptions how{explain_options(options, *graph), dims_given(options.dims, *graph)};
  how.explain.with_listings = options.with_assembly;
  const report::ProgramPage page = explain_page(graph, options.file, how);
  const std::string html = report::program_page_html(page);
  base::write_file(options.html, html);
  if (options.json)
    print_out(base::Json::object()
                  .set("file", options.html)
                  .set("bytes", std::ssize(html))
                  .set("kernels", std::ssize(page.kernels))
                  .dump_pretty() +
              "\n");
  else
    print_out(fmt::format("{}: {} kernels, {}\n", options.html, page.kernels.size(), base::bytes_text(html.size())));
  return 0;
}

int explain_file(const Options& options) {
  const NamedFile outputs[] = {{"--html", options.html}, {"--write-schedules", options.write_schedules}};
  const NamedFile inputs[] = {{"the program", options.file}, {"--schedules", options.schedules}};
  refuse_overwriting(outputs, inputs);
  const std::shared_ptr<const ir::Graph> graph = reading_program(
      options.file, [&] { return ir::parse_graph(program_text(options.file), ops::op_table()).value(); });
  if (!options.html.empty()) return write_page(options, graph);
  if (!options.dims.empty()) throw base::Error(base::code::kCommandLine, "--dim is for --html");
  const compiler::Explanation explanation = compiler::explain(*graph, explain_options(options, *graph));
  if (!options.write_schedules.empty()) compiler::schedules_of(explanation).write(options.write_schedules);
  const auto& kernels = explanation.kernels;
  if (options.kernel >= std::ssize(kernels))
    throw base::Error(base::code::kNoSuchKernel,
                      fmt::format("explain: --kernel is {}, but {} has {} kernels, counted from 0", options.kernel,
                                  options.file, kernels.size()));
  base::Json remarks = base::Json::array(), list = base::Json::array();
  for (const std::string& remark : explanation.remarks) remarks.push(remark);
  if (!options.json && options.kernel < 0 && !explanation.remarks.empty())
    print_out(fmt::format("== remarks\n\n  {}\n\n", fmt::join(explanation.remarks, "\n  ")));
  for (int i = 0; i < std::ssize(kernels); ++i) {
    if (options.kernel >= 0 && options.kernel != i) continue;
    if (options.json)
      list.push(json_of(kernels[i]));
    else
      print_out(text_of(kernels[i], i, options));
  }
  if (options.json)
    print_out(base::Json::object().set("remarks", std::move(remarks)).set("kernels", std::move(list)).dump_pretty() +
              "\n");
  return 0;
}

/// What a run of another program wrote of its recordings.
int explain_capture(const Options& options) {
  const base::Json capture = base::read_json(options.capture).value();
  const std::string text = capture_text(capture);
  print_out(options.json ? capture.dump_pretty() + "\n" : text);
  return 0;
}

int explain_what_is_given(const Options& options) {
  if (options.file.empty() == options.capture.empty())
    throw base::Error(base::code::kCommandLine, "explain: takes a tensor program (.sir), or --capture with a report");
  return options.capture.empty() ? explain_file(options) : explain_capture(options);
}

}  // namespace

Run declare_explain(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add_option("file", options->file, "a tensor program (.sir)");
  line.add_option("--capture", options->capture,
                  "instead: what a program wrote for STRATA_CAPTURE: its recordings, and why each was made");
  auto kernel = line.add_option("--kernel", options->kernel, "only this one, counted from 0").between(0, INT_MAX);
  auto node = line.add_option("--node", options->node, "only kernels that hold this node of the program, as %4");
  auto donate =
      line.add_option("--donate", options->donations,
                      "RESULT:ARGUMENT: say whether the result is written in the argument's memory, and if not, why");
  line.add_option("--backend", options->backend, "whose code and refusals: llvm (for --isa) or another by name");
  line.add_option("--isa", options->isa,
                  "scalar, avx2, avx512, avx512-vnni or avx512-bf16; also one that this machine lacks");
  line.add_option("--schedules", options->schedules,
                  "a file of tuned schedules, instead of what STRATA_SCHEDULES names");
  auto write_schedules =
      line.add_option("--write-schedules", options->write_schedules,
                      "write the schedules of all kernels to this file, which --schedules and STRATA_SCHEDULES take");
  const auto html = line.add_option(
      "--html", options->html,
      "write a page to this file that any browser opens: graph, kernels with their loops, passes, memory plan");
  line.add_option("--dim", options->dims,
                  "with --html: the extent of a symbol, such as B=64, that sizes are given for");
  line.add_flag("--naive", options->is_naive, "also the loops before the schedule");
  line.add_flag("--assembly", options->with_assembly, "also the machine code");
  line.add_flag("--json", options->json, "as JSON, with everything; with --html: what was written");
  for (auto* other : {&kernel, &node, &donate, &write_schedules}) other->excludes(html);
  line.excludes_others("--capture", {"--json"});
  return [options] { return explain_what_is_given(*options); };
}

}  // namespace strata::cli
