// Autograd in one page: f(x1, x2) = ln x1 + x1 x2 - sin x2 at (2, 5), the running example of the automatic
// differentiation survey (Baydin, Pearlmutter, Radul, Siskind, 2018, table 2): f = 11.652, df/dx1 = 5.5, df/dx2
// = 1.7163.
#include <cmath>

#include "strata/strata.h"

using namespace strata;

struct Point {
  Tensor x1, x2;
  STRATA_FIELDS(x1, x2)
};

int main() {
  const Point at{Tensor::scalar(2, DType::f64), Tensor::scalar(5, DType::f64)};
  auto f = [](const Point& p) { return log(p.x1) + p.x1 * p.x2 - sin(p.x2); };

  const auto [value, gradient] = value_and_grad(f, at);  // reverse mode: one pass for all inputs
  const Point direction{Tensor::scalar(1, DType::f64), Tensor::scalar(0, DType::f64)};
  const auto [same, slope] = jvp(f, at, direction);  // forward mode: one direction

  print("f        = {:.4f}", value);
  print("gradient = ({:.4f}, {:.4f})", gradient.x1, gradient.x2);
  print("along x1 = {:.4f}", slope);
  const bool is_right = std::fabs(gradient.x1.item() - 5.5) < 1e-12 &&
                        std::fabs(gradient.x2.item() - 1.7163378145367738) < 1e-12 &&
                        std::fabs(slope.item() - 5.5) < 1e-12 && same.item() == value.item();
  return is_right ? 0 : 1;
}
