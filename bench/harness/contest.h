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
/// Seconds of one call, in a burst of at least `least_seconds`.
std::function<double()> burst(std::function<void()> work, double least_seconds = 0.1);

double median(std::vector<double> values);

}  // namespace strata::bench
