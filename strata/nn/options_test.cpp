// Every option of every layer at values that nobody means.
#include <gtest/gtest.h>

#include <algorithm>

#include "strata/base/error/message_of.h"
#include "strata/base/testing/option_walk.h"
#include "strata/nn/attention.h"
#include "strata/nn/conv.h"
#include "strata/nn/dropout.h"
#include "strata/nn/loss.h"
#include "strata/nn/norm.h"
#include "strata/nn/pooling.h"
#include "strata/nn/recurrent.h"
#include "strata/ops/composites/norm.h"

namespace strata::nn {
namespace {

using base::message_of;

template <class Layer>
void start(Layer layer) {
  init(layer, Key(1));
}

TEST(Options, SizesOfLayersAreRefusedByName) {
  base::walk_integers({
      {"in", [](int64_t v) { start(Linear{v, 3}); }, {0}},
      {"out", [](int64_t v) { start(Linear{3, v}); }, {0}},
      {"count", [](int64_t v) { start(Embedding{v, 3}); }, {0}},
      {"width", [](int64_t v) { start(Embedding{3, v}); }, {0}},
      {"width", [](int64_t v) { start(LayerNorm{v}); }, {0}},
      {"width", [](int64_t v) { start(RmsNorm{v}); }, {0}},
      {"channels", [](int64_t v) { start(BatchNorm{v}); }, {0}},
      {"channels", [](int64_t v) { start(GroupNorm{1, v}); }, {0}},
      {"groups", [](int64_t v) { start(GroupNorm{v, 4}); }},
      {"in", [](int64_t v) { start(Lstm{v, 3}); }},
      {"hidden", [](int64_t v) { start(Gru{3, v}); }},
      {"layers", [](int64_t v) { start(Gru{3, 3, {.layers = v}}); }},
      {"width", [](int64_t v) { start(MultiHeadAttention{.width = v, .heads = 1, .out_proj = {1, 1}}); }},
      {"heads", [](int64_t v) { start(MultiHeadAttention{4, v}); }},
      {"key_heads", [](int64_t v) { start(MultiHeadAttention{4, 2, {.key_heads = v}}); }, {0}},
  });
  const auto affine = [](int64_t v) { return static_cast<Affine>(v); };
  base::walk_integers({{"affine", [&](int64_t v) { start(LayerNorm{.width = 4, .affine = affine(v)}); }, {0, 1, 2}},
                       {"affine", [&](int64_t v) { start(RmsNorm{.width = 4, .affine = affine(v)}); }, {0, 1, 2}},
                       {"affine", [&](int64_t v) { start(BatchNorm{.channels = 4, .affine = affine(v)}); }, {0, 1, 2}},
                       {"mode", [](int64_t v) { Context(static_cast<Mode>(v), Key(1)); }, {0, 1}}},
                      {0, 1, 2, 3, 255});
  EXPECT_THROW(start(GroupNorm{3, 4}), base::Error);
  EXPECT_THROW((start(MultiHeadAttention{4, 2, {.key_heads = 3}})), base::Error);
}

TEST(Options, OfConvolutionsAreRefusedByName) {
  base::walk_integers({
      {"in", [](int64_t v) { start(Conv2d{v, 4, 3}); }},
      {"out", [](int64_t v) { start(Conv2d{4, v, 3}); }},
      {"kernel[1]", [](int64_t v) { start(Conv2d{4, 4, {3, v}}); }},
      {"stride[0]", [](int64_t v) { start(Conv2d{4, 4, 3, {.stride = {v, 1}}}); }},
      {"padding[2]", [](int64_t v) { start(Conv3d{4, 4, 3, {.padding = {0, 0, v}}}); }, {0}},
      {"dilation[0]", [](int64_t v) { start(Conv1d{4, 4, 3, {.dilation = v}}); }},
      {"groups", [](int64_t v) { start(Conv2d{4, 4, 3, {.groups = v}}); }},
      {"in", [](int64_t v) { start(ConvTranspose2d{v, 4, 3}); }},
      {"out", [](int64_t v) { start(ConvTranspose2d{4, v, 3}); }},
      {"kernel[0]", [](int64_t v) { start(ConvTranspose1d{4, 4, v}); }},
      {"stride[0]", [](int64_t v) { start(ConvTranspose1d{4, 4, 3, {.stride = v}}); }},
      {"padding[0]", [](int64_t v) { start(ConvTranspose1d{4, 4, 3, {.padding = v}}); }, {0}},
      {"output_padding[0]", [](int64_t v) { start(ConvTranspose1d{4, 4, 3, {.output_padding = v}}); }, {0}},
      {"dilation[0]", [](int64_t v) { start(ConvTranspose1d{4, 4, 3, {.dilation = v}}); }},
      {"groups", [](int64_t v) { start(ConvTranspose1d{4, 4, 3, {.groups = v}}); }},
  });
  EXPECT_EQ(message_of([] { start(Conv2d{4, 6, 3, {.groups = 3}}); }),
            "error[E0760]: conv: groups is 3, expected a divisor of the 4 channels in\nnote: recorded at "
            "options_test.cpp");
}

TEST(Options, OfPoolsAreRefusedByName) {
  const Tensor x = Tensor::ones({1, 1, 4, 4});
  base::walk_integers({
      {"window[1]", [&](int64_t v) { max_pool2d(x, {2, v}).evaluate(); }},
      {"stride[0]", [&](int64_t v) { max_pool2d(x, 2, {.stride = {v, 1}}).evaluate(); }, {0}},
      {"padding[0]", [&](int64_t v) { avg_pool2d(x, 2, {.padding = {v, 0}}).evaluate(); }, {0}},
  });
  EXPECT_EQ(max_pool2d(x, 2, {.stride = {0, 1}}).shape(), Shape({1, 1, 2, 3})) << "0: the window, axis by axis";
  EXPECT_EQ(message_of([&] { max_pool2d(x, 2, {.padding = 2}); }),
            "error[E0116]: max_pool: padding[0] is 2, expected less than the window, which is 2\nnote: recorded at "
            "options_test.cpp");
}

TEST(Options, NumbersOfLayersAreRefusedByName) {
  const Tensor x = Tensor::ones({2, 4}), ids = Tensor::from({0, 1});
  Context training(Mode::Train, Key(1));
  auto batch_norm = [&](double momentum, double epsilon) {
    BatchNorm norm{4, momentum, epsilon};
    init(norm, Key(1));
    norm(x, training).evaluate();
  };
  auto attend = [&](double dropout) {
    MultiHeadAttention attention{4, 2, {.dropout = dropout}};
    init(attention, Key(1));
    attention(Tensor::ones({1, 2, 4}), training).evaluate();
  };
  base::walk_numbers({
      {"epsilon", [](double v) { start(LayerNorm{4, v}); }, {0}},
      {"epsilon", [](double v) { start(RmsNorm{4, v}); }, {0}},
      {"epsilon", [](double v) { start(GroupNorm{2, 4, v}); }, {0}},
      {"momentum", [&](double v) { batch_norm(v, 1e-5); }, {0}},
      {"epsilon", [&](double v) { batch_norm(0.1, v); }, {0}},
      {"epsilon", [&](double v) { layer_norm(x, {}, {}, 1, v); }, {0}},
      {"epsilon", [&](double v) { rms_norm(x, {}, v); }, {0}},
      {"epsilon", [&](double v) { group_norm(x, 2, {}, {}, v); }, {0}},
      {"epsilon", [&](double v) { batch_norm_train(x, {}, {}, v); }, {0}},
      {"rate", [&](double v) { Dropout{v}(x, training); }, {0}},
      {"rate", [&](double v) { attend(v); }, {0}},
      {"rope.base", [](double v) { start(MultiHeadAttention{4, 2, {.rope = Rope{v}}}); }, {1e300}},
      {"label_smoothing", [&](double v) { cross_entropy(x, ids, {.label_smoothing = v}); }, {0}},
      {"delta", [&](double v) { huber(x, x, v); }, {1e300}},
      {"deviation", [](double v) { truncated_normal(Key(1), {2}, v); }, {0}},
      {"cut", [](double v) { truncated_normal(Key(1), {2}, 1, v); }, {1e300}},
      {"gain", [](double v) { orthogonal(Key(1), 2, 2, v); }, {-1, 0}},
      {"gain", [](double v) { xavier_uniform_bound({2, 2}, v); }, {-1, 0, 1e300}},
      {"slope", [](double v) { kaiming_uniform_bound({2, 2}, v); }, {-1, 0, 1e300}},
      {"lowest", [](double v) { uniform(Key(1), {2}, v, 1e300, DType::f64); }, {-1, 0, 1e300}},
      {"highest", [](double v) { uniform(Key(1), {2}, -2, v, DType::f64); }, {-1, 0, 1e300}},
      {"lowest", [](double v) { uniform(Key(1), {2}, v, std::max(v, 1.0)); }, {-1, 0}},
      {"highest", [](double v) { uniform(Key(1), {2}, -2, v); }, {-1, 0}},
      {"mean", [](double v) { normal(Key(1), {2}, v); }, {-1, 0}},
      {"deviation", [](double v) { normal(Key(1), {2}, 0, v); }, {0}},
      {"probability", [](double v) { bernoulli(Key(1), {2}, v); }, {0}},
  });
  Linear layer{2, 2};
  EXPECT_EQ(message_of([&] { init(layer, Key(1), {.dtype = DType::i32}); }),
            "error[E0760]: init: dtype is i32, expected a float's\nnote: recorded at options_test.cpp");
}

TEST(Options, ATransposedConvolutionWithoutOutputSaysSo) {
  ConvTranspose1d narrow{1, 1, 3, {.padding = 2}};
  init(narrow, Key(1));
  EXPECT_EQ(
      message_of([&] { narrow(Tensor::ones({1, 1, 2})); }),
      "error[E0101]: conv_transpose: axis 2 of f32[1,1,2] has no output: it reaches 4 elements, the padding takes 4 "
      "away, the output padding adds 0\nnote: recorded at options_test.cpp");
  EXPECT_EQ(narrow(Tensor::ones({1, 1, 3})).shape(), Shape({1, 1, 1}));
  EXPECT_EQ(message_of([&] { narrow(Tensor::ones({1, 2, 3})); }),
            "error[E0102]: conv_transpose: x f32[1,2,3] has 2 channels, the weight takes 1\nnote: recorded at "
            "options_test.cpp");
}

TEST(Options, TheMessageHasTheLayersPathAndTheCallersLine) {
  std::vector<Conv2d> convs{{1, 2, 3}, {2, 4, 0}};
  EXPECT_EQ(message_of([&] { init(convs, Key(1)); }),
            "error[E0760]: conv 1: kernel[0] is 0, expected an integer from 1 to 2147483647\nnote: recorded at "
            "options_test.cpp");
}

}  // namespace
}  // namespace strata::nn
