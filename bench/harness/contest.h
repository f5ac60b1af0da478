// Times several contestants in turns, so that what else happens on the machine meets all alike, and takes medians.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace strata::bench {

struct Contestant {
  std::string name;
  std::function<double()> seconds;  ///< runs the work once or in a burst; seconds of one piece of work
};

/// One untimed turn each, then `rounds` turns each; the median of each, in their order.
std::vector<double> contest(std::span<const Contestant> contestants, int rounds);

/// Wall seconds of a call.
double wall_seconds(const std::function<void()>& work);
/// CPU seconds of the process in a call.
double cpu_seconds(const std::function<void()>& work);
/// Seconds of one call, in a burst of at least `least_seconds`. With one thread CPU time, which is what the work costs
/// whoever else is on the machine; with more threads wall time. The peers count the same way.
std::function<double()> burst(std::function<void()> work, int threads, double least_seconds = 0.1);

/// Says so on stderr when other programs keep the CPUs busy: wall times then say little about either side.
void warn_if_busy();

double median(std::vector<double> values);

}  // namespace strata::bench
