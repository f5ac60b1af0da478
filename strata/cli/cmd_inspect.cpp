// strata inspect CONFIG|RUN: parameters, arithmetic and bytes of a model's training step, by layer.
#include <fmt/format.h>

#include <map>
#include <memory>

#include "strata/base/json/json.h"
#include "strata/base/terminal/format.h"
#include "strata/base/terminal/table.h"
#include "strata/cli/command.h"
#include "strata/cli/config_argument.h"
#include "strata/train/layer_costs.h"
#include "strata/train/open_task.h"

namespace strata::cli {
namespace {

struct Options {
  ConfigArgument config;
  bool json = false;
};

/// "blocks.0.fc.weight" -> "blocks.0.fc".
std::string layer_of(const std::string& path) {
  const size_t dot = path.rfind('.');
  return dot == std::string::npos ? path : path.substr(0, dot);
}

struct Row {
  int64_t parameters = 0, parameter_bytes = 0;
  double flops = 0, bytes = 0;
};

std::vector<std::pair<std::string, Row>> rows_of(train::Task& task) {
  std::vector<std::pair<std::string, Row>> rows;
  std::map<std::string, size_t> places;
  auto at = [&](const std::string& layer) -> Row& {
    const auto [it, is_new] = places.emplace(layer, rows.size());
    if (is_new) rows.push_back({layer, {}});
    return rows[it->second].second;
  };
  for (const train::NamedTensor& t : task.weights()) {
    Row& row = at(layer_of(t.name));
    row.parameters += t.array.elements();
    row.parameter_bytes += t.array.bytes();
  }
  for (const train::LayerCost& cost : train::layer_costs(*task.program(), task.batch_size())) {
    Row& row = at(cost.path.empty() ? "(outside of layers)" : cost.path);
    row.flops += cost.flops;
    row.bytes += cost.bytes;
  }
  return rows;
}

int run(const Options& options) {
  const train::OpenedTask opened = train::open_task(options.config.path, options.config.overrides);
  train::Task& task = *opened.task;
  base::Table table({{"layer"},
                     {"parameters", base::Align::Right},
                     {"bytes", base::Align::Right},
                     {"flops/step", base::Align::Right},
                     {"traffic/step", base::Align::Right}});
  base::Json layers = base::Json::array();
  for (const auto& [name, row] : rows_of(task)) {
    table.add({name, std::to_string(row.parameters), base::bytes_text(row.parameter_bytes), base::count_text(row.flops),
               base::bytes_text(row.bytes)});
    layers.push(base::Json::object()
                    .set("layer", name)
                    .set("parameters", row.parameters)
                    .set("parameter_bytes", row.parameter_bytes)
                    .set("flops", row.flops)
                    .set("traffic_bytes", row.bytes));
  }
  if (options.json) {
    print_out(base::Json::object()
                  .set("title", task.title())
                  .set("parameters", task.parameters())
                  .set("batch", task.batch_size())
                  .set("matrix_flops_per_step", task.flops_per_step())
                  .set("layers", std::move(layers))
                  .dump_pretty() +
              "\n");
    return 0;
  }
  print_out(fmt::format("{}: {} parameters, batch {}, {} matrix flops a step (forward, backward and update)\n\n{}",
                        task.title(), task.parameters(), task.batch_size(), base::count_text(task.flops_per_step()),
                        table.text()));
  return 0;
}

}  // namespace

Run declare_inspect(CommandLine& line) {
  auto options = std::make_shared<Options>();
  add_config(line, options->config);
  line.add_flag("--json", options->json, "as JSON");
  return [options] { return run(*options); };
}

}  // namespace strata::cli
