// `make demo`: trains one model after the other, each measured on held-out data, with a report each.
//
//   <configs>/demo.toml     parts = ["first", "second"]: files beside it, first.toml and second.toml
//   <out>/<part>/           run folders
//   <out>/summary.json      {"<part>": {"val_loss": ..}, .., "xz": {"bits_per_byte": ..},
//                            "seconds": {"<part>": .., .., "data": .., "total": ..}}
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "strata/train/trainer.h"

namespace strata::train {

struct DemoOptions {
  std::string configs = "configs";  ///< folder of demo.toml and its parts
  std::string out = "runs/demo";
  /// "<part>.train.epochs=1": for one of the parts.
  std::vector<std::string> overrides;
  bool replaces = false;                                    ///< runs that are in the folders; else they are an error
  std::function<bool()> is_to_stop = [] { return false; };  ///< asked after each step and between the parts: E0711
};

struct DemoPart {
  std::string name, title;
  std::vector<Measure> measures;
  double seconds = 0;       ///< of training and measuring
  double data_seconds = 0;  ///< of building the data, where they weren't there
  std::string sample;       ///< a few lines, of a model that writes
  /// What xz makes of the same held-out text; only a text that is a file of its own is compared.
  std::optional<double> xz_bits_per_byte;
};

struct DemoResult {
  std::vector<DemoPart> parts;
  double total_seconds = 0;
  std::string summary_path;  ///< of summary.json
};

/// The parts of the demo in a folder of configurations. Throws E0001 where there is no demo.toml.
std::vector<std::string> demo_parts(const std::string& configs);

/// Runs everything anew. Mistakes in the configurations, and runs in the way (E0701), are found before the first
/// training. Throws what the trainings throw, and E0651 when xz isn't installed.
DemoResult run_demo(const DemoOptions& options);

/// The closing table.
std::string demo_table(const DemoResult& result);

}  // namespace strata::train
