// A model with its optimiser, and the jitted steps that change both: what every task that trains by gradients has.
//
//   Learner<Net, NetLoss> learner(config, std::move(net));
//   StepResult r = learner.step({{x, y}}, learning_rate);
//
// Loss is a function: Tensor operator()(const Model&, const Tensor& x, const Tensor& y, nn::Context&) const. Its state,
// if it has any, stays as it is.
// A step commits only when loss, gradients and all that it would commit (parameters, optimiser state, running
// statistics) are finite, or with optim.commit = "finite_loss" when the loss is; else, and when it throws, everything
// stays as it was. A step that was not finite is replayed to name the first op that made a NaN. Random numbers of a
// step (dropout) depend on seed, step and sample alone.
#pragma once

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "strata/base/error/error.h"
#include "strata/nn/context.h"
#include "strata/optim/accumulate.h"
#include "strata/runtime/execute/finite.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/train/config/recipe.h"
#include "strata/train/run/tree_state.h"

namespace strata::train {

/// The inputs of one step and what they should give.
struct Sample {
  Tensor x, y;
};

template <class Model, class Loss>
class Learner {
 public:
  Learner(const base::Config& config, Model model, Loss loss = {})
      : model_(std::move(model)),
        optimiser_(start_optimiser(config, leaves_of(model_))),
        key_(step_key(config)),
        whole_(jit(Whole{loss}, step_options(config, "step"))),
        gather_(jit(Gather{loss}, step_options(config, "gradients"))),
        apply_(jit(Apply{}, step_options(config, "update"))) {
    key_.bits.evaluate();
  }

  const Model& model() const { return model_; }
  int64_t parameters() const { return parameter_count(model_); }

  /// One optimiser step on the mean loss of the samples (several: their gradients are averaged).
  StepResult step(std::span<const Sample> samples, double learning_rate) {
    StepResult result;
    // What a step changes before it is refused: statistics of earlier small batches, and the rate. A step of one batch
    // changes no more, and writes into the model's memory where nobody else holds it.
    const std::optional<Model> model = samples.size() > 1 ? std::optional(model_) : std::nullopt;
    const double rate = optimiser_.lr();
    optimiser_.set_lr(learning_rate);
    try {
      result.is_finite = samples.size() == 1 ? whole_step(samples[0], result) : gathered_step(samples, result);
    } catch (const runtime::NotFinite& error) {
      const bool is_sum = error.name.starts_with("total.") || error.name.starts_with("loss_total");
      if (!is_sum) result.refused = error.found;
      result.is_finite = false;
      result.loss = std::numeric_limits<double>::quiet_NaN();
    } catch (...) {
      put_back(model, rate);
      throw;
    }
    if (result.is_finite) {
      ++steps_done_;
    } else {
      put_back(model, rate);
      result.culprit = culprit(samples);
    }
    return result;
  }

  /// The program of a step on a sample; compiled if it wasn't, and nothing changes.
  std::shared_ptr<const runtime::Executable> program(const Sample& sample) {
    Model model = model_;
    optim::Optimiser optimiser = optimiser_;
    whole_(model, optimiser, sample.x, sample.y, key_);
    return whole_.executable();
  }

  void save(Snapshot& snapshot) const {
    save_leaves(snapshot, "model", leaves_of(model_));
    save_leaves(snapshot, "optimiser", leaves_of(optimiser_));
  }
  void restore(const Snapshot& snapshot) {
    restore_leaves(snapshot, "model", leaves_of(model_));
    restore_leaves(snapshot, "optimiser", leaves_of(optimiser_));
    steps_done_ = static_cast<int64_t>(optimiser_.step().item());
  }

 private:
  using Sum = optim::GradientSum<Model>;

  static auto differentiate(const Loss& loss, const Model& m, const Tensor& x, const Tensor& y, nn::Context& context) {
    return value_and_grad([&](const Model& m) { return loss(m, x, y, context); }, m);
  }
  struct Whole {
    Loss loss_of;
    std::pair<Tensor, Tensor> operator()(Model& m, optim::Optimiser& optimiser, Tensor x, Tensor y, Key key) const {
      nn::Context context(nn::Mode::Train, key.fold_in(optimiser.step()));
      auto [loss, grads] = differentiate(loss_of, m, x, y, context);
      Tensor is_committed = optimiser.update(m, grads, loss);
      context.commit(m, is_committed);
      return {loss, is_committed};
    }
  };
  /// Running statistics follow each small batch, as they would if it were a step of its own.
  struct Gather {
    Loss loss_of;
    void operator()(Model& m, Sum& sum, Tensor x, Tensor y, Key key, Tensor place) const {
      nn::Context context(nn::Mode::Train, key.fold_in(place));
      auto [loss, grads] = differentiate(loss_of, m, x, y, context);
      sum.add(grads, loss);
      context.commit(m, is_finite(loss));
    }
  };
  struct Apply {
    std::pair<Tensor, Tensor> operator()(Model& m, optim::Optimiser& optimiser, Sum sum) const {
      const Model grads = sum.take();
      Tensor is_committed = optimiser.update(m, grads, sum.loss());
      return {sum.loss(), is_committed};
    }
  };

  void put_back(const std::optional<Model>& model, double rate) {
    if (model) model_ = *model;
    optimiser_.set_lr(rate);
  }

  bool whole_step(const Sample& sample, StepResult& result) {
    const auto [loss, is_committed] = whole_(model_, optimiser_, sample.x, sample.y, key_);
    result.loss = loss.item();
    return is_committed.item() != 0;
  }

  bool gathered_step(std::span<const Sample> samples, StepResult& result) {
    Sum sum(model_);
    for (size_t i = 0; i < samples.size(); ++i)
      gather_(model_, sum, samples[i].x, samples[i].y, key_, place(i, samples.size()));
    const auto [loss, is_committed] = apply_(model_, optimiser_, std::as_const(sum));
    result.loss = loss.item();
    return is_committed.item() != 0;
  }
  /// Which of all small batches is number i of this step.
  Tensor place(size_t i, size_t count) const {
    return Tensor::scalar(static_cast<double>(steps_done_) * static_cast<double>(count) + static_cast<double>(i),
                          DType::i64);
  }

  /// The op that made the first NaN or infinity of a step that changed nothing.
  std::string culprit(std::span<const Sample> samples) {
    if (samples.size() == 1) return whole_.first_non_finite(model_, optimiser_, samples[0].x, samples[0].y, key_);
    std::string found;
    for (size_t i = 0; i < samples.size() && found.empty(); ++i) {
      Sum fresh(model_);
      const Tensor at = place(i, samples.size());
      found = gather_.first_non_finite(model_, fresh, samples[i].x, samples[i].y, key_, at);
    }
    return found;
  }

  Model model_;
  optim::Optimiser optimiser_;
  Key key_;
  int64_t steps_done_ = 0;
  Jitted<Whole> whole_;
  Jitted<Gather> gather_;
  Jitted<Apply> apply_;
};

}  // namespace strata::train
