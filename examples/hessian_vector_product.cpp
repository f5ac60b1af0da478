// The product of a Hessian with a vector, without the Hessian: forward mode over reverse mode. Newton's method on the
// Rosenbrock function by conjugate gradients then needs nothing else.
#include "strata/strata.h"

using namespace strata;

Tensor rosenbrock(const Tensor& x) {
  const int64_t n = x.size(0);
  const Tensor head = slice_axis(x, 0, {.first = 0, .limit = Dim(n - 1)}), tail = slice_axis(x, 0, {.first = 1});
  const Tensor valley = tail - head * head, rest = 1.0 - head;
  return sum(100.0 * valley * valley + rest * rest);
}

Tensor solve(const Tensor& x, const Tensor& gradient) {  // H p = -gradient
  Tensor p = zeros_like(x), residual = -gradient, direction = residual;
  double size = sum(residual * residual).item();
  for (int i = 0; i < 20 && size > 1e-20; ++i) {
    const Tensor h = hvp(rosenbrock, x, direction);
    const double curvature = sum(direction * h).item();
    if (curvature <= 0) return i == 0 ? residual : p;  // not convex here: as far as we have come
    const double step = size / curvature;
    p = p + direction * step;
    residual = residual - h * step;
    const double next = sum(residual * residual).item();
    direction = residual + direction * (next / size);
    size = next;
  }
  return p;
}

int main() {
  Tensor x = Tensor::from({1.2, 1.0, 1.1, 0.8});
  for (int i = 0; i < 60; ++i) {
    const auto [value, gradient] = value_and_grad(rosenbrock, x);
    if (i % 10 == 0) print("step {:2d}  f = {:.6g}", i, value);
    if (value.item() < 1e-18) break;
    const Tensor p = solve(x, gradient);
    double scale = 1;  // halve the step until the value falls
    while (scale > 1e-6 && rosenbrock(x + p * scale).item() > value.item()) scale /= 2;
    x = (x + p * scale).evaluate();
  }
  print("x = {}", x);
  return rosenbrock(x).item() < 1e-12 ? 0 : 1;
}
