// An LSTM on a real sequence: the yearly sunspot numbers of 1900 to 1999 (SILSO, Royal Observatory of Belgium, version
// 1 of the series), each year predicted from the twenty before it. The recurrence is one `scan`, so the step compiles
// once whatever the length.
#include "strata/strata.h"

using namespace strata;

constexpr float kSunspots[] = {
    9.5f,   2.7f,   5.0f,   24.4f,  42.0f,  63.5f,  53.8f,  62.0f,  48.5f,  43.9f,  18.6f,  5.7f,   3.6f,
    1.4f,   9.6f,   47.4f,  57.1f,  103.9f, 80.6f,  63.6f,  37.6f,  26.1f,  14.2f,  5.8f,   16.7f,  44.3f,
    63.9f,  69.0f,  77.8f,  64.9f,  35.7f,  21.2f,  11.1f,  5.7f,   8.7f,   36.1f,  79.7f,  114.4f, 109.6f,
    88.8f,  67.8f,  47.5f,  30.6f,  16.3f,  9.6f,   33.2f,  92.6f,  151.6f, 136.3f, 134.7f, 83.9f,  69.4f,
    31.5f,  13.9f,  4.4f,   38.0f,  141.7f, 190.2f, 184.8f, 159.0f, 112.3f, 53.9f,  37.6f,  27.9f,  10.2f,
    15.1f,  47.0f,  93.8f,  105.9f, 105.5f, 104.5f, 66.6f,  68.9f,  38.0f,  34.5f,  15.5f,  12.6f,  27.5f,
    92.5f,  155.4f, 154.6f, 140.4f, 115.9f, 66.6f,  45.9f,  17.9f,  13.4f,  29.4f,  100.2f, 157.6f, 142.6f,
    145.7f, 94.3f,  54.6f,  29.9f,  17.5f,  8.6f,   21.5f,  64.3f,  93.3f};
constexpr int kYears = 100, kWindow = 20, kTrain = 60;

int main() {
  std::vector<float> windows, targets;
  for (int i = 0; i + kWindow < kYears; ++i) {
    for (int t = 0; t < kWindow; ++t) windows.push_back(kSunspots[i + t] / 100);
    targets.push_back(kSunspots[i + kWindow] / 100);
  }
  const int count = static_cast<int>(targets.size());
  const Tensor all_x = Tensor::from(std::span<const float>(windows), {count, kWindow, 1});
  const Tensor all_y = Tensor::from(std::span<const float>(targets), {count, 1});
  auto part = [](const Tensor& t, int first, int limit) {
    return slice_axis(t, 0, {.first = first, .limit = Dim(limit)}).evaluate();
  };

  models::LstmRegressor model;
  nn::init(model, Key{0});
  auto adam = optim::Adam{.lr = 0.01, .clip_norm = 1}.start(model);
  // The model speaks after each year; what it says after the last one is the prediction.
  auto error = [](const models::LstmRegressor& m, const Tensor& x, const Tensor& y) {
    return mean(square(reshape(slice_axis(m(x), 1, {.first = kWindow - 1}), {x.dim(0), 1}) - y));
  };
  auto step = jit([&](models::LstmRegressor& m, optim::Optimiser& opt, Tensor x, Tensor y) {
    auto [loss, grads] = value_and_grad([&](const models::LstmRegressor& m) { return error(m, x, y); }, m);
    opt.update(m, grads);
    return loss;
  });
  const Tensor x = part(all_x, 0, kTrain), y = part(all_y, 0, kTrain);
  for (int i = 0; i < 150; ++i) {
    const Tensor loss = step(model, adam, x, y);
    if (i % 50 == 0) print("step {:3d}  loss {:.4f}", i, loss);
  }
  const Tensor test_x = part(all_x, kTrain, count), test_y = part(all_y, kTrain, count);
  const double ours = error(model, test_x, test_y).item();
  // What is to be beaten: next year is like this year.
  const Tensor last = reshape(slice_axis(test_x, 1, {.first = kWindow - 1}), {count - kTrain, 1});
  const double same = mean(square(last - test_y)).item();
  print("held-out mean squared error {:.4f}; of 'as last year' {:.4f}", ours, same);
  return ours < same ? 0 : 1;
}
