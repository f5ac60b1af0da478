// Learning rates over the steps: parts that follow each other.
//
//   const auto lr = optim::warmup(100, 3e-4).then(optim::cosine(3e-4, 3e-5, 5000));
//   for (int64_t step = 0; ...; ++step) { adam.set_lr(lr(step)); train(model, adam, x, y); }     // the host's way
//   adam.set_lr(lr(adam.step()));                                                               // the same inside jit
//
// The rate is an input of the compiled step: no value of it records again.
#pragma once

#include <cstdint>
#include <vector>

#include "strata/tensor/tensor.h"

namespace strata::optim {

class Schedule {
 public:
  enum class Shape : uint8_t { Constant, Linear, Cosine };
  /// From `first` at its step 0 to `last` at its step `length`, where the next part begins; the last part goes on with
  /// `last`.
  struct Part {
    Shape shape;
    double first, last;
    int64_t length;  ///< steps; kEndless for the last part
  };
  static constexpr int64_t kEndless = INT64_MAX;

  /// E0513 for lengths that make no schedule, E0760 for a rate outside of kLearningRate (ranges.h).
  explicit Schedule(std::vector<Part> parts, Source at = Source::here());

  /// The rate of update number `step`, counted from 0; a number below 0 has the first rate.
  double operator()(int64_t step) const;
  /// The same of an integer scalar: an f64 scalar.
  Tensor operator()(const Tensor& step, Source at = Source::here()) const;

  /// This one for its length, then `next`. E0513 when this one never ends.
  Schedule then(const Schedule& next, Source at = Source::here()) const;
  /// All rates times `factor`; E0760 where that leaves kLearningRate.
  Schedule scaled(double factor, Source at = Source::here()) const;

 private:
  std::vector<Part> parts_;
};

// All rates and factors are checked (E0760): a rate is within kLearningRate (ranges.h).

Schedule constant(double lr, int64_t steps = Schedule::kEndless, Source at = Source::here());
Schedule linear(double first, double last, int64_t steps, Source at = Source::here());
/// Half a cosine wave from `first` down to `last` (Loshchilov and Hutter 2017).
Schedule cosine(double first, double last, int64_t steps, Source at = Source::here());
/// From lr / steps at step 0 up to lr at step `steps` - 1, so that no update has rate zero; then lr.
Schedule warmup(int64_t steps, double lr, Source at = Source::here());
/// lr, multiplied by `factor` at each of the milestones (ascending steps).
Schedule steps(double lr, double factor, const std::vector<int64_t>& milestones, Source at = Source::here());

}  // namespace strata::optim
