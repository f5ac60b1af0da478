#include "strata/train/time_budget.h"

#include <algorithm>
#include <cmath>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/train_codes.h"

namespace strata::train {
namespace {

constexpr int64_t kLeastSteps = 5;     // timed
constexpr double kMostSeconds = 3;     // of timed steps, when five don't take longer
constexpr double kBudgetShare = 0.05;  // of the budget, likewise

}  // namespace

int64_t steps_within(double seconds, int64_t most, Task& task, const optim::Schedule& learning_rates,
                     const std::function<double()>& clock) {
  base::OptionCheck(base::code::kOptionOutOfRange, "time budget")
      .number("seconds", seconds, base::Bounds::above(0))
      .integer("most", most, base::Bounds::at_least(1));
  Snapshot before;
  task.save(before);
  const double enough = std::min(kMostSeconds, seconds * kBudgetShare);
  double timed = 0;
  int64_t count = 0;
  // A step that is not finite ends the measurement: the training meets it again, and reports it.
  bool goes_on = task.step(learning_rates(0)).is_finite;
  while (goes_on && (count < kLeastSteps || timed < enough)) {
    const double start = clock();
    goes_on = task.step(learning_rates(count + 1)).is_finite;
    timed += clock() - start;
    ++count;
  }
  task.restore(before);
  if (count == 0) return most;
  const double fitting = std::floor(seconds * static_cast<double>(count) / timed);
  return fitting < static_cast<double>(most) ? std::max<int64_t>(1, static_cast<int64_t>(fitting)) : most;
}

}  // namespace strata::train
