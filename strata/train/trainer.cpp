#include "strata/train/trainer.h"
#include "strata/base/environment/cache_folder.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <utility>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/config/config.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/terminal/format.h"
#include "strata/base/terminal/progress.h"
#include "strata/base/terminal/screen.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/machine/cpu_target.h"
#include "strata/machine/peaks.h"
#include "strata/train/config/recipe.h"
#include "strata/train/config/schema.h"
#include "strata/train/run/checkpoint.h"
#include "strata/train/run/run_report.h"
#include "strata/train/run/tree_state.h"
#include "strata/train/time_budget.h"

namespace strata::train {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kCheckpoint = "checkpoint.safetensors";

double steady_seconds() { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); }
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class Trainer {
 public:
  Trainer(const base::Config& config, const RunFolder& folder, Start start, const std::function<bool()>& is_to_stop)
      : config_(config),
        folder_(folder),
        start_(start),
        is_to_stop_(is_to_stop),
        task_(make_task(config)),
        history_(folder, resume()) {
    take_over_results();
  }

  TrainingResult run() {
    announce();
    if (steps_ == 0) settle_steps();
    if (step_ > steps_)
      throw base::Error(base::code::kPastTheEnd,
                        fmt::format("the checkpoint is at step {}, and the training has {}", step_, steps_))
          .hint("a longer train.steps or train.epochs goes on with it");
    const optim::Schedule rates = learning_rates(config_, steps_);
    base::ProgressBar bar({.label = "step", .total = steps_, .unit = task_->unit()});
    bar.advance(step_, 0);
    while (step_ < steps_) {
      take_step(bar, rates(step_));
      const bool is_last = step_ == steps_;
      const bool evaluates = is_last || step_ % evaluate_every() == 0;
      const bool saves = is_last || step_ % checkpoint_every() == 0;
      if (evaluates || saves) require_finite();
      if (evaluates) evaluate(bar);
      if (saves) checkpoint();
      if (!is_last && is_to_stop_ && is_to_stop_()) stop();
    }
    bar.finish();
    begin();
    result_.steps = step_;
    for (const Measure& m : task_->test()) result_.measures.push_back(m);
    write_report(config_, folder_, *task_, history_, result_);
    return result_;
  }

 private:
  std::optional<int64_t> resume() {
    if (start_ != Start::Resume) return std::nullopt;
    const Snapshot snapshot = load_checkpoint(folder_.file(kCheckpoint));
    task_->restore(snapshot);
    step_ = integer_fact(snapshot, "step");
    if (has_budget()) steps_ = integer_fact(snapshot, "steps");
    result_.seconds = static_cast<double>(integer_fact(snapshot, "milliseconds")) / 1e3;
    return step_;
  }

  /// What the resumed run measured last, until this one has measured something: its own steps may be none.
  void take_over_results() {
    if (!history_.train().empty()) {
      result_.last_loss = history_.train().back().loss;
      result_.units_per_second = history_.train().back().units_per_second;
    }
    if (!history_.evaluations().empty()) result_.measures = history_.evaluations().back().measures;
  }

  /// From here on the folder is this run's. Only once the data are there and a step is done: until then a run that is
  /// to be replaced stays whole.
  void begin() {
    if (std::exchange(has_begun_, true)) return;
    if (start_ == Start::Replace) folder_.remove_run();
    task_->prepare(folder_);
    base::write_file(folder_.file("config.toml"), std::string_view(resolved_config()));
    history_.open();
  }

  bool has_budget() const { return config_.float_at("train.seconds") > 0; }

  void settle_steps() {
    steps_ = planned_steps(config_, task_->steps_per_epoch());
    if (!has_budget()) return;
    const double seconds = config_.float_at("train.seconds");
    const int64_t most = steps_;
    steps_ = steps_within(seconds, most, *task_, learning_rates(config_, most), steady_seconds);
    base::write_human_line(
        fmt::format("{}{} steps fit into {}", steps_ == most ? "all " : "", steps_, base::duration_text(seconds)));
  }

  /// With the steps that a budget of time has become, and the data's path from the root: it says what was done on any
  /// machine, read from any folder.
  std::string resolved_config() const {
    std::vector<std::string> overrides;
    if (has_budget()) overrides = {"train.steps=" + std::to_string(steps_), "train.seconds=0"};
    if (const std::string path = config_.has("data.path") ? config_.string_at("data.path") : ""; !path.empty())
      overrides.push_back("data.path=" + base::toml_text(std::filesystem::absolute(path).lexically_normal().string()));
    return base::parse_config(training_schema(), config_.to_toml(), "config.toml", overrides).to_toml();
  }

  void announce() const {
    base::write_human_line(fmt::format("{}  {} parameters  {} threads, {}", task_->title(),
                                       base::count_text(task_->parameters()), base::ThreadPool::shared().thread_count(),
                                       machine::chosen_cpu_target().name));
  }

  int64_t evaluate_every() const {
    if (const int64_t every = config_.int_at("train.evaluate_every")) return every;
    const bool is_by_epochs = config_.int_at("train.steps") == 0 && !has_budget();
    return is_by_epochs ? task_->steps_per_epoch() : std::max<int64_t>(1, steps_ / 10);
  }
  int64_t checkpoint_every() const {
    const int64_t every = config_.int_at("train.checkpoint_every");
    return every ? every : evaluate_every();
  }

  void take_step(base::ProgressBar& bar, double learning_rate) {
    const auto start = Clock::now();
    const StepResult result = task_->step(learning_rate);
    if (!result.is_finite) throw not_finite(result);
    begin();
    const double seconds = seconds_since(start);
    ++step_;
    // The first step also compiles: it counts as time, not as speed.
    result_.seconds += seconds;
    if (steps_timed_++ > 0) {
      units_ += result.units;
      unit_seconds_ += seconds;
    }
    result_.last_loss = result.loss;
    result_.units_per_second = unit_seconds_ > 0 ? units_ / unit_seconds_ : 0;
    bar.show("loss", result.loss);
    if (unit_seconds_ > 0) bar.show("of peak", fmt::format("{:.0f} %", 100 * utilisation()));
    bar.advance(1, result.units);
    if (step_ % config_.int_at("train.log_every") == 0 || step_ == 1 || step_ == steps_)
      history_.add(TrainPoint{step_, result.loss, learning_rate, result_.units_per_second});
  }

  base::Error not_finite(const StepResult& result) const {
    const std::string what = result.refused.empty()
                                 ? fmt::format("loss or gradient is not finite (loss {})",
                                               std::isnan(result.loss) ? "nan" : fmt::format("{}", result.loss))
                                 : "the update is not finite: " + result.refused;
    base::Error error(base::code::kStepNotFinite, fmt::format("step {}: {}", step_ + 1, what));
    error.note(result.culprit.empty() ? "a replay of the step found no op that made it"
                                      : "first made by " + result.culprit);
    const std::string earlier = first_not_finite(state());
    if (!earlier.empty()) error.note(earlier + " already: an update before made it so");
    error.note(fmt::format("nothing of the step was committed{}",
                           folder_.has(kCheckpoint) ? "; the last checkpoint stands" : ""));
    return error.hint(result.refused.empty() ? "a smaller optim.learning_rate or optim.clip = 1.0 often helps"
                                             : "a larger optim.epsilon or a smaller optim.learning_rate often helps");
  }

  /// Steps look at what they commit; what was never rebound (a weight that was loaded) is looked at here. A state that
  /// isn't finite is never saved.
  void require_finite() const {
    const std::string wrong = first_not_finite(state());
    if (wrong.empty()) return;
    throw base::Error(base::code::kStepNotFinite, fmt::format("step {}: the update is not finite: {}", step_, wrong))
        .note(folder_.has(kCheckpoint) ? "it was not saved; the last checkpoint stands" : "it was not saved")
        .hint("a larger optim.epsilon or a smaller optim.learning_rate often helps");
  }

  [[noreturn]] void stop() const {
    require_finite();
    checkpoint();
    throw base::Error(base::code::kTrainingStopped,
                      fmt::format("the training was stopped after step {} of {}", step_, steps_))
        .hint(fmt::format("strata train {} --resume goes on from there", folder_.path()));
  }

  /// Arithmetic of the model over what all cores could do (f32 FMA, measured once per CPU).
  double utilisation() {
    return static_cast<double>(steps_timed_ - 1) * task_->flops_per_step() / unit_seconds_ /
           (peaks_.fma_gflops_all_threads * 1e9);
  }

  void evaluate(base::ProgressBar& bar) {
    const EvalPoint point{step_, task_->evaluate()};
    if (point.measures.empty()) return;
    history_.add(point);
    result_.measures = point.measures;
    for (const Measure& m : point.measures) bar.show(m.name, m.value);
  }

  Snapshot state() const {
    Snapshot snapshot;
    task_->save(snapshot);
    return snapshot;
  }

  void checkpoint() const {
    Snapshot snapshot = state();
    snapshot.facts["step"] = std::to_string(step_);
    snapshot.facts["steps"] = std::to_string(steps_);
    snapshot.facts["milliseconds"] = std::to_string(std::llround(result_.seconds * 1e3));
    try {
      save_checkpoint(folder_.file(kCheckpoint), snapshot);
    } catch (const base::Error& error) {
      if (!folder_.has(kCheckpoint)) throw;
      throw base::Error(error)
          .note("the checkpoint before still stands")
          .hint("strata train RUN --resume goes on from it");
    }
  }

  const base::Config& config_;
  const RunFolder& folder_;
  const Start start_;
  const std::function<bool()>& is_to_stop_;
  bool has_begun_ = false;
  const machine::MachinePeaks peaks_ = machine::machine_peaks(machine::chosen_cpu_target(), base::cache_folder());
  std::unique_ptr<Task> task_;
  int64_t step_ = 0, steps_timed_ = 0;
  int64_t steps_ = 0;  ///< of the whole training; 0: not settled yet
  double units_ = 0, unit_seconds_ = 0;
  TrainingResult result_;
  History history_;
};

}  // namespace

TrainingResult train(const base::Config& config, const RunFolder& folder, Start start,
                     const std::function<bool()>& is_to_stop) {
  if (const int64_t threads = config.int_at("run.threads")) base::ThreadPool::shared().set_thread_count(threads);
  return Trainer(config, folder, start, is_to_stop).run();
}

}  // namespace strata::train
