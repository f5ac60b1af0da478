// Chapter 4: training. Two moons, a small network, and the whole of a training step in one compiled program.
#include <cmath>

#include "strata/strata.h"

using namespace strata;

struct Mlp {
  nn::Linear hidden{2, 32}, out{32, 2};
  STRATA_FIELDS(hidden, out)
  Tensor operator()(const Tensor& x_BD) const { return out(tanh(hidden(x_BD))); }
};

struct Moons {
  Tensor x_BD, y_B;
};

Moons moons(int count) {
  std::vector<float> points;
  std::vector<int64_t> labels;
  for (int i = 0; i < count; ++i) {
    const int c = i % 2;
    const double angle = M_PI * (i / 2 + 0.5) / (count / 2), wobble = 0.1 * std::sin(37.0 * i);
    points.push_back(static_cast<float>((c ? 1 - std::cos(angle) : std::cos(angle)) + wobble));
    points.push_back(static_cast<float>((c ? 0.5 - std::sin(angle) : std::sin(angle)) - wobble));
    labels.push_back(c);
  }
  return {Tensor::from(std::span<const float>(points), {count, 2}),
          Tensor::from(std::span<const int64_t>(labels), {count})};
}

int main() {
  const Moons data = moons(200);
  auto model = nn::init<Mlp>(Key{0});
  auto adam = optim::AdamW{.lr = 0.02}.start(model);

  // Model and optimiser are rebound inside: they come back updated, in the memory that they had. With a budget the step
  // would compute twice what it has no memory to keep, in the same bits, or say what is alive when that is not enough.
  auto step = jit(
      [](Mlp& m, optim::Optimiser& opt, Tensor x_BD, Tensor y_B) {
        auto [loss, grads] = value_and_grad([&](const Mlp& m) { return nn::cross_entropy(m(x_BD), y_B); }, m);
        opt.update(m, grads);
        return loss;
      },
      {.memory_budget_bytes = 1'000'000});
  double loss = 0;
  for (int i = 0; i < 300; ++i) {
    loss = step(model, adam, data.x_BD, data.y_B).item();
    if (i % 100 == 0) print("step {:3d}  loss {:.4f}", i, loss);
  }
  const Tensor correct = eq(argmax(model(data.x_BD), 1), data.y_B);
  const double accuracy = mean(cast(correct, DType::f32)).item();
  print("loss {:.4f}, accuracy {:.3f}, {} recording", loss, accuracy, step.recordings());
  return accuracy > 0.98 && step.recordings() == 1 ? 0 : 1;
}
