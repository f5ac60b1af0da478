// Legend: B batch, T time, V vocabulary.
#include "strata/train/language/language_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <numbers>

#include "strata/base/config/config.h"
#include "strata/base/json/json.h"
#include "strata/base/terminal/progress.h"
#include "strata/data/loader/loader.h"
#include "strata/data/tokens/token_windows.h"
#include "strata/nn/loss.h"
#include "strata/nn/precision.h"
#include "strata/report/html/page.h"
#include "strata/text/tokenizer_json/save.h"
#include "strata/train/language/text_source.h"
#include "strata/train/layer_costs.h"
#include "strata/train/learner.h"
#include "strata/train/run/run_folder.h"

namespace strata::train {
namespace {

constexpr int64_t kValidationWindows = 64;  // of the evaluations during the training
constexpr const char* kPrompts[] = {"The package provides", "This option", "A library for"};

struct LanguageLoss {
  Tensor operator()(const models::Gpt& m, const Tensor& x_BT, const Tensor& y_BT, nn::Context& context) const {
    return nn::cross_entropy(m(x_BT, context), y_BT);
  }
};
struct HalfLanguageLoss {
  Tensor operator()(const models::Gpt& m, const Tensor& x_BT, const Tensor& y_BT, nn::Context& context) const {
    const models::Gpt half = nn::cast_parameters(m, DType::bf16);
    return nn::cross_entropy(cast(half(x_BT, context), DType::f32), y_BT);
  }
};

struct SummedLoss {
  Tensor operator()(const models::Gpt& m, Tensor x_BT, Tensor y_BT) const {
    nn::Context context;
    return nn::cross_entropy(m(x_BT, context), y_BT, {.reduction = nn::Reduction::Sum});
  }
};

models::Gpt fresh_model(const base::Config& config) {
  models::Gpt model(gpt_config(config));
  nn::init(model, Key(static_cast<uint64_t>(config.int_at("run.seed"))));
  return model;
}

/// The text, if the model and the batches fit it; what is wrong is told by the key that mends it.
TextSource suited(TextSource source, const base::Config& config) {
  const int64_t context = config.int_at("model.context"), batch = config.int_at("train.batch");
  const auto found = static_cast<int64_t>(source.tokenizer->vocabulary_size());
  if (found < config.int_at("model.vocabulary"))  // the model would learn, and then write, tokens that don't exist
    config.refuse("model.vocabulary", fmt::format("the text makes only {} tokens", found));
  for (const auto& [part, tokens] :
       {std::pair("training", source.train), {"validation", source.validation}, {"held-out", source.held_out}})
    if (tokens->size() <= context)
      config.refuse("model.context", fmt::format("{} needs {} tokens, the {} part of the text has {}", context,
                                                 context + 1, part, tokens->size()));
  const int64_t windows = (source.train->size() - 1) / context;
  if (batch > windows)
    config.refuse("train.batch", fmt::format("the training text has {} windows of {} tokens", windows, context));
  return source;
}

template <class Loss>
class LanguageTask final : public Task {
 public:
  explicit LanguageTask(const base::Config& config)
      : config_(config),
        source_(suited(open_text_source(config), config)),
        loader_(std::make_shared<data::RandomWindows>(source_.train, context()),
                {.batch_size = batch_size(),
                 .order = data::Order::Sequential,
                 .last_batch = data::LastBatch::Drop,
                 .seed = static_cast<uint64_t>(config.int_at("run.seed")),
                 .epochs = 0,
                 .workers = static_cast<int>(config.int_at("data.workers"))}),
        learner_(config, fresh_model(config)) {}

  std::string title() const override { return "GPT on " + source_.name; }
  std::string unit() const override { return "tokens"; }
  int64_t parameters() const override { return learner_.parameters(); }
  int64_t steps_per_epoch() const override { return steps_of_epoch(config_, loader_.batches_per_epoch()); }
  int64_t batch_size() const override { return config_.int_at("train.batch"); }

  const runtime::Executable& program() override { return learner_.program(sample_of(loader_.batch(0, 0))); }
  double flops_per_step() override {
    if (flops_ == 0) flops_ = matrix_flops(program(), batch_size()) * static_cast<double>(accumulate());
    return flops_;
  }

  StepResult step(double learning_rate) override {
    std::vector<Sample> samples;
    for (int64_t i = 0; i < accumulate(); ++i) samples.push_back(sample_of(loader_.next().value()));
    StepResult result = learner_.step(samples, learning_rate);
    result.units = static_cast<double>(accumulate() * batch_size() * context());
    return result;
  }

  std::vector<Measure> evaluate() override {
    const data::EvaluationWindows windows(source_.validation, {.window = context()});
    const Sum sum = sum_of(windows, std::min(windows.size(), kValidationWindows), nullptr);
    return {{"val_loss", sum.nats / static_cast<double>(sum.tokens), true}};
  }

  std::vector<Measure> test() override {
    const data::EvaluationWindows windows(source_.held_out, {.window = context(),
                                                             .stride = std::max<int64_t>(1, context() / 2),
                                                             .start_token = source_.tokenizer->special_id(kEndOfText)});
    base::ProgressBar bar({.label = "held-out text", .total = windows.size(), .unit = "windows"});
    const Sum sum = sum_of(windows, windows.size(), &bar);
    bar.finish();
    const double bits = sum.nats / std::numbers::ln2;
    return {{"held_out_loss", sum.nats / static_cast<double>(sum.tokens), true},
            {"bits_per_byte", bits / static_cast<double>(source_.held_out->text_bytes()), false}};
  }

  void save(Snapshot& snapshot) const override {
    learner_.save(snapshot);
    save_settings(snapshot, config_, kLanguageSettings);
    snapshot.facts["text"] = source_.text_hash;
    snapshot.facts["tokenizer"] = data::tokenizer_hash(*source_.tokenizer).hex();
    snapshot.facts["loader"] = loader_.state().json().dump();
  }
  void restore(const Snapshot& snapshot) override {
    require_settings(snapshot, config_, kLanguageSettings);
    if (fact(snapshot, "text") != source_.text_hash)
      throw base::Error("E0709", fmt::format("{} is not the text that the run was trained on", source_.name))
          .hint("its tokens would mean other things to the model: put the old text back, or start a new run");
    require_tokenizer(snapshot, *source_.tokenizer);
    learner_.restore(snapshot);
    const base::Json state = base::parse_json(fact(snapshot, "loader"), snapshot.source + ": loader").value();
    loader_.restore(data::LoaderState::from_json(state).value());
  }

  std::vector<NamedTensor> weights() const override { return named_weights(learner_.model()); }
  std::vector<NamedTensor> batch(int64_t index) override {
    const int64_t each = loader_.batches_per_epoch();
    data::Batch batch = loader_.batch(index / each, index % each);
    return {{"x", std::move(batch.arrays[0])}, {"y", std::move(batch.arrays[1])}};
  }

  void prepare(const RunFolder& folder) const override {
    text::save_tokenizer(*source_.tokenizer, folder.file("tokenizer.json"));
  }
  void show(report::Page& page, const RunFolder&) override {
    page.section("Samples").paragraph(
        "Written by the trained model from the first words, at temperature 0.8, top-k 40.");
    for (const char* prompt : kPrompts)
      page.sample(prompt, generate_text(learner_.model(), *source_.tokenizer, prompt,
                                        {.sampling = {.temperature = 0.8, .top_k = 40}, .tokens = 80}));
  }

 private:
  struct Sum {
    double nats = 0;
    int64_t tokens = 0;
  };

  int64_t context() const { return config_.int_at("model.context"); }
  int64_t accumulate() const { return config_.int_at("train.accumulate"); }
  static Sample sample_of(const data::Batch& batch) { return {Tensor(batch.arrays[0]), Tensor(batch.arrays[1])}; }

  /// Of the first windows. The windows outlive the call's loader.
  Sum sum_of(const data::EvaluationWindows& windows, int64_t count, base::ProgressBar* bar) {
    data::Loader loader(std::shared_ptr<const data::Dataset>(std::shared_ptr<void>(), &windows),
                        {.batch_size = batch_size(), .order = data::Order::Sequential, .workers = 0});
    Sum sum;
    for (int64_t done = 0; done < count;) {
      const data::Batch batch = loader.next().value();
      const Sample sample = sample_of(batch);
      sum.nats += summed_(learner_.model(), sample.x, sample.y).item();
      for (int32_t target : batch.arrays[1].as<int32_t>()) sum.tokens += target != data::kIgnoredTarget;
      done += batch.samples;
      if (bar) bar->advance(batch.samples);
    }
    return sum;
  }

  const base::Config& config_;
  TextSource source_;
  data::Loader loader_;
  Learner<models::Gpt, Loss> learner_;
  Jitted<SummedLoss> summed_ = jit(SummedLoss{}, {.name = "summed_loss"});
  double flops_ = 0;
};

}  // namespace

void require_tokenizer(const Snapshot& snapshot, const text::Tokenizer& tokenizer) {
  const std::string &expected = fact(snapshot, "tokenizer"), found = data::tokenizer_hash(tokenizer).hex();
  if (found == expected) return;
  throw base::Error("E0709",
                    fmt::format("the run was trained with another tokenizer: expected {}, found {}", expected, found));
}

models::GptConfig gpt_config(const base::Config& config) {
  models::GptConfig gpt{.layers = config.int_at("model.layers"),
                        .width = config.int_at("model.width"),
                        .heads = config.int_at("model.heads"),
                        .vocabulary = config.int_at("model.vocabulary"),
                        .context = config.int_at("model.context"),
                        .dropout = config.float_at("model.dropout"),
                        .is_tied = config.bool_at("model.tied")};
  if (gpt.width % gpt.heads != 0)
    config.refuse("model.width", fmt::format("{} is no multiple of model.heads = {}", gpt.width, gpt.heads));
  return gpt;
}

std::unique_ptr<Task> make_language_task(const base::Config& config) {
  gpt_config(config);
  if (config.string_at("optim.precision") == "bf16") return std::make_unique<LanguageTask<HalfLanguageLoss>>(config);
  return std::make_unique<LanguageTask<LanguageLoss>>(config);
}

}  // namespace strata::train
