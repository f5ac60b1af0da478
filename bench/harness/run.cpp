#include "bench/harness/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/harness/contest.h"
#include "bench/workloads/first_call.h"
#include "bench/workloads/gpt_step.h"
#include "bench/workloads/image_step.h"
#include "bench/workloads/large_programs.h"
#include "bench/workloads/memory_workloads.h"
#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/terminal/screen.h"

namespace strata::bench {
namespace {

std::vector<const Suite*> chosen(const std::vector<std::string>& names) {
  std::vector<const Suite*> list;
  std::vector<std::string> all;
  for (const Suite& s : suites()) all.emplace_back(s.name);
  for (const std::string& name : names)
    if (std::find(all.begin(), all.end(), name) == all.end()) {
      base::Error error(base::code::kCommandLine, fmt::format("there is no benchmark suite '{}'", name));
      const auto near = base::nearest_name(name, all);
      throw error.hint(near ? "did you mean '" + *near + "'?" : fmt::format("there are {}", fmt::join(all, ", ")));
    }
  for (const Suite& s : suites())
    if (names.empty() || std::find(names.begin(), names.end(), s.name) != names.end()) list.push_back(&s);
  return list;
}

/// Puts the rows of one suite into the file in place of its earlier ones.
void write_rows(const std::string& path, std::string_view suite, const std::vector<Row>& rows) {
  base::Json list = base::Json::array();
  if (auto old = base::read_json(path); old && old->is_array())
    for (const base::Json& row : old->items())
      if (const base::Json* name = row.find("suite"); name && *name != base::Json(suite)) list.push(row);
  for (const Row& row : rows) list.push(row.json());
  if (const size_t slash = path.rfind('/'); slash != std::string::npos) base::make_folders(path.substr(0, slash));
  base::write_file(path, list.dump_pretty() + "\n");
}

}  // namespace

std::vector<Row> run(const RunOptions& options) {
  std::vector<Row> all;
  const std::vector<const Suite*> list = chosen(options.suites);
  warn_if_busy();
  for (const Suite* suite : list) {
    base::write_human_line(fmt::format("bench: {}: {}", suite->name, suite->summary));
    std::vector<Row> rows;
    const Report report = [&](Row row) {
      row.suite = suite->name;
      rows.push_back(std::move(row));
    };
    try {
      suite->run(options.suite, report);
    } catch (const base::Error& error) {
      // Of all suites, one that lacks its data or loses its peer must not cost the figures of the others.
      if (!options.suites.empty() || error.kind() != base::ErrorKind::Environment) throw;
      base::write_human_line(fmt::format("bench: {} is left out: {}", suite->name, error.message()));
      continue;
    }
    if (!options.out.empty()) write_rows(options.out, suite->name, rows);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

namespace {

template <class Model>
base::Json measure_image_compile(Model model) {
  ImageStep<Model> step(std::move(model), 16, 64);
  return measure_first_call(step);
}

}  // namespace

base::Json measure(const std::string& name) {
  if (name == "gpt_compile") return measure_gpt_compile();
  if (name == "gpt2_compile") return measure_gpt_compile(gpt2_size());
  if (name == "gpt2_24_layers_compile") return measure_gpt_compile(gpt2_size(24));
  if (name == "resnet18_compile") return measure_image_compile(models::ResNet({.depth = 18}));
  if (name == "mobilenet_v2_compile") return measure_image_compile(models::MobileNetV2());
  if (is_memory_measurement(name)) return measure_memory(name);
  if (const auto measured = measure_large_program(name)) return *measured;
  throw base::Error(base::code::kCommandLine, fmt::format("there is no measurement '{}'", name));
}

}  // namespace strata::bench
