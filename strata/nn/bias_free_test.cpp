// Layers that are told to learn no bias, or nothing, have no leaf for it: loops over a tree meet defined tensors alone.
#include <gtest/gtest.h>

#include "strata/base/bytes/temp_folder.h"
#include "strata/nn/attention.h"
#include "strata/nn/conv.h"
#include "strata/nn/norm.h"
#include "strata/nn/precision.h"
#include "strata/nn/state_dict.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::nn {
namespace {

struct Net {
  Conv2d conv{1, 4, 3, {.has_bias = Bias::None}};
  ConvTranspose2d up{4, 4, 3, {.has_bias = Bias::None}};
  BatchNorm batch_norm{.channels = 4, .affine = Affine::None};
  GroupNorm group_norm{.groups = 2, .channels = 4, .affine = Affine::WithoutBias};
  Linear linear{4, 6, Bias::None};
  LayerNorm layer_norm{.width = 6, .affine = Affine::WithoutBias}, plain_norm{.width = 6, .affine = Affine::None};
  RmsNorm rms_norm{.width = 6, .affine = Affine::None};
  MultiHeadAttention attention{6, 2, {.has_bias = Bias::None}};
  STRATA_FIELDS(conv, up, batch_norm, group_norm, linear, layer_norm, plain_norm, rms_norm, attention)

  Tensor operator()(const Tensor& x, Context& context) const {
    const Tensor images = group_norm(batch_norm(up(conv(x)), context));
    const Tensor rows = rms_norm(plain_norm(layer_norm(linear(mean(images, {2, 3})))));
    return attention(reshape(rows, {rows.dim(0), 1, 6}), context);
  }
};

std::vector<std::string> paths_of(Net& net) {
  std::vector<std::string> paths;
  for (const Leaf& leaf : leaves_of(net).list) {
    EXPECT_TRUE(leaf.tensor().defined()) << leaf.paths[0];
    paths.push_back(leaf.paths[0]);
  }
  return paths;
}

TEST(BiasFreeLayers, HaveNoLeafForWhatTheyDoNotLearn) {
  Net net = init<Net>(Key(1));
  const std::vector<std::string> expected = {"conv.weight",
                                             "up.weight",
                                             "batch_norm.running_mean",
                                             "batch_norm.running_var",
                                             "batch_norm.num_batches_tracked",
                                             "group_norm.weight",
                                             "linear.weight",
                                             "layer_norm.weight",
                                             "attention.in_proj_weight",
                                             "attention.out_proj.weight"};
  EXPECT_EQ(paths_of(net), expected);
  for (const Leaf& leaf : leaves_of(net).list) EXPECT_GE(leaf.tensor().rank(), 0);
}

TEST(BiasFreeLayers, TrainSaveAndConvertAsOthersDo) {
  Net net = init<Net>(Key(1));
  const Tensor x = normal(Key(2), {3, 1, 5, 5});
  auto step = jit([](Net& n, const Tensor& images, const Key& key) {
    Context context(Mode::Train, key);
    auto [loss, grads] = value_and_grad([&](const Net& m) { return sum(square(m(images, context))); }, n);
    const Leaves to = leaves_of(n), from = leaves_of(grads);
    for (size_t i = 0; i < to.list.size(); ++i)
      if (to.list[i].kind == LeafKind::Parameter) to.list[i].assign(to.list[i].tensor() - from.list[i].tensor() * 0.01);
    context.commit(n);
    return loss;
  });
  const double first = step(net, x, Key(3)).item();
  for (int i = 0; i < 3; ++i) step(net, x, Key(3));
  EXPECT_LT(step(net, x, Key(3)).item(), first);
  EXPECT_EQ(step.recordings(), 1);
  const base::TempFolder folder;
  save_safetensors(folder / "net.safetensors", net);
  Net loaded = init<Net>(Key(5));
  load_safetensors(folder / "net.safetensors", loaded);
  Context evaluation;
  EXPECT_TRUE(loaded(x, evaluation).array().same_bits(net(x, evaluation).array()));
  Net half = cast_parameters(net, DType::bf16);
  EXPECT_EQ(paths_of(half).size(), 10u);
}

TEST(BiasFreeLayers, ABiasThatIsGivenAnywayIsALeaf) {
  Linear linear{2, 3, Bias::None};
  init(linear, Key(1));
  EXPECT_EQ(leaves_of(linear).list.size(), 1u);
  linear.bias = Tensor::zeros({3});
  EXPECT_EQ(leaves_of(linear).list.size(), 2u);
}

}  // namespace
}  // namespace strata::nn
