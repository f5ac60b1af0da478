// The roofline model: how many operations a second a machine can do, by how many operations there are for each byte
// that is moved, and where kernels stand below that (Williams, Waterman and Patterson, "Roofline: An Insightful Visual
// Performance Model for Multicore Architectures", 2009).
//
//   op/s |        ________________ arithmetic
//        |      /      o
//        |    /   o                slope: bytes/s of a level of memory
//        |  / o
//        +------------------------ operations per byte
#pragma once

#include <string>
#include <vector>

#include "strata/report/svg/canvas.h"

namespace strata::report {

/// A ceiling. Dashed ones are for comparison, such as those of one thread.
struct Roof {
  std::string name;  ///< "L2, 2 threads"
  double rate = 0;   ///< operations or bytes per second
  bool is_dashed = false;
};

struct RooflinePoint {
  std::string label;
  double operations_per_byte = 0, operations_per_second = 0;
  std::size_t series = 0;   ///< index into the names of the series
  double weight = 0;        ///< share of the time, 0 to 1: how large it is drawn, and whose label comes first
  std::string detail = {};  ///< what a browser shows with it
};

struct Roofline {
  std::string title, subtitle;
  std::vector<Roof> arithmetic, memory;  ///< the highest of `arithmetic` ends the slopes
  std::vector<std::string> series;
  std::vector<RooflinePoint> points;
};

/// A canvas of at least 480 x 320 pixels. Labels stand where they touch nothing, the weightiest points' first; those
/// that find no place are left out, and a note counts them with the points that have no place on a log scale (no
/// operations, no time).
Canvas draw_roofline(const Roofline& roofline, double width = 1040, double height = 640);

}  // namespace strata::report
