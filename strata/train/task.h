// What is trained: a model with its optimiser, data and measures, behind one interface that the trainer drives.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "strata/ir/host_array.h"

namespace strata::base {
class Config;
}
namespace strata::report {
class Page;
}
namespace strata::runtime {
class Executable;
}

namespace strata::train {

/// Everything that a resume needs: tensors by name, and small facts (steps, positions) as text.
struct Snapshot {
  std::map<std::string, ir::HostArray> tensors;
  std::map<std::string, std::string> facts;
  std::string source = "checkpoint";  ///< for messages: the file that it was read from
};

struct StepResult {
  double loss = 0;
  double units = 0;       ///< images or tokens that the step learnt from
  bool is_finite = true;  ///< false: nothing was committed
  std::string culprit;    ///< then: the first op that made a NaN or infinity, with its position
  std::string refused;    ///< loss and gradients were finite, but not this: "norm.running_var[3] would become inf"
};

/// A named figure; `is_loss`: plotted beside the training loss.
struct Measure {
  std::string name;
  double value = 0;
  bool is_loss = false;
};

struct NamedTensor {
  std::string name;
  ir::HostArray array;
};

class RunFolder;

class Task {
 public:
  virtual ~Task() = default;
  virtual std::string title() const = 0;  ///< of model and data: "M on D"
  virtual std::string unit() const = 0;   ///< "images", "tokens"
  virtual int64_t parameters() const = 0;
  virtual int64_t steps_per_epoch() const = 0;

  /// The program of a training step, compiled if it wasn't; nothing changes. For costs, profiles and dumps.
  virtual std::shared_ptr<const runtime::Executable> program() = 0;
  virtual int64_t batch_size() const = 0;  ///< what the program's symbolic dimension is in a full step
  /// Dots and convolutions of one training step, forward and backward.
  virtual double flops_per_step() = 0;

  virtual StepResult step(double learning_rate) = 0;
  /// On the validation data; nothing when none is held out. Deterministic; changes nothing.
  virtual std::vector<Measure> evaluate() = 0;
  /// On the test data, which nothing else looks at: once, when the training is over.
  virtual std::vector<Measure> test() = 0;
  virtual void save(Snapshot& snapshot) const = 0;
  /// Throws E0705 for a snapshot of another architecture, E0703 for one that isn't whole, E0637 for one of other data.
  virtual void restore(const Snapshot& snapshot) = 0;
  /// The parameters alone, by the names of a state dict.
  virtual std::vector<NamedTensor> weights() const = 0;
  /// Batch number `index` of the training, as the model gets it: "x" and "y".
  virtual std::vector<NamedTensor> batch(int64_t index) = 0;
  /// Writes what the run needs beside its checkpoint (a tokenizer) when it begins.
  virtual void prepare(const RunFolder&) const {}
  /// Adds what there is to see (pictures, samples) to the report and to the run folder.
  virtual void show(report::Page& page, const RunFolder& folder) = 0;
};

/// The task that the configuration describes (`model.kind`), which must outlive it.
std::unique_ptr<Task> make_task(const base::Config& config);

}  // namespace strata::train
