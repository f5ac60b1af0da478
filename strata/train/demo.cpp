#include "strata/train/demo.h"

#include <fmt/format.h>

#include <chrono>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/config/config.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/base/terminal/format.h"
#include "strata/base/terminal/screen.h"
#include "strata/base/terminal/table.h"
#include "strata/data/corpus/run_program.h"
#include "strata/train/language/language_task.h"
#include "strata/train/language/text_source.h"
#include "strata/train/open_task.h"
#include "strata/train/trainer.h"

namespace strata::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double measure(const TrainingResult& result, const std::string& name) {
  for (const Measure& m : result.measures)
    if (m.name == name) return m.value;
  throw base::Error("E0900", "the demo's training measured no " + name);
}

void check_overrides(const std::vector<std::string>& all) {
  for (const std::string& o : all)
    if (!o.starts_with("lenet.") && !o.starts_with("gpt."))
      throw base::Error("E0006", fmt::format("--set {}: it names neither model", o))
          .hint(fmt::format("lenet.{0} or gpt.{0}", o));
}

/// Those of the overrides that are for `model`, without its name.
std::vector<std::string> overrides_for(const std::string& model, const std::vector<std::string>& all) {
  std::vector<std::string> own;
  for (const std::string& o : all)
    if (o.starts_with(model + ".")) own.push_back(o.substr(model.size() + 1));
  return own;
}

/// What the best of general compressors makes of the same bytes, without the training text.
double xz_bits_per_byte(const std::string& path) {
  const data::ProgramRun run = data::run_program({"xz", "-9", "--stdout", path});
  if (run.exit_code != 0) throw base::Error("E0651", "xz: " + run.err).hint("install the package xz-utils");
  return 8.0 * static_cast<double>(run.out.size()) / static_cast<double>(base::file_bytes(path).value());
}

void announce(const std::string& line) {
  base::write_human_line("");
  base::write_human_line(base::styled(base::Screen::standard_error(), base::Style::Bold, line));
}

std::unique_ptr<base::Config> config_of(const std::string& model, const DemoOptions& options) {
  const std::string path = options.configs + "/" + model + ".toml";
  if (!base::is_file(path))
    throw base::Error("E0001", "no such file " + path)
        .hint("run the demo in the root of the repository, or name --configs");
  return open_config(path, overrides_for(model, options.overrides));
}

/// Nothing is begun after a wish to stop.
TrainingResult train_in(const base::Config& config, const std::string& path, const DemoOptions& options) {
  if (options.is_to_stop())
    throw base::Error("E0711", "the demo was stopped before the training in " + path)
        .hint("strata demo --replace begins anew; the corpus that was built is kept");
  return train(config, RunFolder(path, Start::Replace), Start::Replace, options.is_to_stop);
}

/// What can be wrong is told before minutes of training.
void check(const DemoOptions& options) {
  check_overrides(options.overrides);
  for (const char* model : {"lenet", "gpt"}) {
    config_of(model, options);
    if (!options.replaces) require_no_run(options.out + "/" + model);
  }
}

void demo_lenet(const DemoOptions& options, DemoResult& result) {
  announce("1  LeNet-5 learns Fashion-MNIST");
  const auto start = Clock::now();
  const TrainingResult trained = train_in(*config_of("lenet", options), options.out + "/lenet", options);
  result.lenet_test_accuracy = measure(trained, "test_accuracy");
  result.lenet_seconds = seconds_since(start);
  base::write_human_line(fmt::format("test accuracy {:.4f} after {} in all", result.lenet_test_accuracy,
                                     base::duration_text(result.lenet_seconds)));
}

void demo_gpt(const DemoOptions& options, DemoResult& result) {
  announce("2  a corpus from Debian's packages, a tokenizer, and a GPT that learns the text");
  const auto config = config_of("gpt", options);
  const auto start = Clock::now();
  const TextSource source = open_text_source(*config);
  result.text_seconds = seconds_since(start);
  const auto training = Clock::now();
  const TrainingResult trained = train_in(*config, options.out + "/gpt", options);
  result.gpt_val_loss = measure(trained, "val_loss");
  result.gpt_bits_per_byte = measure(trained, "bits_per_byte");
  if (!source.held_out_path.empty()) result.xz_bits_per_byte = xz_bits_per_byte(source.held_out_path);
  const TrainedGpt gpt = load_trained_gpt(options.out + "/gpt");
  result.sample = generate_text(gpt.model, gpt.tokenizer, "This package provides",
                                {.sampling = {.temperature = 0.7, .top_k = 40}, .tokens = 100});
  result.gpt_seconds = seconds_since(training);
}

void write_summary(const DemoOptions& options, DemoResult& result) {
  using base::Json;
  Json seconds = Json::object().set("lenet", result.lenet_seconds).set("text", result.text_seconds);
  seconds.set("gpt", result.gpt_seconds).set("total", result.total_seconds);
  Json summary = Json::object().set("lenet", Json::object().set("test_accuracy", result.lenet_test_accuracy));
  summary.set("gpt",
              Json::object().set("val_loss", result.gpt_val_loss).set("bits_per_byte", result.gpt_bits_per_byte));
  if (result.xz_bits_per_byte) summary.set("xz", Json::object().set("bits_per_byte", *result.xz_bits_per_byte));
  summary.set("seconds", std::move(seconds));
  result.summary_path = options.out + "/summary.json";
  base::write_file(result.summary_path, std::string_view(summary.dump_pretty() + "\n"));
}

}  // namespace

DemoResult run_demo(const DemoOptions& options) {
  const auto start = Clock::now();
  DemoResult result;
  check(options);
  demo_lenet(options, result);
  demo_gpt(options, result);
  result.total_seconds = seconds_since(start);
  write_summary(options, result);
  return result;
}

std::string demo_table(const DemoResult& r) {
  base::Table table({{"model"}, {"measure"}, {"value", base::Align::Right}, {"time", base::Align::Right}});
  table.add(
      {"LeNet-5", "test accuracy", fmt::format("{:.4f}", r.lenet_test_accuracy), base::duration_text(r.lenet_seconds)});
  table.add({"text", "corpus, tokenizer, tokens", "", base::duration_text(r.text_seconds)});
  table.add({"GPT", "validation loss", fmt::format("{:.4f}", r.gpt_val_loss), base::duration_text(r.gpt_seconds)});
  table.add({"GPT", "bits per byte, held-out text", fmt::format("{:.3f}", r.gpt_bits_per_byte)});
  if (r.xz_bits_per_byte)
    table.add({"xz -9", "bits per byte, the same text", fmt::format("{:.3f}", *r.xz_bits_per_byte)});
  table.add({"all", "", "", base::duration_text(r.total_seconds)});
  return table.text();
}

}  // namespace strata::train
