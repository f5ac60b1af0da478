#include "bench/harness/contest.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "strata/base/terminal/screen.h"
#include "strata/base/threads/thread_pool.h"

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

double cpu_seconds(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

std::function<double()> burst(std::function<void()> work, int threads, double least_seconds) {
  return [work = std::move(work), threads, least_seconds] {
    double total = 0;
    int count = 0;
    for (; total < least_seconds || count == 0; ++count) total += threads == 1 ? cpu_seconds(work) : wall_seconds(work);
    return total / count;
  };
}

void warn_if_busy() {
  double load = 0;
  const int cpus = base::available_cpus();
  if (::getloadavg(&load, 1) == 1 && load > 0.5 * cpus)
    base::write_human_line(fmt::format(
        "bench: the machine is busy (load {:.1f} on {} CPUs): the figures of several threads are not to be trusted",
        load, cpus));
}

}  // namespace strata::bench
