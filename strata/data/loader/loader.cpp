#include "strata/data/loader/loader.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/threads/background_queue.h"
#include "strata/data/sampling/permutation.h"

namespace strata::data {

using base::Error;

struct Loader::Prefetch {
  base::BackgroundQueue<Batch> queue;
};

Loader::Loader(std::shared_ptr<const Dataset> dataset, LoaderOptions options)
    : dataset_(std::move(dataset)), options_(options) {
  if (!dataset_) throw Error(base::code::kLoaderOptions, "loader: there is no data set, the pointer is null");
  base::OptionCheck(base::code::kLoaderOptions, "loader")
      .integer("batch_size", options_.batch_size, kBatchSize)
      .integer("epochs", options_.epochs, kEpochs)
      .integer("workers", options_.workers, kWorkers)
      .integer("depth", options_.depth, kDepth)
      .integer("order", static_cast<int64_t>(options_.order), base::Bounds::between(0, 1))
      .integer("last_batch", static_cast<int64_t>(options_.last_batch), base::Bounds::between(0, 1));
  const int64_t samples = dataset_->size(), size = options_.batch_size;
  batches_per_epoch_ = options_.last_batch == LastBatch::Drop ? samples / size : (samples + size - 1) / size;
  if (batches_per_epoch_ < 1)
    throw Error(base::code::kLoaderOptions, fmt::format("loader: {} samples make no batch of {}", samples, size))
        .hint("keep the last batch, or make batches smaller");
}

Loader::~Loader() = default;

Batch Loader::batch(int64_t epoch, int64_t index) const {
  base::OptionCheck(base::code::kLoaderOptions, "loader")
      .integer("epoch", epoch, base::Bounds::at_least(0))
      .integer("index", index, base::Bounds::between(0, batches_per_epoch_ - 1));
  const int64_t first = index * options_.batch_size;
  const int64_t count = std::min(options_.batch_size, dataset_->size() - first);
  Batch batch{.epoch = epoch, .index = index, .samples = count};
  std::vector<std::byte*> places;
  std::vector<int64_t> steps;  // bytes from one sample to the next
  for (const SampleField& field : dataset_->fields()) {
    std::vector<int64_t> shape = {count};
    shape.insert(shape.end(), field.shape.begin(), field.shape.end());
    places.push_back(batch.arrays.emplace_back(field.dtype, std::move(shape)).data());
    steps.push_back(field.bytes());
  }
  const Permutation permutation(dataset_->size(), options_.seed, epoch);
  const Draw draw{.seed = options_.seed, .epoch = epoch};
  for (int64_t i = 0; i < count; ++i) {
    const int64_t place = first + i;
    dataset_->read(options_.order == Order::Shuffled ? permutation(place) : place, draw, places);
    for (size_t f = 0; f < places.size(); ++f) places[f] += steps[f];
  }
  return batch;
}

std::optional<Batch> Loader::numbered(int64_t number) const {
  const int64_t epoch = number / batches_per_epoch_;
  if (options_.epochs > 0 && epoch >= options_.epochs) return std::nullopt;
  return batch(epoch, number % batches_per_epoch_);
}

void Loader::start_prefetch() {
  prefetch_.reset(new Prefetch{.queue = {{.workers = options_.workers, .depth = options_.depth},
                                         [this, start = next_](int64_t i) { return numbered(start + i); }}});
}

std::optional<Batch> Loader::next() {
  const int64_t number = next_;
  if (options_.epochs > 0 && number >= options_.epochs * batches_per_epoch_) return std::nullopt;
  ++next_;  // also when making it throws: the call after goes on behind it
  if (options_.workers == 0) return numbered(number);
  if (prefetch_ == nullptr) {
    --next_;
    start_prefetch();
    ++next_;
  }
  try {
    return prefetch_->queue.next();
  } catch (...) {
    prefetch_.reset();  // a queue ends with its first failure; the next call starts another
    throw;
  }
}

LoaderState Loader::state() const {
  return {.epoch = next_ / batches_per_epoch_,
          .batch = next_ % batches_per_epoch_,
          .samples = dataset_->size(),
          .batch_size = options_.batch_size,
          .seed = options_.seed,
          .shuffled = options_.order == Order::Shuffled,
          .drop_last = options_.last_batch == LastBatch::Drop};
}

void Loader::restore(const LoaderState& state) {
  const LoaderState mine = this->state();
  const auto require_same = [](const char* what, auto saved, auto here) {
    if (saved != here)
      throw Error(base::code::kForeignLoaderState,
                  fmt::format("loader: {} was {} when the state was saved and is {} now", what, saved, here));
  };
  require_same("the number of samples", state.samples, mine.samples);
  require_same("the batch size", state.batch_size, mine.batch_size);
  require_same("the seed", state.seed, mine.seed);
  require_same("shuffling", state.shuffled, mine.shuffled);
  require_same("dropping the last batch", state.drop_last, mine.drop_last);
  if (state.epoch < 0 || state.batch < 0 || state.batch >= batches_per_epoch_ ||
      state.epoch > (int64_t{1} << 62) / batches_per_epoch_)
    throw Error(base::code::kForeignLoaderState,
                fmt::format("loader: position {} of epoch {} is outside an epoch of {} batches", state.batch,
                            state.epoch, batches_per_epoch_));
  prefetch_.reset();
  next_ = state.epoch * batches_per_epoch_ + state.batch;
}

}  // namespace strata::data
