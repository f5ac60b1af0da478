#include "strata/train/supervised/supervised_task.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/config/config.h"
#include "strata/base/json/json.h"
#include "strata/base/terminal/progress.h"
#include "strata/data/tokens/token_windows.h"
#include "strata/models/list.h"
#include "strata/nn/precision.h"
#include "strata/report/html/page.h"
#include "strata/train/layer_costs.h"
#include "strata/train/learner.h"
#include "strata/train/supervised/data_kinds.h"

namespace strata::train {
namespace {

/// The objective's loss of the model's answer; in half precision the model computes in bf16, and the loss in f32.
struct StepLoss {
  const Objective* objective = nullptr;
  bool is_half = false;
  Tensor operator()(const models::Model& m, const Tensor& x, const Tensor& y, nn::Context& context) const {
    if (!is_half) return objective->loss(m(x, context), y);
    const models::Model half = nn::cast_parameters(m, DType::bf16);
    return objective->loss(cast(half(x, context), DType::f32), y);
  }
};

/// The summed loss of a batch, and the decisions where the objective makes some.
struct Judge {
  const Objective* objective = nullptr;
  std::vector<Tensor> operator()(const models::Model& m, Tensor x, Tensor y) const {
    nn::Context context;
    const Tensor answer = m(x, context);
    std::vector<Tensor> judged = {objective->summed_loss(answer, y)};
    if (objective->decision) judged.push_back(objective->decision(answer));
    return judged;
  }
};

Sample sample_of(const data::Batch& batch) { return {Tensor(batch.arrays[0]), Tensor(batch.arrays[1])}; }

data::LoaderOptions training_order(const base::Config& config, const Examples& data) {
  data::LoaderOptions options = data.order();
  options.batch_size = config.int_at("train.batch");
  options.seed = config.int_at("run.seed");
  options.epochs = 0;
  options.workers = config.int_at("data.workers");
  return options;
}

class SupervisedTask final : public Task {
 public:
  SupervisedTask(const base::Config& config, SupervisedParts parts)
      : config_(config),
        title_(std::move(parts.title)),
        objective_(*parts.objective),
        data_(std::move(parts.data)),
        settings_(std::move(parts.settings)),
        loader_(data_->training(), training_order(config, *data_)),
        learner_(config, std::move(parts.model), {&objective_, config.string_at("optim.precision") == "bf16"}),
        judge_(jit(Judge{&objective_}, {.name = "judge"})) {}

  std::string title() const override { return title_; }
  std::string unit() const override { return data_->unit(); }
  int64_t parameters() const override { return learner_.parameters(); }
  int64_t steps_per_epoch() const override { return steps_of_epoch(config_, loader_.batches_per_epoch()); }
  int64_t batch_size() const override { return config_.int_at("train.batch"); }

  std::shared_ptr<const runtime::Executable> program() override {
    return learner_.program(sample_of(loader_.batch(0, 0)));
  }
  double flops_per_step() override {
    if (flops_ == 0) flops_ = matrix_flops(*program(), batch_size()) * static_cast<double>(accumulate());
    return flops_;
  }

  StepResult step(double learning_rate) override {
    std::vector<Sample> samples;
    double units = 0;
    for (int64_t i = 0; i < accumulate(); ++i) {
      const data::Batch batch = loader_.next().value();
      units += data_->units_of(batch);
      samples.push_back(sample_of(batch));
    }
    StepResult result = learner_.step(samples, learning_rate);
    result.units = units;
    return result;
  }

  std::vector<Measure> evaluate() override {
    const std::optional<MeasuredPart> part = data_->validation();
    return part ? objective_.measures(part->name, judge(*part)) : std::vector<Measure>{};
  }
  std::vector<Measure> test() override {
    const MeasuredPart part = data_->test();
    return objective_.measures(part.name, judge(part));
  }

  void save(Snapshot& snapshot) const override {
    learner_.save(snapshot);
    save_settings(snapshot, config_, settings_);
    snapshot.facts["loader"] = loader_.state().json().dump();
    data_->save(snapshot);
  }
  void restore(const Snapshot& snapshot) override {
    require_settings(snapshot, config_, settings_);
    data_->require_same(snapshot);
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

  void prepare(const RunFolder& folder) const override { data_->prepare(folder); }
  void show(report::Page& page, const RunFolder& folder) override {
    const Tally tested = objective_.decision ? judge(data_->test()) : Tally{};
    data_->show(page, folder, learner_.model(), tested);
  }

 private:
  int64_t accumulate() const { return config_.int_at("train.accumulate"); }

  Tally judge(const MeasuredPart& part) {
    data::Loader loader(part.samples, {.batch_size = part.batch, .order = data::Order::Sequential, .workers = 0});
    std::optional<base::ProgressBar> bar;
    if (!part.progress.empty()) bar.emplace(base::ProgressOptions{part.progress, part.samples->size(), "windows"});
    Tally tally{.text_bytes = part.text_bytes};
    for (int64_t done = 0; done < std::min(part.most, part.samples->size());) {
      const data::Batch batch = loader.next().value();
      const Sample sample = sample_of(batch);
      add(tally, judge_(learner_.model(), sample.x, sample.y), batch.arrays[1]);
      done += batch.samples;
      if (bar) bar->advance(batch.samples);
    }
    if (bar) bar->finish();
    return tally;
  }

  static void add(Tally& tally, const std::vector<Tensor>& judged, const ir::HostArray& targets) {
    tally.loss += judged[0].item();
    const bool decides = judged.size() > 1;
    for (int64_t i = 0; i < targets.elements(); ++i) {
      const int64_t target = targets.get_int(i);
      if (target == data::kIgnoredTarget) continue;
      ++tally.targets;
      if (!decides) continue;
      tally.decisions.push_back(judged[1].array().get_int(i));
      tally.right += tally.decisions.back() == target;
    }
  }

  const base::Config& config_;
  const std::string title_;
  const Objective& objective_;
  const std::unique_ptr<Examples> data_;
  const std::vector<std::string_view> settings_;
  data::Loader loader_;
  Learner<models::Model, StepLoss> learner_;
  Jitted<Judge> judge_;
  double flops_ = 0;
};

}  // namespace

SupervisedParts supervised_parts(const base::Config& config) {
  const models::Architecture& architecture = models::architecture(config.string_at("model.kind"));
  SupervisedParts parts{.objective = &objective_of(architecture.returns),
                        .data = data_kind(config.string_at("data.kind")).open(config),
                        .settings = models::settings_of(architecture)};
  const Key key(config.int_at("run.seed"));
  parts.model = architecture.make(config, parts.data->extents(), key);
  parts.title = architecture.title(config) + " on " + parts.data->name();
  return parts;
}

std::unique_ptr<Task> make_supervised_task(const base::Config& config, SupervisedParts parts) {
  return std::make_unique<SupervisedTask>(config, std::move(parts));
}

}  // namespace strata::train
