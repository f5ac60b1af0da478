// What is trained: a model with its optimiser, data and measures, behind one interface that the trainer drives.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "strata/base/config/config.h"
#include "strata/ir/host_array.h"

namespace strata::report {
class Page;
}

namespace strata::train {

/// Everything that a resume needs: tensors by name, and small facts (steps, positions) as text.
struct Snapshot {
  std::map<std::string, ir::HostArray> tensors;
  std::map<std::string, std::string> facts;
};

struct StepResult {
  double loss = 0;
  double learning_rate = 0;
  double units = 0;        ///< images or tokens that the step learnt from
  bool is_finite = true;   ///< false: nothing was committed
  std::string culprit;     ///< then: the first op that made a NaN or infinity, with its position
};

/// A named figure; `is_loss`: plotted beside the training loss.
struct Measure {
  std::string name;
  double value = 0;
  bool is_loss = false;
};

class RunFolder;

class Task {
 public:
  virtual ~Task() = default;
  virtual std::string title() const = 0;       ///< "lenet on Fashion-MNIST"
  virtual std::string unit() const = 0;        ///< "images", "tokens"
  virtual int64_t parameters() const = 0;
  virtual int64_t steps() const = 0;           ///< of the whole training
  virtual int64_t steps_per_epoch() const { return 0; }  ///< 0: no epochs
  virtual double flops_per_step() const = 0;   ///< of dots and convolutions, forward and backward

  virtual StepResult step() = 0;
  /// On held-out data. Deterministic.
  virtual std::vector<Measure> evaluate() = 0;
  virtual void save(Snapshot& snapshot) const = 0;
  virtual void restore(const Snapshot& snapshot) = 0;
  /// Adds what there is to see (pictures, samples) to the report and to the run folder.
  virtual void show(report::Page& page, const RunFolder& folder) = 0;
};

/// The task that the configuration describes (`model.kind`).
std::unique_ptr<Task> make_task(const base::Config& config);

}  // namespace strata::train
