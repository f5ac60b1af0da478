// strata tune: searches for faster schedules of a program's kernels, and shows what a file of them holds.
#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/jsonl_file.h"
#include "strata/base/terminal/counted.h"
#include "strata/base/terminal/progress.h"
#include "strata/base/terminal/table.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/cli/output_files.h"
#include "strata/cli/program/program_arguments.h"
#include "strata/cli/read_program.h"
#include "strata/cli/stop_signal.h"
#include "strata/cli/target_option.h"
#include "strata/compiler/tune/tune.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/machine/cpu_target.h"
#include "strata/machine/machine_word.h"
#include "strata/ops/list.h"
#include "strata/report/svg/plot.h"

namespace strata::cli {
namespace {

using base::Align;
using compiler::tune::TunedKernel;

struct Options {
  std::string file, output, isa, plot, log, show;
  std::vector<std::string> dims;
  int64_t seconds = 60, trials = 0;
  int kernel = -1, threads = 1;
  uint64_t seed = 0;
  bool json = false;
};

std::string time_text(double seconds) {
  if (seconds <= 0) return "-";
  if (seconds < 1e-3) return fmt::format("{:.3g} us", 1e6 * seconds);
  return seconds < 1 ? fmt::format("{:.3g} ms", 1e3 * seconds) : fmt::format("{:.3g} s", seconds);
}

std::string on_one_line(const std::string& rewrites) {
  std::string line;
  for (const char c : rewrites) line += c == '\n' ? std::string("; ") : std::string(1, c);
  return line;
}

double program_seconds(const TunedKernel& kernel, double seconds) {
  return static_cast<double>(kernel.launches) * seconds;
}

/// The most expensive first; those that had nothing to tune behind.
std::vector<const TunedKernel*> by_time(const compiler::tune::TuneResult& result) {
  std::vector<const TunedKernel*> kernels;
  for (const TunedKernel& kernel : result.kernels) kernels.push_back(&kernel);
  std::ranges::stable_sort(kernels, std::greater<>(),
                           [](const TunedKernel* k) { return program_seconds(*k, k->heuristic_seconds); });
  return kernels;
}

std::string table_of(const compiler::tune::TuneResult& result) {
  base::Table table({{"kernel"},
                     {"launches", Align::Right},
                     {"share", Align::Right},
                     {"heuristic", Align::Right},
                     {"tuned", Align::Right},
                     {"faster", Align::Right},
                     {"bound", Align::Right},
                     {"trials", Align::Right},
                     {"node"}});
  double before = 0, after = 0;
  for (const TunedKernel& k : result.kernels) {
    before += program_seconds(k, k.heuristic_seconds);
    after += program_seconds(k, k.best_seconds);
  }
  for (const TunedKernel* k : by_time(result)) {
    if (!k->untuned.empty()) {
      table.add({k->name, fmt::format("{}", k->launches), "", "", "", "", "", "", k->untuned});
      continue;
    }
    table.add({k->name, fmt::format("{}", k->launches),
               fmt::format("{:.1f} %", 100 * program_seconds(*k, k->heuristic_seconds) / std::max(before, 1e-12)),
               time_text(k->heuristic_seconds), time_text(k->best_seconds),
               k->best == k->heuristic ? "-" : fmt::format("{:.2f}x", k->heuristic_seconds / k->best_seconds),
               time_text(k->bound_seconds), fmt::format("{}", k->trials), k->node});
  }
  return table.text() + fmt::format("\nkernels of one run: {} before, {} after; {} trials in {:.0f} s\n",
                                    time_text(before), time_text(after), result.trials, result.seconds);
}

/// Trials that gave no time, one line for each kind and kernel.
std::string failures_of(const compiler::tune::TuneResult& result) {
  std::string text;
  for (const TunedKernel& k : result.kernels)
    for (size_t i = 1; i < k.outcomes.size(); ++i)
      if (k.outcomes[i] > 0)
        text += fmt::format("{}: {} {}, such as {}\n", k.name, k.outcomes[i],
                            compiler::tune::outcome_name(static_cast<compiler::tune::Outcome>(i)),
                            on_one_line(k.reasons[i]));
  return text;
}

base::Json json_of(const compiler::tune::TuneResult& result) {
  base::Json kernels = base::Json::array();
  for (const TunedKernel& k : result.kernels) {
    base::Json one = base::Json::object()
                         .set("name", k.name)
                         .set("node", k.node)
                         .set("nest", k.nest.hex())
                         .set("launches", k.launches)
                         .set("untuned", k.untuned)
                         .set("heuristic_us", 1e6 * k.heuristic_seconds)
                         .set("tuned_us", 1e6 * k.best_seconds)
                         .set("bound_us", 1e6 * k.bound_seconds)
                         .set("trials", k.trials)
                         .set("heuristic", on_one_line(k.heuristic))
                         .set("tuned", on_one_line(k.best));
    for (size_t i = 1; i < k.outcomes.size(); ++i)
      one.set(std::string(compiler::tune::outcome_name(static_cast<compiler::tune::Outcome>(i))), k.outcomes[i]);
    kernels.push(std::move(one));
  }
  return base::Json::object()
      .set("target", result.target)
      .set("threads", result.threads)
      .set("trials", result.trials)
      .set("seconds", result.seconds)
      .set("kernels", std::move(kernels));
}

/// How the best of the most expensive kernels came down with the trials.
void draw(const compiler::tune::TuneResult& result, const std::string& path) {
  constexpr size_t kMostLines = 8;
  std::vector<report::Series> series;
  for (const TunedKernel* k : by_time(result)) {
    if (k->progress.empty() || series.size() == kMostLines) continue;
    report::Series line{.name = k->name, .x = {0}, .y = {1}};
    for (size_t i = 0; i < k->progress.size(); ++i) {
      line.x.push_back(static_cast<double>(i + 1));
      line.y.push_back(k->progress[i]);
    }
    series.push_back(std::move(line));
  }
  const report::Svg picture = report::plot(series, {.title = "Tuning",
                                                    .subtitle = "time of the best schedule, by that of the heuristic's",
                                                    .x = {.label = "trial of the kernel"},
                                                    .y = {.label = "time, relative"}});
  base::write_file(path, picture.markup);
}

int show(const std::string& path) {
  const auto database = compiler::ScheduleDatabase::read(path);
  base::Table table({{"nest"},
                     {"target"},
                     {"machine"},
                     {"heuristic", Align::Right},
                     {"tuned", Align::Right},
                     {"faster", Align::Right},
                     {"threads", Align::Right},
                     {"trials", Align::Right},
                     {"schedule"}});
  for (const auto& [key, entry] : database.entries()) {
    std::string rewrites = entry.rewrites;
    while (rewrites.ends_with('\n')) rewrites.pop_back();
    std::vector<std::string> row{entry.nest.hex().substr(0, 8), entry.target,
                                 entry.machine.empty()                      ? "any"
                                 : entry.machine == machine::machine_word() ? "this one"
                                                                            : entry.machine};
    if (const auto& m = entry.measured)
      row.insert(row.end(), {time_text(m->heuristic_seconds), time_text(m->seconds),
                             fmt::format("{:.2f}x", m->heuristic_seconds / std::max(m->seconds, 1e-12)),
                             fmt::format("{}", m->threads), fmt::format("{}", m->trials)});
    else
      row.insert(row.end(), 5, "");
    row.push_back(on_one_line(rewrites));
    table.add(std::move(row));
  }
  print_out(table.text() +
            fmt::format("\n{} in {}\n", base::counted(static_cast<int64_t>(database.size()), "schedule"), path));
  return 0;
}

compiler::tune::TuneOptions tune_options(const Options& options) {
  compiler::tune::TuneOptions how{.target = &runnable_target_given(options.isa),
                                  .seconds = static_cast<double>(options.seconds),
                                  .trials = options.trials,
                                  .threads = options.threads,
                                  .seed = options.seed};
  if (options.kernel >= 0) how.kernel = options.kernel;
  how.dims = dims_listed(options.dims);
  return how;
}

/// Where the schedules go. That it can be written is found out before an hour of tuning, not after it.
std::string output_of(const Options& options) {
  const std::string path = options.output.empty() ? compiler::tuned_schedules_path() : options.output;
  if (path.empty())
    throw base::Error(base::code::kUnwritableFile, "tune: there is no cache folder to keep schedules in")
        .hint("name a file: -o tuned.schedules");
  if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty()) base::make_folders(folder);
  const base::AtomicFile probe(path);  // without commit() nothing of it stays
  return path;
}

/// What a tuning found until now, on the disk: a process that is killed loses nothing.
class Keeper {
 public:
  Keeper(const Options& options, std::string output) : output_(std::move(output)) {
    if (base::is_file(output_)) known_ = compiler::ScheduleDatabase::read(output_);
    if (!options.log.empty()) log_.emplace(options.log);
  }

  const compiler::ScheduleDatabase& known() const { return known_; }

  /// A line of the log; a trial that gave no time has none in it.
  void log(const compiler::tune::MeasuredSchedule& trial) {
    if (!log_) return;
    base::Json line =
        base::Json::object().set("kernel", trial.kernel.name).set("rewrites", on_one_line(trial.rewrites));
    if (std::isfinite(trial.relative)) line.set("relative", trial.relative);
    log_->append(line);
  }

  void keep(const compiler::ScheduleDatabase& better) {
    better.merge_into(output_);
    kept_.merge(better);
  }

  /// What the last measurement confirms takes the place of what was kept on the way; else what stood there before.
  void finish(const compiler::ScheduleDatabase& faster) const {
    compiler::ScheduleDatabase final = faster;
    std::vector<compiler::ScheduleDatabase::Key> withdrawn;
    for (const auto& [key, entry] : kept_.entries()) {
      if (faster.entries().contains(key)) continue;
      if (const auto before = known_.entries().find(key); before != known_.entries().end())
        final.set(before->second);
      else
        withdrawn.push_back(key);
    }
    if (final.size() > 0 || !withdrawn.empty()) final.merge_into(output_, withdrawn);
  }

 private:
  std::string output_;
  compiler::ScheduleDatabase known_, kept_;
  std::optional<base::JsonlFile> log_;
};

int tune_file(const Options& options) {
  if (!options.show.empty()) return show(options.show);
  const auto graph = reading_program(
      options.file, [&] { return ir::parse_graph(program_text(options.file), ops::op_table()).value(); });
  compiler::tune::TuneOptions how = tune_options(options);
  const std::string output = output_of(options);
  const NamedFile outputs[] = {{"-o", output}, {"--plot", options.plot}, {"--log", options.log}};
  refuse_overwriting(outputs, std::vector<NamedFile>{{"the program", options.file}});
  Keeper keeper(options, output);
  how.known = &keeper.known();
  how.on_measured = [&](const compiler::tune::MeasuredSchedule& trial) { keeper.log(trial); };
  how.on_better = [&](const compiler::ScheduleDatabase& better) { keeper.keep(better); };
  const StopSignal stop;
  base::ProgressBar bar({.label = "tune", .total = options.seconds, .unit = "s"});
  int64_t shown = 0;
  how.should_stop = [&] { return stop.has_come(); };
  how.on_trial = [&](const compiler::tune::TuneProgress& now) {
    bar.show("trials", fmt::format("{}", now.trials));
    bar.show("kernels", fmt::format("{} -> {}", time_text(now.heuristic_seconds), time_text(now.program_seconds)));
    const auto seconds = std::min(static_cast<int64_t>(now.seconds), options.seconds);
    bar.advance(seconds - shown);
    shown = seconds;
  };
  const compiler::tune::TuneResult result = compiler::tune::tune(*graph, how);
  bar.finish();
  const compiler::ScheduleDatabase faster = result.faster();
  keeper.finish(faster);
  if (!options.plot.empty()) draw(result, options.plot);
  print_out(options.json ? json_of(result).dump_pretty() + "\n" : table_of(result));
  fmt::print(
      stderr, "{}{}{}\n", failures_of(result),
      result.was_stopped ? "stopped: what was found so far is kept, without a last measurement\n" : "",
      faster.size() > 0
          ? fmt::format("{} in {}", base::counted(static_cast<int64_t>(faster.size()), "faster schedule"), output)
          : fmt::format("no faster schedule was found; {} stays as it was", output));
  return 0;
}

}  // namespace

Run declare_tune(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add_option("file", options->file, "a tensor program (.sir)");
  line.add_whole_number("--seconds", options->seconds, 1, 1'000'000, "how long to search, in all");
  line.add_whole_number("--trials", options->trials, 0, INT_MAX, "the most schedules to try; 0: as the time allows");
  line.add_option("--kernel", options->kernel, "only this one, as strata explain counts them").between(0, INT_MAX);
  line.add_option("--dim", options->dims, "the extent of a symbol, such as B=64, for which kernels are measured");
  line.add_option(
      "-o,--output", options->output,
      "the file of schedules that gets what is found, beside what stands there; else tuned.schedules in the "
      "cache folder, which programs look at by themselves");
  line.add_option("--threads", options->threads,
                  "measured with so many; one is by processor time, which other work disturbs less")
      .between(1, 256);
  line.add_option("--isa", options->isa, "the instruction set, of those that this machine has");
  line.add_seed("--seed", options->seed, "of the search");
  line.add_option("--plot", options->plot, "draw how the kernels came down into this SVG file");
  line.add_option("--log", options->log, "append each trial to this file, a line of JSON each");
  line.add_flag("--json", options->json, "the table as JSON");
  line.add_option("--show", options->show, "print what this file of schedules holds, and tune nothing");
  line.excludes_others("--show");
  line.footer(
      "A schedule says how a kernel's loops are tiled, packed, made vectors and cut into tasks; results have the same\n"
      "bits under each. The compiler chooses one by rules; this command tries others, in child processes with a time\n"
      "limit, and keeps those that are faster on this machine. Ctrl-C ends it and keeps what was found; so does a "
      "process\n"
      "that is killed, but for the last measurement.\n\n"
      "  strata tune model.sir --dim batch=16 --seconds 300    programs use what is found from then on\n"
      "  strata tune model.sir -o tuned.schedules               with STRATA_SCHEDULES=tuned.schedules\n"
      "  strata tune --show tuned.schedules                     what stands there\n"
      "  strata explain model.sir                               which schedule each kernel has, and from where");
  return [options] {
    if (options->file.empty() && options->show.empty())
      throw base::Error(base::code::kCommandLine, "tune: no program is named")
          .hint("strata tune PROGRAM.sir, or strata tune --show FILE");
    return tune_file(*options);
  };
}

}  // namespace strata::cli
