#include "bench/harness/contest.h"

#include <algorithm>
#include <chrono>

namespace strata::bench {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const size_t half = values.size() / 2;
  std::sort(values.begin(), values.end());
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::vector<double> contest(std::span<const Contestant> contestants, int rounds) {
  std::vector<std::vector<double>> times(contestants.size());
  for (const Contestant& c : contestants) c.seconds();
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < contestants.size(); ++i) times[i].push_back(contestants[i].seconds());
  std::vector<double> medians;
  for (auto& list : times) medians.push_back(median(std::move(list)));
  return medians;
}

double wall_seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::function<double()> burst(std::function<void()> work, double least_seconds) {
  return [work = std::move(work), least_seconds] {
    double total = 0;
    int count = 0;
    for (; total < least_seconds || count == 0; ++count) total += wall_seconds(work);
    return total / count;
  };
}

}  // namespace strata::bench
