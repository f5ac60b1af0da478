// Chapter 2: gradients.
#include <cmath>

#include "strata/strata.h"

using namespace strata;

// A tree: STRATA_FIELDS names its leaves, and everything that takes a tree walks them.
struct Line {
  Tensor slope, offset;
  STRATA_FIELDS(slope, offset)
};

int main() {
  const Tensor x = Tensor::from({0.0, 1.0, 2.0, 3.0}), y = Tensor::from({1.0, 3.0, 5.0, 7.0});
  Line line{Tensor::scalar(0, DType::f64), Tensor::scalar(0, DType::f64)};
  auto loss = [&](const Line& l) { return mean(square(l.slope * x + l.offset - y)); };

  // value_and_grad gives the loss and a tree like the argument with gradients in place of the leaves.
  for (int i = 0; i < 200; ++i) {
    const auto [value, grads] = value_and_grad(loss, line);
    line.slope = (line.slope - grads.slope * 0.1).evaluate();
    line.offset = (line.offset - grads.offset * 0.1).evaluate();
    if (i % 50 == 0) print("loss {:.6f}", value);
  }
  print("y = {:.4f} x + {:.4f}", line.slope, line.offset);

  // A gradient is an ordinary program: differentiate it again, to any order.
  auto cube = [](const Tensor& t) { return t * t * t; };
  auto first = [&](const Tensor& t) { return grad(cube, t); };
  auto second = [&](const Tensor& t) { return grad(first, t); };
  const Tensor two = Tensor::scalar(2, DType::f64);
  print("t^3 at 2: {:g}, {:g}, {:g}, {:g}", cube(two), first(two), second(two), grad(second, two));

  const bool is_line = std::fabs(line.slope.item() - 2) < 1e-3 && std::fabs(line.offset.item() - 1) < 1e-3;
  return is_line && second(two).item() == 12 && grad(second, two).item() == 6 ? 0 : 1;
}
