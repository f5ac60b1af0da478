// Axes: the range shown, ticks on round numbers, and the map from a value to a place.
//
// Units: with Axis::unit the label carries one prefix for all ticks ("throughput (k tok/s)", ticks 2, 4, 6), seconds
// become minutes or hours when long, bytes use 1024. Without a unit a large tick carries its own suffix ("20k").
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace strata::report {

enum class Scale { Linear, Log };

struct Axis {
  std::string label;
  std::string unit = {};  ///< "s", "B", "%", "tok/s", ...; empty for a bare number
  Scale scale = Scale::Linear;
  std::optional<double> low = {}, high = {};  ///< fixed ends; by default the data's
};

/// The smallest and the largest drawable value seen.
struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  bool empty() const { return low > high; }
  void add(double value);
};

/// Whether a value has a place on this scale: finite, not beyond 1e300 (spans must not overflow), and positive for a
/// log axis.
bool drawable(double value, Scale scale);

struct Tick {
  double value;
  std::string label;
};

/// An axis with its range and ticks settled.
struct AxisView {
  Scale scale = Scale::Linear;
  double low = 0, high = 1;  ///< low < high; positive for a log axis
  std::string label;         ///< with unit and prefix
  std::vector<Tick> ticks;   ///< ascending, within [low, high]

  /// Where `value` stands between low (0) and high (1).
  double position(double value) const;
};

/// Settles an axis for data of this extent (empty: the range 0 to 1).
/// `margin` is the part of the span left free at each end that Axis does not fix; `ticks` about how many are wanted.
AxisView settle_axis(const Axis& axis, Extent data, double margin, int ticks);

/// A number for people: four significant digits at most, k M G T from 10,000 on, 3e-04 style below 1/1000, "nan",
/// "inf".
std::string readable_number(double value);

}  // namespace strata::report
