#include "strata/compiler/tune/task_scheduler.h"

#include <algorithm>

namespace strata::compiler::tune {

double expected_gain(const TaskProgress& task) {
  constexpr double kPast = 0.2;  // weight of what the last rounds brought
  constexpr size_t kWindow = 3;  // of rounds
  if (task.rounds.empty() || task.is_exhausted) return 0;
  const size_t done = task.rounds.size() - 1;
  const double now = task.rounds.back();
  const size_t window = std::min(done, kWindow);
  const double slope = window == 0 ? 0 : (task.rounds[done - window] - now) / static_cast<double>(window);
  // As if the time would go on to fall with the number of rounds, but never below the bound.
  const double hoped = std::max(0.0, std::min(now / static_cast<double>(done + 1), now - task.bound_seconds));
  return task.launches * (kPast * slope + (1 - kPast) * hoped);
}

std::optional<size_t> next_task(std::span<const TaskProgress> tasks) {
  std::optional<size_t> best;
  const auto is_new = [&](size_t t) { return tasks[t].rounds.size() <= 1; };
  const auto time = [&](size_t t) { return tasks[t].rounds.empty() ? 0 : tasks[t].launches * tasks[t].rounds.back(); };
  for (size_t t = 0; t < tasks.size(); ++t) {
    if (tasks[t].is_exhausted) continue;
    if (!best || (is_new(t) && !is_new(*best)) ||
        (is_new(t) == is_new(*best) &&
         (is_new(t) ? time(t) > time(*best) : expected_gain(tasks[t]) > expected_gain(tasks[*best]))))
      best = t;
  }
  return best;
}

}  // namespace strata::compiler::tune
