// `make demo`: LeNet-5 on Fashion-MNIST, then a GPT on Debian's texts, each measured on held-out data, with a report
// each.
//
//   <out>/lenet/  <out>/gpt/     run folders
//   <out>/summary.json           {"lenet": {"test_accuracy": ..}, "gpt": {"val_loss": .., "bits_per_byte": ..},
//                                 "xz": {"bits_per_byte": ..}, "seconds": {"lenet": .., "corpus": .., "gpt": ..}}
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace strata::train {

struct DemoOptions {
  std::string configs = "configs";  ///< folder of lenet.toml and gpt.toml
  std::string out = "runs/demo";
  /// "lenet.train.epochs=1": for one of the two models.
  std::vector<std::string> overrides;
  bool replaces = false;                                    ///< runs that are in the folders; else they are an error
  std::function<bool()> is_to_stop = [] { return false; };  ///< asked after each step and between the parts: E0711
};

struct DemoResult {
  double lenet_test_accuracy = 0;
  double gpt_val_loss = 0, gpt_bits_per_byte = 0;
  std::optional<double> xz_bits_per_byte;  ///< of the corpus's held-out text; no other text is a file of its own
  double lenet_seconds = 0, text_seconds = 0, gpt_seconds = 0, total_seconds = 0;
  std::string sample;        ///< a few lines by the GPT
  std::string summary_path;  ///< of summary.json
};

/// Runs everything anew. Mistakes in the configurations, and runs in the way (E0701), are found before the first
/// training. Throws what the trainings throw, and E0651 when xz isn't installed.
DemoResult run_demo(const DemoOptions& options);

/// The closing table.
std::string demo_table(const DemoResult& result);

}  // namespace strata::train
