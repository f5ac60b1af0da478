#include "strata/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/optim/ranges.h"

namespace strata::optim {
namespace {

/// The rate `into` steps into a part.
double rate_in(const Schedule::Part& part, double into) {
  if (part.shape == Schedule::Shape::Constant || part.length == 0) return part.last;
  const double way = std::clamp(into / static_cast<double>(part.length), 0.0, 1.0);
  const double share = part.shape == Schedule::Shape::Linear ? 1 - way : 0.5 * (1 + std::cos(std::numbers::pi * way));
  return part.last + (part.first - part.last) * share;
}

Tensor rate_in(const Schedule::Part& part, const Tensor& into, Source at) {
  if (part.shape == Schedule::Shape::Constant || part.length == 0) return Tensor::scalar(part.last, DType::f64);
  const Tensor way = clamp(div(into, static_cast<double>(part.length), at), 0.0, 1.0, at);
  const Tensor share =
      part.shape == Schedule::Shape::Linear ? 1.0 - way : (cos(way * std::numbers::pi, at) + 1.0) * 0.5;
  return share * (part.first - part.last) + part.last;
}

void check_parts(std::string_view owner, const std::vector<Schedule::Part>& parts) {
  if (parts.empty()) throw base::Error(base::code::kRateSchedule, "a schedule without parts");
  for (size_t i = 0; i < parts.size(); ++i) {
    const Schedule::Part& part = parts[i];
    if (part.length < 0)
      throw base::Error(base::code::kRateSchedule, "a schedule's part of " + std::to_string(part.length) + " steps");
    base::OptionCheck(base::code::kOptionOutOfRange, owner)
        .integer("shape", static_cast<int64_t>(part.shape), base::Bounds::between(0, 2))
        .number("first", part.first, kLearningRate)
        .number("last", part.last, kLearningRate);
    if (part.length == Schedule::kEndless && i + 1 < parts.size())
      throw base::Error(base::code::kRateSchedule, "something follows a part of a schedule that never ends");
  }
}

}  // namespace

Schedule::Schedule(std::vector<Part> parts, Source at) : parts_(std::move(parts)) {
  ops::noting_line(at, [&] { check_parts("schedule", parts_); });
}

double Schedule::operator()(int64_t step) const {
  size_t i = 0;
  for (; i + 1 < parts_.size() && step >= parts_[i].length; ++i) step -= parts_[i].length;
  return rate_in(parts_[i], step);
}

Tensor Schedule::operator()(const Tensor& step, Source at) const {
  const Tensor now = cast(step, DType::f64, at);
  Tensor rate;
  double first = 0;
  for (const Part& part : parts_) {
    const Tensor here = rate_in(part, now - first, at);
    rate = rate.defined() ? select(now >= first, here, rate, at) : here;
    first += static_cast<double>(part.length);
  }
  return rate;
}

Schedule Schedule::then(const Schedule& next, Source at) const {
  std::vector<Part> parts = parts_;
  parts.insert(parts.end(), next.parts_.begin(), next.parts_.end());
  return Schedule(std::move(parts), at);
}

Schedule Schedule::scaled(double factor, Source at) const {
  std::vector<Part> parts = parts_;
  for (Part& p : parts) p.first *= factor, p.last *= factor;
  ops::noting_line(at, [&] {
    base::OptionCheck(base::code::kOptionOutOfRange, "scaled").number("factor", factor, kRateFactor);
    check_parts("scaled", parts);
  });
  return Schedule(std::move(parts), at);
}

namespace {

void check_rates(Source at, std::string_view name, std::initializer_list<std::pair<std::string_view, double>> rates) {
  ops::noting_line(at, [&] {
    for (const auto& [field, rate] : rates)
      base::OptionCheck(base::code::kOptionOutOfRange, name).number(field, rate, kLearningRate);
  });
}

}  // namespace

Schedule constant(double lr, int64_t steps, Source at) {
  check_rates(at, "constant", {{"lr", lr}});
  return Schedule({{Schedule::Shape::Constant, lr, lr, steps}}, at);
}
Schedule linear(double first, double last, int64_t steps, Source at) {
  check_rates(at, "linear", {{"first", first}, {"last", last}});
  return Schedule({{Schedule::Shape::Linear, first, last, steps}}, at);
}
Schedule cosine(double first, double last, int64_t steps, Source at) {
  check_rates(at, "cosine", {{"first", first}, {"last", last}});
  return Schedule({{Schedule::Shape::Cosine, first, last, steps}}, at);
}
Schedule warmup(int64_t steps, double lr, Source at) {
  check_rates(at, "warmup", {{"lr", lr}});
  if (steps <= 0) return Schedule({{Schedule::Shape::Constant, lr, lr, steps}}, at);
  // The last step of the ramp is a part of its own: what goes on behind it has the rate that was asked for.
  const double one = lr / static_cast<double>(steps);
  return Schedule({{Schedule::Shape::Linear, one, lr, steps - 1}, {Schedule::Shape::Constant, lr, lr, 1}}, at);
}
Schedule steps(double lr, double factor, const std::vector<int64_t>& milestones, Source at) {
  check_rates(at, "steps", {{"lr", lr}});
  ops::noting_line(
      at, [&] { base::OptionCheck(base::code::kOptionOutOfRange, "steps").number("factor", factor, kRateFactor); });
  std::vector<Schedule::Part> parts;
  int64_t before = 0;
  for (int64_t step : milestones) {
    parts.push_back({Schedule::Shape::Constant, lr, lr, step - before});
    before = step;
    lr *= factor;
  }
  parts.push_back({Schedule::Shape::Constant, lr, lr, Schedule::kEndless});
  return Schedule(std::move(parts), at);
}

}  // namespace strata::optim
