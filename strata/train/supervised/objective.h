// What a model's answers are trained towards: the loss of a step, and what is measured of held-out data. One for each
// kind of answer (models::Output).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/models/architecture.h"
#include "strata/train/task.h"

namespace strata::train {

/// A model's answers to a part of the data, added up.
struct Tally {
  double loss = 0;                 ///< sum over all targets
  int64_t targets = 0, right = 0;  ///< those that count, and of these those that were met
  std::vector<int64_t> decisions;  ///< of each target, in their order; empty where the objective decides nothing
  int64_t text_bytes = 0;          ///< of the text that the targets spell; 0: they spell none, or only a part was seen
};

struct Objective {
  /// The mean over the targets that count: what is differentiated.
  Tensor (*loss)(const Tensor& answer, const Tensor& y);
  /// The same as a sum.
  Tensor (*summed_loss)(const Tensor& answer, const Tensor& y);
  /// The target that the answer is for; null where nothing is decided.
  Tensor (*decision)(const Tensor& answer);
  /// `part`: in front of the names, "val".
  std::vector<Measure> (*measures)(const std::string& part, const Tally& tally);
};

const Objective& objective_of(models::Output output);

}  // namespace strata::train
