// A training loop of your own: a small network on Fashion-MNIST, one epoch, in one compiled step.
#include <cstdio>

#include "strata/strata.h"

using namespace strata;

struct Mlp {
  nn::Linear hidden{784, 128}, out{128, 10};
  STRATA_FIELDS(hidden, out)
  Tensor operator()(const Tensor& x_BCHW) const { return out(relu(hidden(reshape(x_BCHW, {x_BCHW.dim(0), 784})))); }
};

int main() try {
  const data::FashionMnist images =
      data::fashion_mnist();  // finds the installed files, or says which package to install
  auto train = std::make_shared<data::ImageDataset>(images.train.images, images.train.labels, 10,
                                                    data::ImageTransform{{0.2860}, {0.3530}});
  auto test = std::make_shared<data::ImageDataset>(images.test.images, images.test.labels, 10,
                                                   data::ImageTransform{{0.2860}, {0.3530}});
  auto model = nn::init<Mlp>(Key{0});
  auto adam = optim::AdamW{.lr = 1e-3}.start(model);

  auto step = jit([](Mlp& m, optim::Optimiser& opt, Tensor x, Tensor y) {
    auto [loss, grads] = value_and_grad([&](const Mlp& m) { return nn::cross_entropy(m(x), y); }, m);
    opt.update(m, grads);  // model and optimiser come back updated, in the memory that they had
    return loss;
  });
  data::Loader batches(train, {.batch_size = 128, .seed = 1});
  int count = 0;
  while (auto batch = batches.next()) {
    const Tensor loss = step(model, adam, Tensor(batch->arrays[0]), Tensor(batch->arrays[1]));
    if (++count % 100 == 0) print("step {:3d}  loss {:.4f}", count, loss);
  }

  auto correct = jit(
      [](const Mlp& m, Tensor x, Tensor y) { return sum(cast(eq(cast(argmax(m(x), 1), DType::i32), y), DType::i32)); });
  data::Loader held_out(test, {.batch_size = 500, .order = data::Order::Sequential});
  double right = 0;
  while (auto batch = held_out.next())
    right += correct(model, Tensor(batch->arrays[0]), Tensor(batch->arrays[1])).item();
  const double accuracy = right / static_cast<double>(test->size());
  print("accuracy {:.4f}", accuracy);
  return accuracy > 0.8 ? 0 : 1;
} catch (const base::Error& error) {
  std::fprintf(stderr, "%s\n", error.text().c_str());
  return base::exit_code(error.kind());
}
