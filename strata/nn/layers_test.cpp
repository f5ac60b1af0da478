// Outputs and gradients of every layer against PyTorch's.
#include <gtest/gtest.h>

#include <functional>

#include "strata/base/error/message_of.h"
#include "strata/nn/attention.h"
#include "strata/nn/context.h"
#include "strata/nn/conv.h"
#include "strata/nn/dropout.h"
#include "strata/nn/linear.h"
#include "strata/nn/norm.h"
#include "strata/nn/pooling.h"
#include "strata/nn/recurrent.h"
#include "strata/nn/testing/check_layer.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::nn {
namespace {

const Golden& golden() {
  static const Golden file("layers.safetensors");
  return file;
}

template <class Layer, class Call>
void check(const std::string& name, Layer layer, Call call) {
  check_layer(golden(), name, layer, call);
}
template <class Layer>
void check(const std::string& name, Layer layer) {
  check_layer(golden(), name, layer, [](const Layer& l, const Tensor& x) { return l(x); });
}

TEST(Linear, IsPyTorchs) {
  check("linear", Linear{5, 3});
  check("linear_no_bias", Linear{4, 2, Bias::None});
}
TEST(Embedding, IsPyTorchs) { check("embedding", Embedding{6, 3}); }

TEST(Conv, IsPyTorchsWithStridePaddingDilationAndGroups) {
  check("conv1d", Conv1d{2, 3, 3, {.stride = 2, .padding = 1}});
  check("conv2d", Conv2d{4, 6, {3, 2}, {.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}, .groups = 2}});
  check("conv3d", Conv3d{1, 2, 2});
}
TEST(ConvTranspose, IsPyTorchsWithStridePaddingAndGroups) {
  check("conv_transpose1d", ConvTranspose1d{2, 3, 4, {.stride = 2, .padding = 1}});
  check("conv_transpose2d",
        ConvTranspose2d{4, 6, 3, {.stride = {2, 1}, .padding = 1, .output_padding = {1, 0}, .groups = 2}});
  check_layer(Golden("more_layers.safetensors"), "conv_transpose3d",
              ConvTranspose3d{2, 3, 2, {.stride = {2, 1, 2}, .padding = {1, 0, 0}}},
              [](const ConvTranspose3d& l, const Tensor& x) { return l(x); });
}

TEST(Conv, ByWinogradIsTheSameConvolution) {
  const Tensor x = normal(Key(2), {2, 4, 9, 7});
  Conv2d layer{4, 6, 3, {.padding = 1, .groups = 2}};
  init(layer, Key(1));
  const Tensor expected = layer(x);
  for (const ConvAlgorithm algorithm : {ConvAlgorithm::WinogradF2x3, ConvAlgorithm::WinogradF4x3}) {
    layer.options.algorithm = algorithm;
    EXPECT_EQ(difference(layer(x), expected, 1e-5), "");
  }
  Conv2d strided{4, 6, 3, {.stride = 2, .algorithm = ConvAlgorithm::WinogradF2x3}};
  init(strided, Key(1));
  EXPECT_TRUE(base::message_of([&] {
                strided(x);
              }).starts_with("error[E0116]: conv: winograd_f2x3 takes no strides, found strides 2\n"));
}

TEST(Windows, WiderThanTheImageAreRefusedWithTheUsersLine) {
  Conv2d conv{3, 4, 7};
  init(conv, Key(0));
  const Tensor small = Tensor::zeros({1, 3, 5, 5});
  for (const auto& call : {std::function([&] { conv(small); }), std::function([&] { max_pool2d(small, 6); })}) {
    try {
      call();
      ADD_FAILURE();
    } catch (const base::Error& e) {
      EXPECT_EQ(e.code(), "E0101");
      EXPECT_NE(e.text().find("layers_test.cpp:"), std::string::npos) << e.text();
    }
  }
  Conv2d padded{3, 4, 7, {.padding = 1}};
  init(padded, Key(0));
  EXPECT_EQ(padded(small).shape(), (Shape{1, 4, 1, 1}));
}

TEST(Norms, ArePyTorchs) {
  check("layer_norm", LayerNorm{6});
  check("rms_norm", RmsNorm{6});
  check("group_norm", GroupNorm{2, 4});
}

TEST(BatchNorm, IsPyTorchsInTrainingAndEvaluation) {
  BatchNorm layer{3};
  Context training(Mode::Train, Key(0)), evaluation;
  auto call = [&](const BatchNorm& l, const Tensor& x) { return l(x, training); };
  check("batch_norm", layer, call);

  init(layer, Key(0));
  for (const Leaf& leaf : leaves_of(layer).list) leaf.assign(golden()("batch_norm.param." + leaf.paths[0]));
  Context context(Mode::Train, Key(0));
  layer(golden()("batch_norm.x"), context);
  context.commit(layer);
  for (const Leaf& leaf : leaves_of(layer).list)
    if (leaf.kind == LeafKind::Buffer) {
      EXPECT_EQ(difference(leaf.tensor(), golden()("batch_norm.after." + leaf.paths[0])), "") << leaf.paths[0];
    }
  EXPECT_EQ(difference(layer(golden()("batch_norm.x"), evaluation), golden()("batch_norm.y_eval"), 5e-6), "")
      << "evaluation";
}

TEST(BatchNorm, KeepsItsStatisticsWhenTheStepIsNotSound) {
  auto layer = BatchNorm{2};
  init(layer, Key(0));
  Context context(Mode::Train, Key(0));
  layer(Tensor::full({3, 2}, 5), context);
  context.commit(layer, Tensor::scalar(0, DType::boolean));
  EXPECT_EQ(layer.running_mean.data<float>()[0], 0);
  EXPECT_EQ(layer.num_batches_tracked.item(), 0);
}

TEST(BatchNorm, ThatIsCalledTwiceSeesBothBatches) {
  auto layer = BatchNorm{1};
  init(layer, Key(0));
  Context context(Mode::Train, Key(0));
  layer(reshape(Tensor::from({10.f, 20.f}), {2, 1}), context);
  layer(reshape(Tensor::from({30.f, 50.f}), {2, 1}), context);
  context.commit(layer);
  // As PyTorch: 0.9 * 1.5 + 0.1 * 40, and the variances of two numbers, 50 and 200.
  EXPECT_NEAR(layer.running_mean.data<float>()[0], 5.35, 1e-5);
  EXPECT_NEAR(layer.running_var.data<float>()[0], 0.9 * (0.9 + 5) + 20, 1e-4);
  EXPECT_EQ(layer.num_batches_tracked.item(), 2);
}

TEST(BatchNorm, StatisticsComeOutOfAJittedGradient) {
  auto layer = BatchNorm{2};
  init(layer, Key(0));
  auto step = jit([](BatchNorm& m, Tensor x) {
    Context context(Mode::Train, Key(0));
    auto [loss, grads] = value_and_grad([&](const BatchNorm& l) { return sum(square(l(x, context))); }, m);
    context.commit(m);
    return loss;
  });
  step(layer, Tensor::full({3, 2}, 5));
  step(layer, Tensor::full({4, 2}, 5));
  EXPECT_NEAR(layer.running_mean.data<float>()[1], 5 * (1 - 0.81), 1e-6);
  EXPECT_EQ(layer.num_batches_tracked.item(), 2);
  EXPECT_EQ(step.recordings(), 1);
}

/// What a batch leaves behind, by how many values a channel has: a sweep over shapes, dtypes, eager and jitted (where
/// the batch is symbolic).
TEST(BatchNorm, OfFewValuesKeepsStatisticsFinite) {
  auto commit = [](BatchNorm& m, const Tensor& x) {
    Context context(Mode::Train, Key(0));
    const Tensor y = m(x, context);
    context.commit(m);
    return y;
  };
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16}) {
    auto jitted = jit([&](BatchNorm& m, Tensor x) { return commit(m, x); });
    for (const Shape& shape : {Shape{0, 2}, Shape{1, 2}, Shape{2, 2}, Shape{5, 2}, Shape{0, 2, 3, 3}, Shape{1, 2, 1, 1},
                               Shape{1, 2, 1, 2}, Shape{2, 2, 1, 1}, Shape{3, 2, 0, 2}})
      for (const bool is_jitted : {false, true}) {
        SCOPED_TRACE(ir::Type::of(dtype, shape).str() + (is_jitted ? " jitted" : " eager"));
        auto layer = BatchNorm{2};
        init(layer, Key(0), {.dtype = dtype});
        layer.bias = Tensor::full({2}, 0.25, dtype);
        const Tensor x = Tensor::full(shape, 5, dtype);
        const Tensor y = is_jitted ? jitted(layer, x) : commit(layer, x);
        int64_t count = 1;
        for (size_t a = 0; a < shape.size(); ++a) count *= a == 1 ? 1 : shape[a].constant();
        const DType wide = dtype == DType::f64 ? DType::f64 : DType::f32;
        EXPECT_EQ(layer.running_mean.dtype(), wide);
        EXPECT_EQ(layer.running_var.dtype(), wide);
        EXPECT_NEAR(layer.running_mean.array().get(1), count > 0 ? 0.5 : 0, 1e-6);
        EXPECT_NEAR(layer.running_var.array().get(1), count > 1 ? 0.9 : 1, 1e-6);
        EXPECT_EQ(layer.num_batches_tracked.item(), count > 0 ? 1 : 0);
        for (int64_t i = 0; i < y.array().elements(); ++i) EXPECT_EQ(y.array().get(i), 0.25);
      }
  }
}

TEST(BatchNorm, TracksAnF64ModelInF64) {
  auto layer = BatchNorm{1};
  init(layer, Key(0), {.dtype = DType::f64});
  Context context(Mode::Train, Key(0));
  layer(reshape(Tensor::from({1.0, 1.0 + 1e-12}), {2, 1}), context);
  context.commit(layer);
  EXPECT_DOUBLE_EQ(layer.running_mean.item(), 0.1 * (1 + 0.5e-12));
  EXPECT_NEAR(layer.running_var.item(), 0.9 + 0.1 * 0.5e-24, 1e-15);
}

TEST(Context, ThatCannotCommitOneBufferCommitsNone) {
  auto layer = BatchNorm{2};
  init(layer, Key(0));
  Context context(Mode::Train, Key(0));
  layer(Tensor::full({3, 2}, 5), context);
  context.update(layer.running_var, Tensor::full({7}, 1));  // of another shape
  EXPECT_THROW(context.commit(layer, Tensor::scalar(1, DType::boolean)), base::Error);
  EXPECT_EQ(layer.running_mean.data<float>()[0], 0);
  EXPECT_EQ(layer.num_batches_tracked.item(), 0);
}

TEST(MultiHeadAttention, IsPyTorchsPlainAndCausal) {
  check("attention", MultiHeadAttention{8, 2});
  check("causal_attention", MultiHeadAttention{8, 2, {.is_causal = true, .has_bias = Bias::None}});
}

TEST(MultiHeadAttention, WithFewerKeyHeadsAndRotaryPositionsIsPyTorchs) {
  check_layer(Golden("more_layers.safetensors"), "rotary_attention",
              MultiHeadAttention{16, 4, {.key_heads = 2, .is_causal = true, .rope = Rope{.base = 1000}}},
              [](const MultiHeadAttention& l, const Tensor& x) { return l(x); });
}

TEST(MultiHeadAttention, AttendingToItselfIsSelfAttention) {
  MultiHeadAttention layer{8, 4, {.key_heads = 2, .rope = Rope{}}};
  init(layer, Key(3));
  EXPECT_EQ(layer.in_proj_weight.type().str(), "f32[16,8]");
  const Tensor x = normal(Key(4), {2, 3, 8});
  EXPECT_EQ(difference(layer.attend(x, x), layer(x)), "") << "grouped attention";
}

/// Weights of 1/T on values of one, so that an output is the share of the weights that was kept, scaled up.
MultiHeadAttention averaging_attention(double dropout) {
  MultiHeadAttention layer{2, 2, {.dropout = dropout}};
  init(layer, Key(0));
  layer.in_proj_weight = Tensor::full({6, 2}, 0);
  layer.in_proj_bias = Tensor::from({0.f, 0.f, 0.f, 0.f, 1.f, 1.f});
  HostArray identity(DType::f32, {2, 2});
  identity.set(0, 1), identity.set(3, 1);
  layer.out_proj.weight = Tensor(identity);
  return layer;
}

TEST(MultiHeadAttention, DropsWeightsInTrainingOnly) {
  const MultiHeadAttention layer = averaging_attention(0.25);
  const Tensor x = Tensor::ones({3, 40, 2});
  Context training(Mode::Train, Key(5)), again(Mode::Train, Key(5)), other(Mode::Train, Key(6)), evaluation;
  const Tensor y = layer(x, training);
  EXPECT_NEAR(mean(y).item(), 1, 0.02);
  EXPECT_GT(max(y).item(), 1.05);
  EXPECT_LT(min(y).item(), 0.95);
  EXPECT_TRUE(layer(x, again).array().same_bits(y.array())) << "the same key drops the same";
  EXPECT_FALSE(layer(x, other).array().same_bits(y.array()));
  EXPECT_EQ(difference(layer(x, evaluation), layer(x)), "");
  EXPECT_NEAR(max(layer(x, evaluation)).item(), 1, 1e-6);
  const Tensor memory = Tensor::ones({3, 7, 2});
  EXPECT_NE(max(layer.attend(x, memory, training)).item(), min(layer.attend(x, memory, training)).item());
}

TEST(MultiHeadAttention, ADropoutRateOfOneIsRefused) {
  const MultiHeadAttention layer = averaging_attention(1.0);
  Context training(Mode::Train, Key(0));
  EXPECT_THROW(layer(Tensor::ones({1, 2, 2}), training), base::Error);
}

TEST(MultiHeadAttention, HeadsThatDontDivideAreRefused) {
  MultiHeadAttention layer{8, 3}, grouped{8, 4, {.key_heads = 3}};
  EXPECT_EQ(base::message_of([&] { init(layer, Key(0)); }),
            "error[E0760]: attention: width is 8, expected a multiple of the 3 heads\nnote: recorded at "
            "layers_test.cpp");
  EXPECT_EQ(base::message_of([&] { init(grouped, Key(0)); }),
            "error[E0760]: attention: key_heads is 3, expected a divisor of the 4 heads\nnote: recorded at "
            "layers_test.cpp");
}

TEST(Lstm, IsPyTorchsInLayersAndBothDirections) {
  auto call = [](const Lstm& l, const Tensor& x) { return l(x).y_BTH; };
  check("lstm", Lstm{3, 4, {.layers = 2}}, call);
  check("lstm_both", Lstm{3, 2, {.is_bidirectional = true}}, call);
}
TEST(Gru, IsPyTorchs) {
  check("gru", Gru{3, 4, {.layers = 2}}, [](const Gru& l, const Tensor& x) { return l(x).y_BTH; });
}
TEST(Lstm, ContinuesFromItsLastState) {
  Lstm layer{2, 3};
  init(layer, Key(0));
  const Tensor x = normal(Key(1), {2, 4, 2});
  const RecurrentOutput whole = layer(x), first = layer(slice_axis(x, 1, {.limit = Dim(3)}));
  const RecurrentOutput rest = layer(slice_axis(x, 1, {.first = 3}), first.h_LBH, first.c_LBH);
  EXPECT_EQ(difference(rest.h_LBH, whole.h_LBH), "") << "h";
  EXPECT_EQ(difference(rest.c_LBH, whole.c_LBH), "") << "c";
}

TEST(Dropout, DropsTheRateInTrainingAndNothingInEvaluation) {
  Dropout layer{0.25};
  init(layer, Key(0));
  const Tensor x = Tensor::ones({100, 100});
  Context training(Mode::Train, Key(5)), evaluation;
  const Tensor y = layer(x, training);
  EXPECT_NEAR(mean(y).item(), 1, 0.02);
  EXPECT_NEAR(max(y).item(), 1 / 0.75, 1e-6);
  EXPECT_EQ(min(y).item(), 0);
  EXPECT_FALSE(layer(x, training).array().same_bits(y.array())) << "a second call draws anew";
  Context again(Mode::Train, Key(5));
  EXPECT_TRUE(layer(x, again).array().same_bits(y.array())) << "the same key gives the same mask";
  EXPECT_TRUE(layer(x, evaluation).array().same_bits(x.array()));
}

struct Net {
  Linear hidden{4, 2};
  STRATA_FIELDS(hidden)
};

TEST(Layers, AWrongWidthNamesBothTypesAndTheLine) {
  const auto net = init<Net>(Key(0));
  try {
    net.hidden(Tensor::zeros({3, 5}));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_NE(e.text().find("f32[3,5]"), std::string::npos) << e.text();
    EXPECT_NE(e.text().find("f32[2,4]"), std::string::npos) << e.text();
    EXPECT_NE(e.text().find("layers_test.cpp:"), std::string::npos) << e.text();
    EXPECT_NE(e.text().find("hidden"), std::string::npos) << e.text();
  }
}

TEST(Layers, AWrongDtypeNamesBothTypes) {
  Linear layer{4, 2};
  init(layer, Key(0));
  try {
    layer(Tensor::zeros({3, 4}, DType::f64));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_NE(e.text().find("f64"), std::string::npos) << e.text();
    EXPECT_NE(e.text().find("f32"), std::string::npos) << e.text();
  }
}

TEST(Layers, AnUninitialisedLayerSaysSo) {
  Linear layer{4, 2};
  try {
    layer(Tensor::zeros({3, 4}));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0500");
  }
}

}  // namespace
}  // namespace strata::nn
