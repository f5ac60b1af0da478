// The data of a supervised task: what is learnt from, what is measured on, and what there is to see of them.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/data/loader/loader.h"
#include "strata/models/architecture.h"
#include "strata/train/supervised/objective.h"
#include "strata/train/task.h"

namespace strata::train {

/// Samples that a model is measured on, in their order.
struct MeasuredPart {
  std::string name;  ///< in front of its measures: "val"
  std::shared_ptr<const data::Dataset> samples;
  int64_t batch = 1;                                   ///< samples looked at together
  int64_t most = std::numeric_limits<int64_t>::max();  ///< of them, in whole batches
  int64_t text_bytes = 0;                              ///< Tally::text_bytes
  std::string progress;                                ///< label of a progress bar over the samples; empty: none
};

/// Samples have two fields: what a model gets and what it should answer (i32; data::kIgnoredTarget doesn't count).
class Examples {
 public:
  virtual ~Examples() = default;
  virtual std::string name() const = 0;  ///< "Fashion-MNIST"
  virtual std::string unit() const = 0;  ///< "images", "tokens"
  virtual double units_of(const data::Batch& batch) const = 0;
  virtual models::Extents extents() const = 0;

  virtual std::shared_ptr<const data::Dataset> training() const = 0;
  /// Their order, and what becomes of a last batch that isn't full.
  virtual data::LoaderOptions order() const = 0;
  virtual std::optional<MeasuredPart> validation() const = 0;  ///< nothing when none is held out
  virtual MeasuredPart test() const = 0;

  /// Notes in a checkpoint which data these are.
  virtual void save(Snapshot& snapshot) const = 0;
  /// Throws E0637 or E0709 for a checkpoint of other data.
  virtual void require_same(const Snapshot& snapshot) const = 0;
  /// Task::prepare.
  virtual void prepare(const RunFolder&) const {}
  /// Task::show. `tested`: the model's answers to test().
  virtual void show(report::Page& page, const RunFolder& folder, const models::Model& model,
                    const Tally& tested) const = 0;
};

/// A value of data.kind.
struct DataKind {
  std::string_view name;
  std::string_view help;  ///< a few words for the reference
  models::Input gives;
  models::Output asks;
  /// Its keys, all "data....". They stand where it is chosen, and nowhere else.
  std::vector<base::ConfigKey> (*keys)();
  /// Refuses what the keys can't be together (E0007); reads no data. Null: there is no such rule.
  void (*check)(const base::Config& config) = nullptr;
  /// Reads or builds the data; `config` must outlive them.
  std::unique_ptr<Examples> (*open)(const base::Config& config);
};

}  // namespace strata::train
