#include "strata/report/svg/series.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace strata::report {

std::vector<double> smooth(std::span<const double> values, double half_life) {
  double sum = 0, weight = 0, seen = 0;
  std::vector<double> out(values.begin(), values.end());
  for (double& value : out) {
    if (!std::isfinite(value)) continue;
    const double life = std::min(half_life, 1 + seen++ / 8);
    const double keep = life > 0 ? std::pow(0.5, 1 / life) : 0;
    sum = keep * sum + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    value = sum / weight;
  }
  return out;
}

std::vector<Series> loss_series(std::vector<double> steps, std::vector<double> train,
                                std::vector<double> validation_steps, std::vector<double> validation) {
  std::vector<double> average = smooth(train, std::max(1.0, static_cast<double>(train.size()) / 50));
  std::vector<Series> out;
  out.push_back({.name = "train, each step", .x = steps, .y = std::move(train), .mark = Mark::FaintLine, .colour = 0});
  out.push_back({.name = "train", .x = std::move(steps), .y = std::move(average), .mark = Mark::Line, .colour = 0});
  if (!validation.empty()) {
    out.push_back({.name = "validation",
                   .x = std::move(validation_steps),
                   .y = std::move(validation),
                   .mark = Mark::LineAndPoints,
                   .colour = 1});
  }
  return out;
}

}  // namespace strata::report
