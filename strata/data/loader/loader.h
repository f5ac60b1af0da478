// Batches of a dataset, epoch after epoch, made ahead by background workers.
//
// Batch b of epoch e is a pure function of (dataset, options, e, b): workers, depth and timing change nothing, and a
// loader that is restored to a position goes on with the very batches that would have come.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "strata/base/config/bounds.h"
#include "strata/base/error/error.h"
#include "strata/data/loader/dataset.h"
#include "strata/ir/host_array.h"

namespace strata::base {
class Json;
}

namespace strata::data {

enum class Order { Shuffled, Sequential };
enum class LastBatch { Keep, Drop };  ///< what becomes of a last batch that isn't full

inline constexpr base::Bounds kBatchSize = base::Bounds::between(1, 2147483647);
inline constexpr base::Bounds kEpochs = base::Bounds::between(0, 2147483647);
inline constexpr base::Bounds kWorkers = base::Bounds::between(0, 64);
inline constexpr base::Bounds kDepth = base::Bounds::between(1, 4096);

struct LoaderOptions {
  int64_t batch_size = 64;  ///< samples
  Order order = Order::Shuffled;
  LastBatch last_batch = LastBatch::Keep;
  uint64_t seed = 0;
  int64_t epochs = 1;  ///< 0: no end
  int workers = 1;     ///< threads that make batches; 0: they are made when asked for
  int depth = 4;       ///< batches made ahead
};

struct Batch {
  std::vector<ir::HostArray> arrays;  ///< one a field of the dataset: [samples, ...]
  int64_t epoch = 0, index = 0;       ///< which batch of which epoch, from 0
  int64_t samples = 0;
};

/// A position: the batch that comes next. It also says of which data and options, so that a wrong one is noticed.
struct LoaderState {
  int64_t epoch = 0, batch = 0;
  int64_t samples = 0, batch_size = 0;
  uint64_t seed = 0;
  bool shuffled = true, drop_last = false;

  base::Json json() const;
  /// Errors: E0005.
  static base::Result<LoaderState> from_json(const base::Json& json);
  friend bool operator==(const LoaderState&, const LoaderState&) = default;
};

/// For one consumer thread.
///
///   Loader loader(train_set, {.batch_size = 64, .seed = 1, .epochs = 10});
///   while (std::optional<Batch> batch = loader.next()) step(batch->arrays[0], batch->arrays[1]);
class Loader {
 public:
  /// Throws E0636.
  Loader(std::shared_ptr<const Dataset> dataset, LoaderOptions options);
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  ~Loader();

  /// The next batch, or nullopt after the last epoch. Throws what the dataset threw while making it; the call after
  /// that goes on with the batch behind it.
  std::optional<Batch> next();

  int64_t batches_per_epoch() const { return batches_per_epoch_; }
  const Dataset& dataset() const { return *dataset_; }
  const LoaderOptions& options() const { return options_; }

  /// The position of the batch that next() would return.
  LoaderState state() const;
  /// Goes to a position. Throws E0637 when it was taken with other data, seed or batch size.
  void restore(const LoaderState& state);

  /// Makes one batch here and now, also of an epoch that next() does not come to; thread-safe, changes nothing. E0636
  /// for an epoch below 0, and an index that is no number from 0 to batches_per_epoch() - 1.
  Batch batch(int64_t epoch, int64_t index) const;

 private:
  struct Prefetch;

  std::optional<Batch> numbered(int64_t number) const;
  void start_prefetch();

  std::shared_ptr<const Dataset> dataset_;
  LoaderOptions options_;
  int64_t batches_per_epoch_ = 0;
  int64_t next_ = 0;  ///< number of the next batch, counted through all epochs
  std::unique_ptr<Prefetch> prefetch_;
};

}  // namespace strata::data
