// ResNet and MobileNetV2 beside PyTorch's (tools/golden/models.py): answers and gradients in f64, sizes, and refusals.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "strata/base/error/error.h"
#include "strata/base/testing/option_walk.h"
#include "strata/models/mobilenet.h"
#include "strata/models/resnet.h"
#include "strata/nn/testing/golden.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::models {
namespace {

/// made_up of tools/golden/models.py.
Tensor made_up(std::vector<int64_t> shape, uint32_t seed, double scale = 1, double offset = 0) {
  ir::HostArray array(DType::f64, std::move(shape));
  for (int64_t i = 0; i < array.elements(); ++i) {
    uint32_t h = static_cast<uint32_t>(i + 1) * 2654435761u + seed * 40503u;
    h = (h ^ h >> 15) * 2246822519u;
    h = (h ^ h >> 13) * 3266489917u;
    h ^= h >> 16;
    array.set(i, (h / 4294967296.0 - 0.5) * scale + offset);
  }
  return Tensor(std::move(array));
}

std::vector<int64_t> sizes_of(const Tensor& tensor) {
  std::vector<int64_t> sizes;
  for (Dim d : tensor.shape()) sizes.push_back(d.constant());
  return sizes;
}

std::vector<Leaf> sorted_parameters(const Leaves& leaves) {
  std::vector<Leaf> list;
  for (const Leaf& leaf : leaves.list)
    if (leaf.kind == LeafKind::Parameter) list.push_back(leaf);
  std::ranges::sort(list, {}, [](const Leaf& leaf) { return leaf.paths[0]; });
  return list;
}

template <class Net>
void fill(Net& model) {
  nn::init(model, Key(0), {.dtype = DType::f64});
  uint32_t place = 0;
  for (const Leaf& leaf : sorted_parameters(leaves_of(model))) {
    const std::vector<int64_t> sizes = sizes_of(leaf.tensor());
    int64_t row = 1;
    for (size_t i = 1; i < sizes.size(); ++i) row *= sizes[i];
    if (sizes.size() == 1)
      leaf.assign(made_up(sizes, place, 0.5, leaf.paths[0].ends_with("weight") ? 1 : 0));
    else
      leaf.assign(made_up(sizes, place, std::sqrt(12.0 / static_cast<double>(row))));
    ++place;
  }
}

/// [[sum of each gradient, its product with made_up]].
template <class Net>
Tensor sums_of(Net& grads, const Tensor& grad_x) {
  std::vector<Tensor> all;
  for (const Leaf& leaf : sorted_parameters(leaves_of(grads))) all.push_back(leaf.tensor());
  all.push_back(grad_x);
  ir::HostArray sums(DType::f64, {std::ssize(all), 2});
  for (size_t i = 0; i < all.size(); ++i) {
    sums.set(2 * i, sum(all[i]).item());
    sums.set(2 * i + 1, sum(all[i] * made_up(sizes_of(all[i]), 1002)).item());
  }
  return Tensor(std::move(sums));
}

template <class Net>
void expect_golden(const nn::Golden& golden, const std::string& name, Net model, std::vector<int64_t> shape) {
  fill(model);
  const Tensor x = made_up(std::move(shape), 1000), y = golden(name + ".y");
  const Tensor cotangent = made_up(sizes_of(y), 1001);
  nn::Context context(nn::Mode::Train, Key(0));
  auto [results, grads] = value_and_grad(
      [&](const std::pair<Net, Tensor>& inputs) {
        const Tensor y = inputs.first(inputs.second, context);
        return std::pair(sum(y * cotangent), y);
      },
      std::pair(model, x));
  EXPECT_EQ(nn::difference(results.second, y, 1e-9), "") << name;
  EXPECT_EQ(nn::difference(sums_of(grads.first, grads.second), golden(name + ".grads"), 1e-9), "") << name;
  context.commit(model);
  nn::Context evaluation;
  EXPECT_EQ(nn::difference(model(x, evaluation), golden(name + ".y_eval"), 1e-9), "") << name;
}

TEST(ResNet, AnswersAndGradientsArePyTorchs) {
  const nn::Golden golden("resnet.safetensors");
  const auto net = [](int64_t depth, int64_t width, int64_t channels, int64_t classes, int64_t image) {
    return ResNet({.depth = depth, .width = width, .channels = channels, .classes = classes, .image = image});
  };
  expect_golden(golden, "resnet18", net(18, 2, 1, 5, 30), {3, 1, 28, 30});
  expect_golden(golden, "resnet50", net(50, 2, 3, 4, 66), {2, 3, 66, 65});
}

TEST(ResNetSlow, AnswersAndGradientsOfTheDeepOnesArePyTorchs) {
  const nn::Golden golden("resnet.safetensors");
  expect_golden(golden, "resnet34", ResNet({.depth = 34, .width = 1, .channels = 3, .classes = 4, .image = 66}),
                {2, 3, 66, 65});
  expect_golden(golden, "resnet101", ResNet({.depth = 101, .width = 1, .channels = 1, .classes = 3, .image = 30}),
                {3, 1, 28, 30});
}

TEST(MobileNet, AnswersAndGradientsArePyTorchs) {
  const nn::Golden golden("mobilenet.safetensors");
  expect_golden(golden, "small", MobileNetV2({.width = 0.1, .channels = 1, .classes = 5, .image = 30, .dropout = 0}),
                {3, 1, 28, 30});
  expect_golden(golden, "large", MobileNetV2({.width = 0.35, .channels = 3, .classes = 4, .image = 66, .dropout = 0}),
                {2, 3, 66, 65});
}

template <class Net>
int64_t parameters(Net model) {
  nn::init(model, Key(0));
  return parameter_count(model);
}

TEST(ResNet, HasThePublishedNumberOfParameters) {
  const nn::Golden golden("resnet.safetensors");
  EXPECT_EQ(parameters(ResNet({.depth = 50})), 25'557'032);
  for (int64_t depth : {18, 34, 50, 101})
    EXPECT_EQ(parameters(ResNet({.depth = depth})), golden("resnet" + std::to_string(depth) + ".parameters").item());
  EXPECT_EQ(parameters(ResNet({.depth = 152})), 60'192'808) << "torchvision's";
}

TEST(MobileNet, HasThePublishedNumberOfParameters) {
  const nn::Golden golden("mobilenet.safetensors");
  EXPECT_EQ(parameters(MobileNetV2()), 3'504'872);
  EXPECT_EQ(parameters(MobileNetV2()), golden("small.parameters").item());
  EXPECT_EQ(parameters(MobileNetV2({.width = 0.5})), golden("large.parameters").item());
}

/// All at once by the option of jit, and one by one in the layers.
TEST(ResNet, ByWinogradIsTheSameAsLayerByLayer) {
  ResNet model({.depth = 18, .width = 4, .channels = 3, .classes = 5, .image = 30});
  nn::init(model, Key(0));
  const Tensor x = normal(Key(1), {2, 3, 29, 30});
  const auto classify = [](const ResNet& net, const Tensor& images) {
    nn::Context evaluation;
    return net(images, evaluation);
  };
  auto all = jit(classify, {.algorithms = {.conv = ConvAlgorithm::WinogradF4x3}});
  const Tensor found = all(model, x), direct = jit(classify)(model, x);
  EXPECT_NE(all.explain().find("14 of 20 contractions are computed as asked"), std::string::npos) << all.explain();
  EXPECT_NE(all.explain().find("since that takes no strides, found strides 2"), std::string::npos) << all.explain();

  model.conv1.options.algorithm = ConvAlgorithm::WinogradF4x3;
  for (auto* stage : {&model.layer1, &model.layer2, &model.layer3, &model.layer4})
    for (ResNetBlock& block : *stage)
      for (nn::Conv2d* conv : {&block.conv1, &block.conv2})
        if (conv->options.stride[0] == 1) conv->options.algorithm = ConvAlgorithm::WinogradF4x3;
  EXPECT_TRUE(found.array().same_bits(jit(classify)(model, x).array()));
  EXPECT_FALSE(found.array().same_bits(direct.array()));
  EXPECT_EQ(nn::difference(found, direct, 1e-3), "");
}

/// The other windows have strides, one channel for each group, or one element.
TEST(MobileNet, TheFirstConvolutionAloneIsForWinograd) {
  MobileNetV2 model({.width = 0.1, .channels = 1, .classes = 5, .image = 30, .dropout = 0});
  nn::init(model, Key(0));
  auto classify = jit(
      [](const MobileNetV2& net, const Tensor& images) {
        nn::Context evaluation;
        return net(images, evaluation);
      },
      {.algorithms = {.conv = ConvAlgorithm::WinogradF2x3}});
  classify(model, normal(Key(1), {2, 1, 30, 30})).evaluate();
  EXPECT_NE(classify.explain().find("  1 of 52 contractions are computed as asked\n"), std::string::npos)
      << classify.explain();
}

TEST(ResidualModels, StartWithPathsOfTorchvisionsStateDicts) {
  ResNet resnet({.depth = 50, .width = 1});
  MobileNetV2 mobilenet({.width = 0.1});
  nn::init(resnet, Key(0)), nn::init(mobilenet, Key(0));
  const auto has = [](const Leaves& leaves, const std::string& path) {
    return std::ranges::any_of(leaves.list, [&](const Leaf& leaf) { return leaf.paths[0] == path; });
  };
  for (const char* path : {"conv1.weight", "bn1.running_mean", "layer1.0.downsample.0.weight", "layer4.2.conv3.weight",
                           "layer3.5.bn3.num_batches_tracked", "fc.bias"})
    EXPECT_TRUE(has(leaves_of(resnet), path)) << path;
  for (const char* path : {"features.0.0.weight", "features.1.conv.0.1.running_var", "features.1.conv.1.weight",
                           "features.2.conv.3.num_batches_tracked", "features.17.conv.2.weight", "features.18.1.bias",
                           "classifier.1.weight"})
    EXPECT_TRUE(has(leaves_of(mobilenet), path)) << path;
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const base::Error& e) {
    return std::string(e.code()) + " " + e.message();
  }
  return "no error";
}

TEST(ResidualModels, RefuseImagesOfOtherSides) {
  ResNet resnet({.width = 1, .channels = 1, .classes = 2, .image = 28});
  MobileNetV2 mobilenet({.width = 0.1, .channels = 1, .classes = 2, .image = 28});
  nn::init(resnet, Key(0)), nn::init(mobilenet, Key(0));
  nn::Context context;
  EXPECT_EQ(message_of([&] { resnet(Tensor::zeros({1, 1, 27, 28}), context); }),
            "E0509 resnet: images of 27 x 28, expected 28 to 224 pixels a side");
  EXPECT_EQ(message_of([&] { mobilenet(Tensor::zeros({1, 1, 28, 225}), context); }),
            "E0509 mobilenet: images of 28 x 225, expected 28 to 224 pixels a side");
  EXPECT_EQ(resnet(Tensor::zeros({2, 1, 28, 33}), context).type().str(), "f32[2,2]");
  EXPECT_EQ(mobilenet(Tensor::zeros({2, 1, 28, 28}), context).type().str(), "f32[2,2]");
  EXPECT_NE(message_of([&] { resnet(Tensor::zeros({1, 3, 28, 28}), context); }), "no error") << "channels";
  EXPECT_NE(message_of([&] { resnet(Tensor::zeros({28, 28}), context); }), "no error") << "rank";
}

TEST(ResidualModels, OptionsAreRefusedByName) {
  EXPECT_EQ(message_of([] { ResNet net({.depth = 20}); }),
            "E0760 resnet: depth is 20, expected 18, 34, 50, 101 or 152");
  const auto resnet = [](int64_t ResNetConfig::* member) {
    return [member](int64_t v) {
      ResNetConfig config;
      config.*member = v;
      ResNet net(config);
    };
  };
  base::walk_integers({{"width", resnet(&ResNetConfig::width)},
                       {"channels", resnet(&ResNetConfig::channels)},
                       {"classes", resnet(&ResNetConfig::classes)}});
  base::walk_numbers({{"width", [](double v) { MobileNetV2 net({.width = v}); }},
                      {"dropout", [](double v) { MobileNetV2 net({.dropout = v}); }, {0}}});
  EXPECT_EQ(message_of([] { MobileNetV2 net({.image = 27}); }),
            "E0760 mobilenet: image is 27, expected an integer from 28 to 224");
}

TEST(MobileNet, ChannelsAreMultiplesOfEightAsTheAuthorsRoundThem) {
  const MobileNetV2 net({.width = 0.35});
  EXPECT_EQ(std::get<0>(net.first).out, 16) << "11.2 would lose more than a tenth as 8";
  EXPECT_EQ(std::get<0>(net.last).out, 1280);
  EXPECT_EQ(std::get<0>(MobileNetV2({.width = 1.4}).last).out, 1792);
}

}  // namespace
}  // namespace strata::models
