#include "strata/train/run/run_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/config/config.h"
#include "strata/base/json/json.h"
#include "strata/base/terminal/format.h"
#include "strata/report/html/page.h"
#include "strata/report/svg/plot.h"
#include "strata/report/svg/series.h"

namespace strata::train {
namespace {

report::Svg loss_plot(const std::string& title, const History& history) {
  std::vector<double> steps, losses, eval_steps, eval_losses;
  for (const TrainPoint& p : history.train()) steps.push_back(p.step), losses.push_back(p.loss);
  for (const EvalPoint& p : history.evaluations())
    for (const Measure& m : p.measures)
      if (m.is_loss) eval_steps.push_back(p.step), eval_losses.push_back(m.value);
  report::PlotOptions options;
  options.title = title;
  options.x.label = "step";
  options.y.label = "loss";
  options.width = 980;
  options.height = 360;
  return report::plot(report::loss_series(steps, losses, eval_steps, eval_losses), options);
}

/// "val_loss" -> "val loss".
std::string words(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

/// One plot for each measure that is no loss.
void add_measure_plots(report::Page& page, const History& history) {
  if (history.evaluations().empty()) return;
  for (const Measure& first : history.evaluations().back().measures) {
    if (first.is_loss) continue;
    report::Series series{words(first.name), {}, {}, report::Mark::LineAndPoints};
    for (const EvalPoint& p : history.evaluations())
      for (const Measure& m : p.measures)
        if (m.name == first.name) series.x.push_back(p.step), series.y.push_back(m.value);
    report::PlotOptions options;
    options.title = words(first.name);
    options.x.label = "step";
    page.svg(report::plot({series}, options));
  }
}

void add_learning_rate_plot(report::Page& page, const History& history) {
  report::Series rates{"learning rate", {}, {}, report::Mark::Line};
  for (const TrainPoint& p : history.train()) rates.x.push_back(p.step), rates.y.push_back(p.learning_rate);
  report::PlotOptions options;
  options.title = rates.name;
  options.x.label = "step";
  page.svg(report::plot({rates}, options));
}

void write_summary(const RunFolder& folder, const Task& task, const TrainingResult& result) {
  base::Json summary = base::Json::object();
  summary.set("title", task.title())
      .set("parameters", task.parameters())
      .set("steps", result.steps)
      .set("seconds", result.seconds);
  summary.set(task.unit() + "_per_second", result.units_per_second).set("train_loss", result.last_loss);
  for (const Measure& m : result.measures) summary.set(m.name, m.value);
  base::write_file(folder.file("summary.json"), std::string_view(summary.dump_pretty() + "\n"));
}

}  // namespace

void write_report(const base::Config& config, const RunFolder& folder, Task& task, const History& history,
                  const TrainingResult& result) {
  const report::Svg loss = loss_plot("loss", history);
  base::write_file(folder.file("loss.svg"), std::string_view(loss.markup));
  report::Page page(task.title(), config.string_at("run.name"));
  page.card("parameters", base::count_text(task.parameters()));
  page.card("steps", std::to_string(result.steps), base::duration_text(result.seconds));
  page.card(task.unit() + " a second", base::count_text(result.units_per_second));
  for (const Measure& m : result.measures) page.card(words(m.name), fmt::format("{:.4f}", m.value));
  page.section("Training").svg(loss, report::Width::Full);
  add_measure_plots(page, history);
  add_learning_rate_plot(page, history);
  task.show(page, folder);
  page.section("Configuration").details("config.toml, resolved", config.to_toml());
  page.write(folder.file("report.html"));
  write_summary(folder, task, result);
}

}  // namespace strata::train
