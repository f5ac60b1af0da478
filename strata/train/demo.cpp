#include "strata/train/demo.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/config/config.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/base/terminal/format.h"
#include "strata/base/terminal/screen.h"
#include "strata/base/terminal/table.h"
#include "strata/data/corpus/run_program.h"
#include "strata/models/list.h"
#include "strata/train/language/generate_text.h"
#include "strata/train/language/text_source.h"
#include "strata/train/open_task.h"

namespace strata::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// "val_loss" -> "val loss".
std::string words(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

void check_overrides(const std::vector<std::string>& parts, const std::vector<std::string>& all) {
  for (const std::string& o : all) {
    if (std::ranges::any_of(parts, [&](const std::string& part) { return o.starts_with(part + "."); })) continue;
    std::vector<std::string> meant;
    for (const std::string& part : parts) meant.push_back(part + "." + o);
    throw base::Error(base::code::kUnknownKey, fmt::format("--set {}: it names no part of the demo", o))
        .hint(fmt::format("{}", fmt::join(meant, " or ")));
  }
}

/// Those of the overrides that are for `part`, without its name.
std::vector<std::string> overrides_for(const std::string& part, const std::vector<std::string>& all) {
  std::vector<std::string> own;
  for (const std::string& o : all)
    if (o.starts_with(part + ".")) own.push_back(o.substr(part.size() + 1));
  return own;
}

/// What the best of general compressors makes of the same bytes, without the training text.
double xz_bits_per_byte(const std::string& path) {
  const data::ProgramRun run = data::run_program({"xz", "-9", "--stdout", path});
  if (run.exit_code != 0)
    throw base::Error(base::code::kCorpusFailed, "xz: " + run.err).hint("install the package xz-utils");
  return 8.0 * static_cast<double>(run.out.size()) / static_cast<double>(base::file_bytes(path).value());
}

std::string required_file(const DemoOptions& options, const std::string& name) {
  std::string path = options.configs + "/" + name + ".toml";
  if (!base::is_file(path))
    throw base::Error(base::code::kUnreadableFile, "no such file " + path)
        .hint("run the demo in the root of the repository, or name --configs");
  return path;
}

std::unique_ptr<base::Config> config_of(const std::string& part, const DemoOptions& options) {
  return open_config(required_file(options, part), overrides_for(part, options.overrides));
}

/// Nothing is begun after a wish to stop.
TrainingResult train_in(const base::Config& config, const std::string& path, const DemoOptions& options) {
  if (options.is_to_stop())
    throw base::Error(base::code::kTrainingStopped, "the demo was stopped before the training in " + path)
        .hint("strata demo --replace begins anew; the data that were built are kept");
  return train(config, RunFolder(path, Start::Replace), Start::Replace, options.is_to_stop);
}

/// What can be wrong is told before minutes of training.
void check(const DemoOptions& options, const std::vector<std::string>& parts) {
  check_overrides(parts, options.overrides);
  for (const std::string& part : parts) {
    config_of(part, options);
    if (!options.replaces) require_no_run(options.out + "/" + part);
  }
}

DemoPart run_part(const DemoOptions& options, const std::string& name, size_t number) {
  DemoPart part{.name = name};
  const auto config = config_of(name, options);
  const std::string folder = options.out + "/" + name;
  const auto opening = Clock::now();
  part.title = make_task(*config)->title();  // builds the data that aren't there
  part.data_seconds = seconds_since(opening);
  base::write_human_line("");
  base::write_human_line(
      base::styled(base::Screen::standard_error(), base::Style::Bold, fmt::format("{}  {}", number, part.title)));
  const auto start = Clock::now();
  part.measures = train_in(*config, folder, options).measures;
  if (models::architecture(config->string_at("model.kind")).returns == models::Output::NextTokens) {
    const TextSource source = open_text_source(*config);
    if (!source.held_out_path.empty()) part.xz_bits_per_byte = xz_bits_per_byte(source.held_out_path);
    part.sample = load_language_model(folder).continued("This package provides",
                                                        {.sampling = {.temperature = 0.7, .top_k = 40}, .tokens = 100});
  }
  part.seconds = seconds_since(start);
  return part;
}

void write_summary(const DemoOptions& options, DemoResult& result) {
  using base::Json;
  Json summary = Json::object(), seconds = Json::object();
  double data_seconds = 0;
  for (const DemoPart& part : result.parts) {
    Json measures = Json::object();
    for (const Measure& m : part.measures) measures.set(m.name, m.value);
    summary.set(part.name, std::move(measures));
    if (part.xz_bits_per_byte) summary.set("xz", Json::object().set("bits_per_byte", *part.xz_bits_per_byte));
    seconds.set(part.name, part.seconds);
    data_seconds += part.data_seconds;
  }
  seconds.set("data", data_seconds).set("total", result.total_seconds);
  summary.set("seconds", std::move(seconds));
  result.summary_path = options.out + "/summary.json";
  base::write_file(result.summary_path, std::string_view(summary.dump_pretty() + "\n"));
}

}  // namespace

std::vector<std::string> demo_parts(const std::string& configs) {
  const base::Schema schema({{base::strings_key("parts", {}, "what is trained, one after the other")}});
  const std::string path = required_file({.configs = configs}, "demo");
  const base::Config config = base::load_config(schema, path);
  if (config.strings_at("parts").empty()) config.refuse("parts", "expected names of configurations, found none");
  return config.strings_at("parts");
}

DemoResult run_demo(const DemoOptions& options) {
  const auto start = Clock::now();
  const std::vector<std::string> parts = demo_parts(options.configs);
  DemoResult result;
  check(options, parts);
  for (const std::string& part : parts) result.parts.push_back(run_part(options, part, result.parts.size() + 1));
  result.total_seconds = seconds_since(start);
  write_summary(options, result);
  return result;
}

std::string demo_table(const DemoResult& r) {
  base::Table table({{"model"}, {"measure"}, {"value", base::Align::Right}, {"time", base::Align::Right}});
  for (const DemoPart& part : r.parts) {
    table.add({part.title, "data", "", base::duration_text(part.data_seconds)});
    table.add({"", "training", "", base::duration_text(part.seconds)});
    for (const Measure& m : part.measures) table.add({"", words(m.name), fmt::format("{:.4f}", m.value)});
    if (part.xz_bits_per_byte)
      table.add({"xz -9", "bits per byte, the same text", fmt::format("{:.4f}", *part.xz_bits_per_byte)});
  }
  table.add({"all", "", "", base::duration_text(r.total_seconds)});
  return table.text();
}

}  // namespace strata::train
