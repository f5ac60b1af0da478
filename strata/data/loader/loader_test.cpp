#include "strata/data/loader/loader.h"
#include "strata/base/json/json.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "strata/base/error/error.h"
#include "strata/base/testing/option_walk.h"

namespace strata::data {
namespace {

/// Sample i is the number i and what of the epoch its randomness saw; sample `broken` throws.
class Numbers : public Dataset {
 public:
  explicit Numbers(int64_t count, int64_t broken = -1) : count_(count), broken_(broken) {}
  int64_t size() const override { return count_; }
  const std::vector<SampleField>& fields() const override { return fields_; }
  void read(int64_t index, Draw draw, std::span<std::byte* const> places) const override {
    if (index == broken_) throw std::runtime_error("sample is broken");
    if (index % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));  // workers overtake each other
    std::memcpy(places[0], &index, sizeof index);
    const int32_t pair[2] = {static_cast<int32_t>(draw.epoch), static_cast<int32_t>(draw.seed)};
    std::memcpy(places[1], pair, sizeof pair);
  }

 private:
  int64_t count_, broken_;
  std::vector<SampleField> fields_ = {{"number", ir::DType::i64, {}}, {"draw", ir::DType::i32, {2}}};
};

std::vector<int64_t> numbers(const Batch& batch) {
  const auto span = batch.arrays[0].as<int64_t>();
  return {span.begin(), span.end()};
}

std::vector<std::vector<int64_t>> all_batches(Loader& loader) {
  std::vector<std::vector<int64_t>> batches;
  while (const auto batch = loader.next()) batches.push_back(numbers(*batch));
  return batches;
}

std::shared_ptr<Dataset> numbers_dataset(int64_t count, int64_t broken = -1) {
  return std::make_shared<Numbers>(count, broken);
}

TEST(Loader, AnEpochHasEverySampleOnceAndEpochsDiffer) {
  Loader loader(numbers_dataset(103), {.batch_size = 10, .seed = 4, .epochs = 2});
  const auto batches = all_batches(loader);
  ASSERT_EQ(batches.size(), 22u);
  EXPECT_EQ(batches[10].size(), 3u);
  for (size_t epoch = 0; epoch < 2; ++epoch) {
    std::vector<int64_t> seen;
    for (size_t b = 0; b < 11; ++b)
      seen.insert(seen.end(), batches[epoch * 11 + b].begin(), batches[epoch * 11 + b].end());
    std::sort(seen.begin(), seen.end());
    for (int64_t i = 0; i < 103; ++i) ASSERT_EQ(seen[i], i);
  }
  EXPECT_NE(batches[0], batches[11]);
  EXPECT_FALSE(loader.next());
}

TEST(Loader, SequentialOrderAndDroppingTheLastBatch) {
  Loader loader(numbers_dataset(7), {.batch_size = 3, .order = Order::Sequential, .last_batch = LastBatch::Drop});
  EXPECT_EQ(all_batches(loader), (std::vector<std::vector<int64_t>>{{0, 1, 2}, {3, 4, 5}}));
}

TEST(Loader, FieldsKeepTheirShapesAndSeeSeedAndEpoch) {
  Loader loader(numbers_dataset(4), {.batch_size = 3, .seed = 9, .epochs = 2});
  std::optional<Batch> last;
  while (auto batch = loader.next()) last = std::move(batch);
  EXPECT_EQ(last->arrays[1].shape(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(last->arrays[1].get_int(0), 1);
  EXPECT_EQ(last->arrays[1].get_int(1), 9);
  EXPECT_EQ(last->epoch, 1);
  EXPECT_EQ(last->index, 1);
  EXPECT_EQ(last->samples, 1);
}

TEST(Loader, WorkersAndDepthChangeNothing) {
  const auto with = [](int workers, int depth) {
    Loader loader(numbers_dataset(500), {.batch_size = 8, .seed = 1, .epochs = 2, .workers = workers, .depth = depth});
    return all_batches(loader);
  };
  const auto expected = with(0, 1);
  EXPECT_EQ(expected.size(), 126u);
  EXPECT_EQ(with(1, 1), expected);
  EXPECT_EQ(with(1, 4), expected);
  EXPECT_EQ(with(3, 8), expected);
}

TEST(Loader, ContinuesInMidEpochExactly) {
  const LoaderOptions options{.batch_size = 8, .seed = 5, .epochs = 3, .workers = 2};
  Loader whole(numbers_dataset(100), options);
  const auto expected = all_batches(whole);
  for (const size_t stop : {0u, 1u, 5u, 13u, 26u, 38u, 39u}) {
    Loader first(numbers_dataset(100), options);
    for (size_t i = 0; i < stop; ++i) ASSERT_TRUE(first.next());
    const base::Json saved = base::parse_json(first.state().json().dump(), "state").value();
    Loader second(numbers_dataset(100), options);
    second.next();  // is left behind
    second.restore(LoaderState::from_json(saved).value());
    EXPECT_EQ(all_batches(second), (std::vector<std::vector<int64_t>>(expected.begin() + stop, expected.end())));
  }
}

TEST(Loader, AnExceptionInAWorkerIsRaisedOnceAndTheLoaderGoesOn) {
  for (const int workers : {0, 1, 3}) {
    Loader loader(numbers_dataset(40, 17), {.batch_size = 4, .order = Order::Sequential, .workers = workers});
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(loader.next());
    EXPECT_THROW(loader.next(), std::runtime_error);
    const auto after = loader.next();
    ASSERT_TRUE(after);
    EXPECT_EQ(numbers(*after), (std::vector<int64_t>{20, 21, 22, 23}));
    int rest = 0;
    while (loader.next()) ++rest;
    EXPECT_EQ(rest, 4);
  }
}

TEST(Loader, AStateOfOtherDataIsRefusedByName) {
  Loader saved(numbers_dataset(40), {.batch_size = 4, .seed = 1});
  const auto message = [&](int64_t count, LoaderOptions options) -> std::string {
    Loader loader(numbers_dataset(count), options);
    try {
      loader.restore(saved.state());
    } catch (const base::Error& error) {
      return std::string(error.code()) + " " + error.message();
    }
    return "accepted";
  };
  EXPECT_EQ(message(40, {.batch_size = 4, .seed = 1, .workers = 2}), "accepted");
  EXPECT_EQ(message(41, {.batch_size = 4, .seed = 1}),
            "E0637 loader: the number of samples was 40 when the state was saved and is 41 now");
  EXPECT_EQ(message(40, {.batch_size = 5, .seed = 1}),
            "E0637 loader: the batch size was 4 when the state was saved and is 5 now");
  EXPECT_EQ(message(40, {.batch_size = 4, .seed = 2}),
            "E0637 loader: the seed was 1 when the state was saved and is 2 now");
  LoaderState outside = saved.state();
  outside.batch = 10;
  EXPECT_THROW(saved.restore(outside), base::Error);
  EXPECT_FALSE(LoaderState::from_json(base::Json::object()).ok());
}

TEST(Loader, BadOptionsAreRefused) {
  EXPECT_THROW(Loader(nullptr, {.batch_size = 1}), base::Error);
  EXPECT_THROW(Loader(numbers_dataset(4), {.batch_size = 0}), base::Error);
  EXPECT_THROW(Loader(numbers_dataset(0), {}), base::Error);
  EXPECT_THROW(Loader(numbers_dataset(4), {.batch_size = 5, .last_batch = LastBatch::Drop}), base::Error);
}

TEST(Loader, ABatchIsNumberedWithinItsEpoch) {
  const Loader loader(numbers_dataset(7), {.batch_size = 4});
  EXPECT_EQ(loader.batch(0, 1).samples, 3);
  EXPECT_EQ(loader.batch(5, 0).epoch, 5) << "also behind the last epoch of next()";
  base::walk_integers({{"epoch", [&](int64_t v) { loader.batch(v, 0); }, {0, INT64_MAX}}});
  base::walk_integers({{"index", [&](int64_t v) { loader.batch(0, v); }, {0, 1}}},
                      {INT64_MIN, -1, 0, 1, 2, 7, INT64_MAX});
}

TEST(Options, OfTheLoaderAreRefusedByName) {
  auto load = [](LoaderOptions options) { Loader(std::make_shared<Numbers>(10), options); };
  base::walk_integers({{"batch_size", [&](int64_t v) { load({.batch_size = v}); }},
                       {"epochs", [&](int64_t v) { load({.epochs = v}); }, {0}}});
  base::walk_integers({{"workers", [&](int64_t v) { load({.workers = static_cast<int>(v)}); }, {0}},
                       {"depth", [&](int64_t v) { load({.depth = static_cast<int>(v)}); }}},
                      {INT32_MIN, -1, 0, INT32_MAX});
  base::walk_integers(
      {{"order", [&](int64_t v) { load({.order = static_cast<Order>(v)}); }, {0, 1}},
       {"last_batch", [&](int64_t v) { load({.batch_size = 5, .last_batch = static_cast<LastBatch>(v)}); }, {0, 1}}},
      {-1, 0, 1, 2, 7});
}

}  // namespace
}  // namespace strata::data
