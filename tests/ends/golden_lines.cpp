#include "tests/ends/golden_lines.h"

#include <cmath>
#include <fstream>
#include <sstream>

#include "strata/base/error/error.h"
#include "strata/ops/conformance/ulp_distance.h"

namespace strata::ends {

using ir::DType;

std::vector<GoldenLine> golden_lines(const std::string& file, const std::string& name) {
  std::ifstream in("tests/ends/" + file + ".txt");
  std::vector<GoldenLine> found;
  for (std::string text; std::getline(in, text);) {
    std::istringstream words(text);
    GoldenLine line;
    words >> line.name;
    if (line.name != name) continue;
    for (std::string word; words >> word;)
      line.numbers.push_back(word == "-" ? kUnspoken : std::strtod(word.c_str(), nullptr));
    found.push_back(std::move(line));
  }
  return found;
}

ir::HostArray array_of(DType t, const std::vector<double>& numbers) {
  ir::HostArray array(t, {std::ssize(numbers)});
  for (size_t i = 0; i < numbers.size(); ++i) array.set(i, numbers[i]);
  return array;
}

double rounded(DType t, double x) { return array_of(t, {x}).get(0); }

namespace {

double step_at(double x) {
  const int exponent = x == 0 || !std::isfinite(x) ? -126 : std::max(std::ilogb(x), -126);
  return std::ldexp(1.0, exponent - 23);
}

}  // namespace

bool is_near(double golden, double found, double ulps, double scale, double steps) {
  if (golden == kUnspoken) return true;
  const double expected = rounded(DType::f32, golden);
  if (std::isnan(expected) || std::isnan(found)) return std::isnan(expected) == std::isnan(found);
  if (golden == 0 && std::signbit(golden) && found == 0) return std::signbit(found);
  if (expected == found) return true;
  if (std::isinf(expected) || std::isinf(found)) {
    // Where it overflows is known to within the same ulps.
    const double largest = 0x1.fffffep127, slack = ulps * 0x1p104;
    const bool is_at_the_threshold = std::fabs(golden) > largest - slack && std::fabs(golden) < largest + slack &&
                                     (std::isinf(found) || std::fabs(found) > largest - 2 * slack);
    return is_at_the_threshold && std::signbit(golden) == std::signbit(found);
  }
  const double most = ulps * step_at(std::max(std::fabs(golden), std::fabs(scale))) + steps * 0x1p-149;
  return std::fabs(golden - found) <= most;
}

bool has_digits_of(double golden, double found, double scale) {
  if (golden == kUnspoken) return true;
  if (std::isnan(golden) || std::isnan(found)) return std::isnan(golden) == std::isnan(found);
  if (golden == found) return true;
  if (std::fabs(golden) <= 1e-60) return std::fabs(found) <= 1e-60;
  if (std::fabs(golden) >= 1e300) return std::fabs(found) >= 1e300 && std::signbit(golden) == std::signbit(found);
  return std::fabs(golden - found) <= 1e-11 * std::max(std::fabs(golden), std::fabs(scale));
}

bool is_rounding_of(DType t, double wide, double found, double ulps) {
  const double slack = std::isfinite(wide) ? ulps * step_at(wide) : 0;
  const double low = rounded(t, wide - slack), high = rounded(t, wide + slack);
  if (std::isnan(wide) || std::isnan(found)) return std::isnan(wide) == std::isnan(found);
  return low <= found && found <= high;
}

}  // namespace strata::ends
