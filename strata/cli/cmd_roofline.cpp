// strata roofline: the measured roofline of this machine, with the kernels of a program or the rows of a benchmark on
// it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "bench/harness/contest.h"
#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/environment/cache_folder.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/base/terminal/screen.h"
#include "strata/base/terminal/table.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/cli/output_files.h"
#include "strata/cli/program/program_arguments.h"
#include "strata/cli/read_program.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/kernel_figures.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/machine/roofs.h"
#include "strata/ops/list.h"
#include "strata/report/png/raster.h"
#include "strata/report/svg/roofline.h"

namespace strata::cli {
namespace {

struct Options {
  std::string file, bench, svg, png;
  ArgumentOptions arguments;
  int rounds = 5, threads = 0;
  bool dark = false, json = false;
};

/// Some work that was timed.
struct Figure {
  std::string label, series, what;
  double operations = 0, bytes = 0, seconds = 0;  ///< of all runs
  int64_t runs = 1;
  double share = 0;  ///< of the time of all
  machine::Bound bound;

  double intensity() const { return bytes > 0 ? operations / bytes : 0; }
};

/// Of one kernel of a program: what it computes, and the start of its name's number to tell apart those that do the
/// same.
std::string label_of(const compiler::KernelFigure& k) {
  const size_t dot = k.kernel.rfind('.');
  return k.content + (dot == std::string::npos ? "" : " " + k.kernel.substr(dot + 1, 4));
}

std::vector<Figure> figures_of_program(const Options& options) {
  const std::shared_ptr<const ir::Graph> graph = reading_program(
      options.file, [&] { return ir::parse_graph(program_text(options.file), ops::op_table()).value(); });
  const std::vector<ir::HostArray> arguments = program_arguments(*graph, options.arguments);
  const auto program = compiler::compile(graph);
  std::vector<Figure> figures;
  for (const compiler::KernelFigure& k : compiler::measure_kernels(*program, arguments, options.rounds))
    figures.push_back({label_of(k), "kernels of " + graph->name(), k.kernel, k.operations, k.bytes, k.seconds, k.runs});
  if (figures.empty())
    throw base::Error(base::code::kNoSuchKernel,
                      fmt::format("roofline: {} runs no kernel on these arguments", options.file))
        .hint("a program of constants and reshapes has none");
  return figures;
}

/// Seconds of one piece of work, by the row's unit.
std::optional<double> seconds_of(double figure, const std::string& unit, double operations) {
  if (figure <= 0) return std::nullopt;
  if (unit == "s") return figure;
  if (unit == "ms") return figure / 1e3;
  if (unit == "us") return figure / 1e6;
  if (unit == "GF/s") return operations / (figure * 1e9);
  return std::nullopt;
}

/// The rows that say what they do, of so many threads.
std::vector<Figure> figures_of_rows(const Options& options, int threads) {
  const base::Json rows = base::read_json(options.bench).value();
  if (!rows.is_array())
    throw base::Error(base::code::kCommandLine,
                      fmt::format("{}: expected the rows that `strata bench --out` writes", options.bench));
  std::vector<Figure> figures;
  for (const base::Json& row : rows.items()) {
    const base::Json *operations = row.find("operations"), *bytes = row.find("bytes");
    if (!operations || !bytes || operations->is_null() || bytes->is_null()) continue;
    if (row.at("threads").as_int() != threads) continue;
    if (const std::string& cpu = row.at("cpu").as_string(); cpu != machine::cpu_brand())
      throw base::Error(base::code::kCommandLine, fmt::format("{}: its rows were measured on {}, and this is {}",
                                                              options.bench, cpu, machine::cpu_brand()))
          .hint("a roofline needs the roofs of the machine that the rows are of: measure them here (strata bench)");
    const std::string& unit = row.at("unit").as_string();
    const auto add = [&](const std::string& series, const base::Json& figure) {
      const auto seconds =
          figure.is_null() ? std::nullopt : seconds_of(figure.as_double(), unit, operations->as_double());
      if (seconds)
        figures.push_back({row.at("workload").as_string(), series, row.at("suite").as_string(), operations->as_double(),
                           bytes->as_double(), *seconds});
    };
    add("Strata", row.at("ours"));
    if (const base::Json& peer = row.at("peer"); !peer.is_null())
      add(peer.as_string().substr(0, peer.as_string().find(',')), row.at("theirs"));
  }
  if (figures.empty())
    throw base::Error(base::code::kCommandLine,
                      fmt::format("{}: no row of {} threads says its operations and bytes", options.bench, threads))
        .hint("--threads takes those of another number; rows of an earlier Strata say neither");
  return figures;
}

void find_bounds(std::vector<Figure>& figures, const machine::Roofs& roofs, int threads) {
  double total = 0;
  for (const Figure& f : figures) total += f.seconds;
  for (Figure& f : figures) {
    f.share = total > 0 ? f.seconds / total : 0;
    const auto runs = static_cast<double>(f.runs);
    f.bound = machine::bound_of(roofs, f.operations / runs, f.bytes / runs, threads);
    f.bound.least_seconds *= runs;
  }
}

std::string number(double value) { return value == 0 ? "0" : fmt::format("{:.3g}", value); }
std::string rate(double amount, double seconds) {
  return seconds > 0 ? fmt::format("{:.1f}", amount / seconds / 1e9) : "-";
}

std::string roofs_text(const machine::Roofs& roofs) {
  using base::Align;
  base::Table table({{"roof"},
                     {"one thread", Align::Right},
                     {fmt::format("{} threads", roofs.peaks.threads), Align::Right},
                     {"unit"}});
  table.add({"f32 multiply-add", fmt::format("{:.1f}", roofs.peaks.fma_gflops),
             fmt::format("{:.1f}", roofs.peaks.fma_gflops_all_threads), "GF/s"});
  for (const machine::MemoryLevel& l : roofs.levels)
    table.add({"read " + l.name, l.gbytes_per_s > 0 ? fmt::format("{:.1f}", l.gbytes_per_s) : "not measured",
               l.gbytes_per_s > 0 ? fmt::format("{:.1f}", l.gbytes_per_s_all_threads) : "not measured", "GB/s"});
  return table.text();
}

std::string figures_text(const std::vector<Figure>& figures, const Options& options) {
  using base::Align;
  const bool is_program = options.bench.empty();
  base::Table table({{is_program ? "kernel" : "workload"},
                     {is_program ? "computes" : "whose"},
                     {"runs", Align::Right},
                     {"ms", Align::Right},
                     {is_program ? "of time" : "", Align::Right},
                     {"ops/byte", Align::Right},
                     {"GF/s", Align::Right},
                     {"GB/s", Align::Right},
                     {"bound"},
                     {"of roof", Align::Right}});
  for (const Figure& f : figures)
    table.add({is_program ? f.what : f.label, is_program ? f.label : f.series, std::to_string(f.runs),
               fmt::format("{:.4g}", f.seconds * 1e3), is_program ? fmt::format("{:.1f} %", 100 * f.share) : "",
               number(f.intensity()), rate(f.operations, f.seconds), rate(f.bytes, f.seconds), f.bound.name,
               fmt::format("{:.0f} %", 100 * f.bound.share(f.seconds))});
  return table.text();
}

base::Json json_of(const machine::Roofs& roofs, const std::vector<Figure>& figures) {
  base::Json levels = base::Json::array(), list = base::Json::array();
  for (const machine::MemoryLevel& l : roofs.levels)
    levels.push(base::Json::object()
                    .set("name", l.name)
                    .set("gbytes_per_s", l.gbytes_per_s)
                    .set("gbytes_per_s_all_threads", l.gbytes_per_s_all_threads));
  for (const Figure& f : figures)
    list.push(base::Json::object()
                  .set("label", f.label)
                  .set("series", f.series)
                  .set("what", f.what)
                  .set("runs", f.runs)
                  .set("seconds", f.seconds)
                  .set("operations", f.operations)
                  .set("bytes", f.bytes)
                  .set("bound", f.bound.name)
                  .set("share_of_bound", f.bound.share(f.seconds)));
  return base::Json::object()
      .set("cpu", machine::cpu_brand())
      .set("threads", roofs.peaks.threads)
      .set("fma_gflops", roofs.peaks.fma_gflops)
      .set("fma_gflops_all_threads", roofs.peaks.fma_gflops_all_threads)
      .set("levels", std::move(levels))
      .set("figures", std::move(list));
}

report::Roofline picture_of(const machine::Roofs& roofs, const std::vector<Figure>& figures, int threads,
                            bool is_program) {
  report::Roofline picture{
      .title = "Roofline",
      .subtitle = fmt::format("{}, {}, {} thread{}{}", machine::cpu_brand(), machine::chosen_cpu_target().name, threads,
                              threads == 1 ? "" : "s", is_program ? "; areas: share of the time" : ""),
      .arithmetic = {},
      .memory = {},
      .series = {},
      .points = {}};
  const bool is_parallel = threads > 1;
  picture.arithmetic.push_back(
      {fmt::format("f32 multiply-add, {} thread{}", threads, is_parallel ? "s" : ""), roofs.flops(threads)});
  if (is_parallel) picture.arithmetic.push_back({"one thread", roofs.flops(1), true});
  for (const machine::MemoryLevel& l : roofs.levels) {
    const double gbytes = is_parallel ? l.gbytes_per_s_all_threads : l.gbytes_per_s;
    if (gbytes > 0) picture.memory.push_back({l.name, gbytes * 1e9});
    if (is_parallel && l.name == "DRAM" && gbytes > 0) picture.memory.push_back({l.name, l.gbytes_per_s * 1e9, true});
  }
  for (const Figure& f : figures) {
    auto series = std::ranges::find(picture.series, f.series);
    if (series == picture.series.end()) series = picture.series.insert(series, f.series);
    picture.points.push_back({f.label, f.intensity(), f.seconds > 0 ? f.operations / f.seconds : 0,
                              static_cast<std::size_t>(series - picture.series.begin()), is_program ? f.share : 0,
                              fmt::format("{}, {:.4g} ms, {:.0f} % of {}", f.what, f.seconds * 1e3,
                                          100 * f.bound.share(f.seconds), f.bound.name)});
  }
  return picture;
}

void write_pictures(const report::Roofline& picture, const Options& options) {
  if (options.svg.empty() && options.png.empty()) return;
  report::Canvas canvas = report::draw_roofline(picture);
  if (!options.png.empty())
    base::write_file(options.png, report::encode_png(report::raster(
                                      canvas, 2, options.dark ? report::Lighting::Dark : report::Lighting::Light)));
  if (!options.svg.empty()) base::write_file(options.svg, canvas.finish().markup);
}

int run(const Options& options) {
  const NamedFile outputs[] = {{"--svg", options.svg}, {"--png", options.png}};
  std::vector<NamedFile> inputs = files_of("--inputs", options.arguments.inputs);
  inputs.insert(inputs.end(), {{"the program", options.file}, {"--bench", options.bench}});
  refuse_overwriting(outputs, inputs);
  base::ThreadPool& pool = base::ThreadPool::shared();
  const int threads = options.threads > 0 ? options.threads : pool.thread_count();
  pool.set_thread_count(threads);
  std::vector<Figure> figures;
  if (!options.bench.empty()) figures = figures_of_rows(options, threads);
  bench::warn_if_busy();
  if (!options.file.empty()) figures = figures_of_program(options);
  const machine::Roofs roofs = machine::measure_roofs(machine::chosen_cpu_target(), base::cache_folder());
  find_bounds(figures, roofs, threads);
  write_pictures(picture_of(roofs, figures, threads, options.bench.empty()), options);
  if (options.json)
    print_out(json_of(roofs, figures).dump_pretty() + "\n");
  else
    print_out(roofs_text(roofs) + (figures.empty() ? "" : "\n" + figures_text(figures, options)));
  return 0;
}

}  // namespace

Run declare_roofline(CommandLine& line) {
  auto o = std::make_shared<Options>();
  line.add_option("PROGRAM", o->file, "a program's text (.sir), which is run; - for standard input");
  line.add_option("--bench", o->bench, "rows that `strata bench` wrote, ours and the peers', in place of a program");
  line.add_option("--threads", o->threads, "of the run and the roofs, or of the rows; else those of the pool")
      .between(1, 256);
  line.add_option("--rounds", o->rounds, "timed runs of a program; medians count").show_default().between(1, 1000);
  add_arguments(line, o->arguments);
  line.add_option("--svg", o->svg, "write the picture to this file; browsers show it light or dark");
  line.add_option("--png", o->png, "write the picture to this file");
  line.add_flag("--dark", o->dark, "the PNG light on dark");
  line.add_flag("--json", o->json, "roofs and figures as JSON");
  line.excludes_others("--bench", {"--threads", "--svg", "--png", "--dark", "--json"});
  line.footer(
      "Without a program and --bench: the roofs alone. `bound` is what limits a kernel: arithmetic, or the smallest "
      "level of "
      "memory that holds what it moves at least (operands and results once); `of roof` is how much of that it reaches, "
      "and "
      "can be above 100 % where an operand is still in a faster level.\n"
      "  strata roofline mlp.sir --dim B=64 --svg mlp.svg\n"
      "  strata roofline --bench bench/out/latest.json --png roofline.png\n");
  return [o] { return run(*o); };
}

}  // namespace strata::cli
