#include "tests/parity/parity_case.h"

#include "bench/texts/king_james.h"
#include "strata/base/bytes/sha256.h"
#include "strata/data/idx/fashion_mnist.h"
#include "strata/data/images/image_dataset.h"
#include "strata/data/loader/loader.h"
#include "strata/models/gpt.h"
#include "strata/models/lenet.h"
#include "strata/nn/loss.h"
#include "strata/optim/rules.h"
#include "strata/optim/schedule.h"
#include "strata/tensor/grad.h"
#include "strata/tensor/jit.h"

namespace strata::parity {
namespace {

Tensor loss_of(const models::LeNet& m, const Tensor& x_BCHW, const Tensor& y_B) {
  return nn::cross_entropy(m(x_BCHW), y_B);
}
Tensor loss_of(const models::Gpt& m, const Tensor& x_BT, const Tensor& y_BT) {
  nn::Context context;
  return nn::cross_entropy(m(x_BT, context), y_BT);
}

optim::Optimiser start(const Recipe& r, const Leaves& parameters) {
  const std::vector<optim::Group> groups = {{.pattern = "*bias *ln_*", .weight_decay = 0}};
  const auto rule = r.optimiser == "sgd"
                        ? optim::Sgd{.momentum = r.momentum}.rule()
                        : optim::AdamW{.beta1 = r.beta1, .beta2 = r.beta2, .epsilon = r.epsilon}.rule();
  return optim::Optimiser(rule, {r.learning_rates[0], r.weight_decay, r.clip, groups}, parameters);
}

template <class Model>
class ModelCase : public Case {
 public:
  ModelCase(Recipe recipe, Model model)
      : recipe_(std::move(recipe)), model_(std::move(model)), optimiser_(start(recipe_, leaves_of(model_))) {}

  const Recipe& recipe() const override { return recipe_; }
  std::vector<formats::NamedArray> weights() override {
    std::vector<formats::NamedArray> arrays;
    for (const Leaf& leaf : leaves_of(model_).list)
      if (leaf.tensor().defined()) arrays.push_back({leaf.paths[0], leaf.tensor().array()});
    return arrays;
  }
  double step(int64_t number) override {
    optimiser_.set_lr(recipe_.learning_rates[static_cast<size_t>(number)]);
    const Example example = batch(number);
    return step_(model_, optimiser_, example.x, example.y).item();
  }
  double validation_loss() override {
    double total = 0;
    const std::vector<Example> examples = validation();
    for (const Example& e : examples) total += judge_(model_, e.x, e.y).item();
    return total / static_cast<double>(examples.size());
  }

 private:
  struct Step {
    Tensor operator()(Model& m, optim::Optimiser& optimiser, Tensor x, Tensor y) const {
      auto [loss, grads] = value_and_grad([&](const Model& m) { return loss_of(m, x, y); }, m);
      optimiser.update(m, grads, loss);
      return loss;
    }
  };
  struct Judge {
    Tensor operator()(const Model& m, Tensor x, Tensor y) const { return loss_of(m, x, y); }
  };

  Recipe recipe_;
  Model model_;
  optim::Optimiser optimiser_;
  Jitted<Step> step_ = jit(Step{}, {.name = "step"});
  Jitted<Judge> judge_ = jit(Judge{}, {.name = "judge"});
};

class LeNetCase final : public ModelCase<models::LeNet> {
 public:
  LeNetCase()
      : ModelCase({.model = "lenet", .optimiser = "sgd", .momentum = 0.9, .learning_rates = std::vector(20, 0.05)},
                  nn::init<models::LeNet>(Key(0))) {
    data::FashionMnist images = data::fashion_mnist();
    auto set = std::make_shared<data::ImageDataset>(std::move(images.train.images), std::move(images.train.labels), 10,
                                                    data::ImageTransform{.mean = {0.286}, .deviation = {0.353}});
    loader_ = std::make_unique<data::Loader>(set, data::LoaderOptions{.batch_size = 64, .seed = 1, .workers = 0});
  }
  Example batch(int64_t step) const override {
    data::Batch b = loader_->batch(0, step);
    return {Tensor(std::move(b.arrays[0])), Tensor(std::move(b.arrays[1]))};
  }

 private:
  std::unique_ptr<data::Loader> loader_;
};

constexpr int64_t kContext = 64, kBatch = 8;

Recipe gpt_recipe(int64_t vocabulary, int64_t steps) {
  Recipe r{.model = "gpt", .optimiser = "adamw", .weight_decay = 0.1, .clip = 1.0};
  const optim::Schedule rates = optim::warmup(5, 3e-3).then(optim::cosine(3e-3, 3e-4, steps - 5));
  for (int64_t i = 0; i < steps; ++i) r.learning_rates.push_back(rates(i));
  r.sizes.set("layers", 2).set("width", 64).set("heads", 4).set("vocabulary", vocabulary).set("context", kContext);
  return r;
}

models::Gpt small_gpt(int64_t vocabulary) {
  models::Gpt model(
      models::GptConfig{.layers = 2, .width = 64, .heads = 4, .vocabulary = vocabulary, .context = kContext});
  nn::init(model, Key(0));
  return model;
}

/// Rows of kContext + 1 tokens as inputs and what follows them.
Example rows(const std::vector<std::vector<int64_t>>& sequences) {
  std::vector<int64_t> x, y;
  for (const std::vector<int64_t>& s : sequences) {
    x.insert(x.end(), s.begin(), s.end() - 1);
    y.insert(y.end(), s.begin() + 1, s.end());
  }
  const std::vector<int64_t> shape = {static_cast<int64_t>(sequences.size()), kContext};
  return {Tensor::from(std::span<const int64_t>(x), shape), Tensor::from(std::span<const int64_t>(y), shape)};
}

/// A counter with a stream of its own: data here must not change when a library's generator does.
uint64_t mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// A language in which each token follows from the one before and a coin.
class MadeUpCase final : public ModelCase<models::Gpt> {
 public:
  static constexpr int64_t kVocabulary = 97;
  MadeUpCase() : ModelCase(gpt_recipe(kVocabulary, 20), small_gpt(kVocabulary)) {}
  Example batch(int64_t step) const override {
    std::vector<std::vector<int64_t>> sequences;
    for (int64_t row = 0; row < kBatch; ++row) {
      const auto seed = static_cast<uint64_t>(step * kBatch + row);
      std::vector<int64_t> s = {static_cast<int64_t>(mixed(seed) % kVocabulary)};
      for (uint64_t t = 0; t < kContext; ++t)
        s.push_back((5 * s.back() + 3 + static_cast<int64_t>(mixed(seed * 1000 + t) >> 63)) % kVocabulary);
      sequences.push_back(std::move(s));
    }
    return rows(sequences);
  }
};

/// Bytes of the King James Bible; its last 100,000 are held out.
class KingJamesCase final : public ModelCase<models::Gpt> {
 public:
  KingJamesCase() : ModelCase(gpt_recipe(256, 300), small_gpt(256)), text_(bench::king_james().value()) {}
  Example batch(int64_t step) const override {
    std::vector<std::vector<int64_t>> sequences;
    const uint64_t places = text_.size() - kHeldOut - kContext - 1;
    for (int64_t row = 0; row < kBatch; ++row)
      sequences.push_back(tokens(mixed(static_cast<uint64_t>(step * kBatch + row)) % places));
    return rows(sequences);
  }
  std::vector<Example> validation() const override {
    std::vector<Example> examples;
    size_t at = text_.size() - kHeldOut;
    for (int i = 0; i < 16; ++i) {
      std::vector<std::vector<int64_t>> sequences;
      for (int64_t row = 0; row < kBatch; ++row, at += kContext) sequences.push_back(tokens(at));
      examples.push_back(rows(sequences));
    }
    return examples;
  }

 private:
  static constexpr size_t kHeldOut = 100'000;
  std::vector<int64_t> tokens(size_t at) const {
    std::vector<int64_t> list;
    for (size_t i = at; i <= at + kContext; ++i) list.push_back(static_cast<unsigned char>(text_[i]));
    return list;
  }
  std::string text_;
};

template <class T>
std::unique_ptr<Case> make() {
  return std::make_unique<T>();
}

}  // namespace

base::Json Recipe::json() const {
  base::Json rates = base::Json::array();
  for (const double lr : learning_rates) rates.push(lr);
  return base::Json::object()
      .set("model", model)
      .set("optimiser", optimiser)
      .set("momentum", momentum)
      .set("beta1", beta1)
      .set("beta2", beta2)
      .set("epsilon", epsilon)
      .set("weight_decay", weight_decay)
      .set("clip", clip)
      .set("learning_rates", rates)
      .set("sizes", sizes);
}

const std::vector<CaseName>& cases() {
  static const std::vector<CaseName> list = {
      {"lenet", make<LeNetCase>}, {"gpt", make<MadeUpCase>}, {"king_james", make<KingJamesCase>}};
  return list;
}

std::unique_ptr<Case> open_case(const std::string& name) {
  for (const CaseName& c : cases())
    if (c.name == name) return c.open();
  throw base::Error("E0900", "parity: no case " + name);
}

std::vector<formats::NamedArray> exported(Case& c) {
  std::vector<formats::NamedArray> arrays;
  for (formats::NamedArray& w : c.weights()) arrays.push_back({"model." + w.name, w.array});
  auto add = [&](const std::string& prefix, size_t i, const Example& e) {
    arrays.push_back({prefix + "x." + std::to_string(i), e.x.array()});
    arrays.push_back({prefix + "y." + std::to_string(i), e.y.array()});
  };
  for (size_t i = 0; i < c.recipe().learning_rates.size(); ++i) add("", i, c.batch(static_cast<int64_t>(i)));
  const std::vector<Example> held_out = c.validation();
  for (size_t i = 0; i < held_out.size(); ++i) add("val_", i, held_out[i]);
  return arrays;
}

std::string inputs_sha256(Case& c) {
  base::Sha256 hash;
  for (const formats::NamedArray& a : exported(c)) {
    hash.update(std::as_bytes(std::span(a.name)));
    hash.update({a.array.data(), static_cast<size_t>(a.array.bytes())});
  }
  return hash.finish_hex();
}

}  // namespace strata::parity
