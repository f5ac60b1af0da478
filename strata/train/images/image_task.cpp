// Legend: B batch, C channels, H rows, W columns.
#include "strata/train/images/image_task.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/config/config.h"
#include "strata/base/json/json.h"
#include "strata/data/idx/fashion_mnist.h"
#include "strata/data/images/image_dataset.h"
#include "strata/data/loader/loader.h"
#include "strata/models/lenet.h"
#include "strata/nn/loss.h"
#include "strata/ops/reduce.h"
#include "strata/train/images/image_pictures.h"
#include "strata/train/layer_costs.h"
#include "strata/train/learner.h"

namespace strata::train {
namespace {

constexpr int64_t kClasses = 10;
constexpr int64_t kEvaluationBatch = 500;  // images
// Mean and deviation of the training images' pixels, on the scale from 0 to 1.
constexpr double kMean = 0.2860, kDeviation = 0.3530;

constexpr std::string_view kSettings[] = {"model.kind"};

struct ImageLoss {
  Tensor operator()(const models::LeNet& m, const Tensor& x_BCHW, const Tensor& y_B, nn::Context&) const {
    return nn::cross_entropy(m(x_BCHW), y_B);
  }
};

struct Classify {
  std::pair<Tensor, Tensor> operator()(const models::LeNet& m, Tensor x_BCHW, Tensor y_B) const {
    const Tensor logits = m(x_BCHW);
    return {nn::cross_entropy(logits, y_B, {.reduction = nn::Reduction::Sum}), argmax(logits, 1)};
  }
};

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

class ImageTask final : public Task {
 public:
  explicit ImageTask(const base::Config& config)
      : config_(config), learner_(config, nn::init<models::LeNet>(Key(seed()))) {
    const std::string& folder = config.string_at("data.path");
    const data::FashionMnist data = data::fashion_mnist(folder.empty() ? data::kFashionMnistFolder : folder);
    const int64_t all = data.train.labels.elements(), held_out = config.int_at("data.validation");
    if (held_out >= all) config.refuse("data.validation", fmt::format("there are {} training images in all", all));
    int64_t used = all - held_out;
    if (const int64_t limit = config.int_at("data.limit")) used = std::min(used, limit);
    if (batch_size() > used) config.refuse("train.batch", fmt::format("there are {} images to train on", used));
    train_ = part(data.train, 0, used);
    validation_ = part(data.train, all - held_out, all);
    test_ = data.test;
    loader_ = std::make_unique<data::Loader>(dataset(train_, training_transform()), loader_options());
  }

  std::string title() const override { return "LeNet-5 on Fashion-MNIST"; }
  std::string unit() const override { return "images"; }
  int64_t parameters() const override { return learner_.parameters(); }
  int64_t steps_per_epoch() const override { return steps_of_epoch(config_, loader_->batches_per_epoch()); }
  int64_t batch_size() const override { return config_.int_at("train.batch"); }

  const runtime::Executable& program() override { return learner_.program(sample_of(loader_->batch(0, 0))); }
  double flops_per_step() override {
    if (flops_ == 0) flops_ = matrix_flops(program(), batch_size()) * static_cast<double>(accumulate());
    return flops_;
  }

  StepResult step(double learning_rate) override {
    std::vector<Sample> samples;
    double images = 0;
    for (int64_t i = 0; i < accumulate(); ++i) {
      const data::Batch batch = loader_->next().value();
      images += static_cast<double>(batch.samples);
      samples.push_back(sample_of(batch));
    }
    StepResult result = learner_.step(samples, learning_rate);
    result.units = images;
    return result;
  }

  std::vector<Measure> evaluate() override {
    if (validation_.labels.elements() == 0) return {};
    const Judged judged = judge(validation_);
    return {{"val_loss", judged.loss, true}, {"val_accuracy", judged.accuracy(), false}};
  }
  std::vector<Measure> test() override {
    const Judged judged = judge(test_);
    return {{"test_loss", judged.loss, true}, {"test_accuracy", judged.accuracy(), false}};
  }

  void save(Snapshot& snapshot) const override {
    learner_.save(snapshot);
    save_settings(snapshot, config_, kSettings);
    snapshot.facts["loader"] = loader_->state().json().dump();
  }
  void restore(const Snapshot& snapshot) override {
    require_settings(snapshot, config_, kSettings);
    learner_.restore(snapshot);
    const base::Json state = base::parse_json(fact(snapshot, "loader"), snapshot.source + ": loader").value();
    loader_->restore(data::LoaderState::from_json(state).value());
  }

  std::vector<NamedTensor> weights() const override { return named_weights(learner_.model()); }
  std::vector<NamedTensor> batch(int64_t index) override {
    const int64_t each = loader_->batches_per_epoch();
    data::Batch batch = loader_->batch(index / each, index % each);
    return {{"x", std::move(batch.arrays[0])}, {"y", std::move(batch.arrays[1])}};
  }

  void show(report::Page& page, const RunFolder& folder) override {
    const Judged judged = judge(test_);
    show_predictions(page, folder, {test_.images, test_.labels, judged.predictions});
  }

 private:
  struct Judged {
    double loss = 0;  ///< mean
    int64_t right = 0;
    std::vector<int64_t> predictions;
    double accuracy() const { return static_cast<double>(right) / static_cast<double>(predictions.size()); }
  };

  uint64_t seed() const { return static_cast<uint64_t>(config_.int_at("run.seed")); }
  int64_t accumulate() const { return config_.int_at("train.accumulate"); }
  data::ImageTransform training_transform() const {
    data::ImageTransform transform{.mean = {kMean}, .deviation = {kDeviation}};
    transform.flip = config_.string_at("data.augment") != "none";
    transform.crop_padding = config_.string_at("data.augment") == "crop_flip" ? 1 : 0;
    return transform;
  }
  static data::ImageTransform plain() { return {.mean = {kMean}, .deviation = {kDeviation}}; }
  static std::shared_ptr<const data::Dataset> dataset(const data::LabelledImages& images,
                                                      data::ImageTransform transform) {
    return std::make_shared<data::ImageDataset>(images.images, images.labels, kClasses, std::move(transform));
  }
  data::LoaderOptions loader_options() const {
    return {.batch_size = batch_size(),
            .seed = seed(),
            .epochs = 0,
            .workers = static_cast<int>(config_.int_at("data.workers"))};
  }
  static Sample sample_of(const data::Batch& batch) { return {Tensor(batch.arrays[0]), Tensor(batch.arrays[1])}; }

  Judged judge(const data::LabelledImages& images) {
    data::Loader loader(dataset(images, plain()),
                        {.batch_size = kEvaluationBatch, .order = data::Order::Sequential, .workers = 0});
    Judged judged;
    while (const std::optional<data::Batch> batch = loader.next()) {
      const Sample sample = sample_of(*batch);
      const auto [loss, predictions] = classify_(learner_.model(), sample.x, sample.y);
      judged.loss += loss.item();
      for (int64_t i = 0; i < batch->samples; ++i) {
        judged.predictions.push_back(predictions.array().get_int(i));
        judged.right += judged.predictions.back() == batch->arrays[1].get_int(i);
      }
    }
    judged.loss /= static_cast<double>(judged.predictions.size());
    return judged;
  }

  const base::Config& config_;
  data::LabelledImages train_, validation_, test_;
  std::unique_ptr<data::Loader> loader_;
  Learner<models::LeNet, ImageLoss> learner_;
  Jitted<Classify> classify_ = jit(Classify{}, {.name = "classify"});
  double flops_ = 0;
};

}  // namespace

std::unique_ptr<Task> make_image_task(const base::Config& config) { return std::make_unique<ImageTask>(config); }

}  // namespace strata::train
