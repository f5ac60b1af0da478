#include "strata/train/images/image_examples.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/data/images/image_dataset.h"
#include "strata/train/images/image_pictures.h"
#include "strata/train/run/tree_state.h"

namespace strata::train {
namespace {

constexpr int64_t kMeasuredBatch = 500;  // images of 28 x 28; of larger ones as many as have the same pixels
constexpr int64_t kMeasuredPixels = kMeasuredBatch * 28 * 28;

/// Rows [begin, end), the same memory.
ir::HostArray rows(const ir::HostArray& array, int64_t begin, int64_t end) {
  std::vector<int64_t> shape = array.shape();
  const int64_t row_bytes = array.elements() == 0 ? 0 : array.bytes() / shape[0];
  shape[0] = end - begin;
  return {array.dtype(), shape, std::shared_ptr<std::byte>(array.storage(), array.storage().get() + begin * row_bytes)};
}

data::LabelledImages part(const data::LabelledImages& all, int64_t begin, int64_t end) {
  return {rows(all.images, begin, end), rows(all.labels, begin, end)};
}

class ImageExamples final : public Examples {
 public:
  ImageExamples(const base::Config& config, ImageSet set) : config_(config), set_(std::move(set)) {
    const data::LabelledImages& given = set_.images.train;
    const int64_t all = given.labels.elements(), held_out = config.int_at("data.validation");
    if (held_out >= all) config.refuse("data.validation", fmt::format("there are {} training images in all", all));
    int64_t used = all - held_out;
    if (const int64_t limit = config.int_at("data.limit")) used = std::min(used, limit);
    if (config.int_at("train.batch") > used)
      config.refuse("train.batch", fmt::format("there are {} images to train on", used));
    train_ = part(given, 0, used);
    validation_ = part(given, all - held_out, all);
  }

  std::string name() const override { return set_.name; }
  std::string unit() const override { return "images"; }
  double units_of(const data::Batch& batch) const override { return static_cast<double>(batch.samples); }
  models::Extents extents() const override {
    const auto& shape = train_.images.shape();
    const size_t rank = shape.size();
    return {.channels = rank == 4 ? shape[1] : 1,
            .height = shape[rank - 2],
            .width = shape[rank - 1],
            .classes = std::ssize(set_.classes)};
  }

  std::shared_ptr<const data::Dataset> training() const override {
    const std::string& augment = config_.string_at("data.augment");
    data::ImageTransform transform = plain();
    transform.flip = augment != "none";
    transform.crop_padding = augment == "crop_flip" ? 1 : 0;
    return dataset(train_, std::move(transform));
  }
  data::LoaderOptions order() const override { return {.order = data::Order::Shuffled}; }
  std::optional<MeasuredPart> validation() const override {
    if (validation_.labels.elements() == 0) return std::nullopt;
    return measured("val", validation_);
  }
  MeasuredPart test() const override { return measured("test", set_.images.test); }

  void save(Snapshot& snapshot) const override { snapshot.facts["images"] = described(); }
  void require_same(const Snapshot& snapshot) const override {
    if (const std::string& found = fact(snapshot, "images"); found != described())
      throw base::Error(base::code::kForeignLoaderState, fmt::format("{}: the training's images were {}, these are {}",
                                                                     snapshot.source, found, described()));
  }
  void show(report::Page& page, const RunFolder& folder, const models::Model&, const Tally& tested) const override {
    const data::LabelledImages& test = set_.images.test;
    show_predictions(page, folder, {test.images, test.labels, tested.decisions, set_.classes});
  }

 private:
  std::string described() const {
    const models::Extents e = extents();
    return fmt::format("{} x {} x {} in {} classes", e.channels, e.height, e.width, e.classes);
  }
  data::ImageTransform plain() const { return {.mean = set_.mean, .deviation = set_.deviation}; }
  std::shared_ptr<const data::Dataset> dataset(const data::LabelledImages& images,
                                               data::ImageTransform transform) const {
    return std::make_shared<data::ImageDataset>(images.images, images.labels, extents().classes, std::move(transform));
  }
  MeasuredPart measured(const char* name, const data::LabelledImages& images) const {
    const models::Extents e = extents();
    return {.name = name,
            .samples = dataset(images, plain()),
            .batch = std::clamp<int64_t>(kMeasuredPixels / (e.height * e.width), 1, kMeasuredBatch)};
  }

  const base::Config& config_;
  ImageSet set_;
  data::LabelledImages train_, validation_;
};

}  // namespace

std::vector<base::ConfigKey> image_keys(base::ConfigKey path) {
  return {
      std::move(path),
      base::int_key("data.limit", 0, "training images at most; 0: all").at_least(0),
      base::int_key("data.validation", 5000,
                    "images at the end of the training set that are held out for validation; 0: all are trained on")
          .between(0, 1000000),
      base::choice_key("data.augment", "none", {"none", "flip", "crop_flip"},
                       "random mirroring of the training images, and shifts by a pixel"),
  };
}

std::unique_ptr<Examples> make_image_examples(const base::Config& config, ImageSet set) {
  return std::make_unique<ImageExamples>(config, std::move(set));
}

}  // namespace strata::train
