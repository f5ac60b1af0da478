// An op of your own with a gradient of your own: the straight-through estimator (Bengio, Leonard, Courville, 2013).
// Rounding has derivative 0 almost everywhere, so what is learnt through it would not learn; the backward function
// below passes the cotangent on where the input lies in the range that rounding can reach.
#include "strata/strata.h"

using namespace strata;

int main() {
  auto quantise = custom_vjp([](const Tensor& x) { return clamp(round(x), -4, 4); },
                             [](const Tensor& x) { return std::pair(clamp(round(x), -4, 4), x); },
                             [](const Tensor& x, const Tensor& cotangent) {
                               return select(lt(abs(x), 4.5), cotangent, zeros_like(cotangent));
                             });
  const Tensor x = Tensor::from({-7.f, -2.3f, 0.4f, 1.6f});
  auto loss = [&](const Tensor& x) { return sum(square(quantise(x) - 3)); };
  const auto [value, gradient] = value_and_grad(loss, x);
  const Tensor plain = grad([](const Tensor& x) { return sum(square(clamp(round(x), -4, 4) - 3)); }, x);

  print("quantised         {}", quantise(x));
  print("gradient          {}", gradient);
  print("without our own   {}", plain);
  const float expected[] = {0, -10, -6, -2};
  bool is_right = value.item() == 49 + 25 + 9 + 1;
  for (int i = 0; i < 4; ++i)
    is_right = is_right && gradient.data<float>()[i] == expected[i] && plain.data<float>()[i] == 0;
  return is_right ? 0 : 1;
}
