// Functions that are made of others refuse what they can't take in words of their own: the message starts with their
// name, not with that of an op within, and has the user's line.
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "strata/base/error/message_of.h"
#include "strata/base/testing/option_walk.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/composites/dropout.h"
#include "strata/ops/composites/loss.h"
#include "strata/ops/composites/norm.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/index/index.h"
#include "strata/ops/numpy_names.h"
#include "strata/ops/sort/sort.h"
#include "strata/ops/window/window.h"
#include "strata/tensor/random.h"

namespace strata {
namespace {

using base::message_of;
using Calls = std::vector<std::pair<std::string, std::function<void()>>>;

/// Each call is refused with `code`, in the words of the function of that name.
void expect_own_words(const std::string& code, const Calls& calls) {
  for (const auto& [name, call] : calls) {
    const std::string text = message_of(call);
    EXPECT_TRUE(text.starts_with("error[" + code + "]: " + name + ": ")) << name << ": " << text;
    EXPECT_NE(text.find("recorded at own_words_test.cpp"), std::string::npos) << name << ": " << text;
  }
}

Tensor zeros(const Shape& shape, DType dtype = DType::f32) { return Tensor::zeros(shape, dtype); }
const std::nullopt_t kNone = std::nullopt;

TEST(OwnWords, OfFunctionsThatTakeFloats) {
  for (const DType t : {DType::u8, DType::i32, DType::i64, DType::boolean}) {
    const Tensor x = zeros({2, 4}, t), image = zeros({1, 1, 4, 4}, t), heads = zeros({1, 1, 2, 4}, t);
    expect_own_words("E0100", {
                                  {"softmax", [&] { softmax(x, 1); }},
                                  {"log_softmax", [&] { log_softmax(x, 1); }},
                                  {"logsumexp", [&] { logsumexp(x, {1}); }},
                                  {"cross_entropy", [&] { cross_entropy(x, zeros({2}, DType::i32)); }},
                                  {"mean", [&] { mean(x); }},
                                  {"variance", [&] { variance(x); }},
                                  {"stddev", [&] { stddev(x); }},
                                  {"avg_pool", [&] { avg_pool(image, {.window = {2, 2}}); }},
                                  {"layer_norm", [&] { layer_norm(x, kNone, kNone); }},
                                  {"rms_norm", [&] { rms_norm(x, kNone); }},
                                  {"group_norm", [&] { group_norm(x, 2, kNone, kNone); }},
                                  {"batch_norm", [&] { batch_norm_train(x, kNone, kNone); }},
                                  {"attention", [&] { attention(heads, heads, heads); }},
                                  {"rope", [&] { rope(heads, Tensor::arange(2)); }},
                                  {"dropout", [&] { dropout(x, Key(1).bits, 0.5); }},
                                  {"mse", [&] { mse(x, x); }},
                                  {"l1", [&] { l1(x, x); }},
                                  {"huber", [&] { huber(x, x); }},
                                  {"bce", [&] { bce(x, x); }},
                                  {"bce_with_logits", [&] { bce_with_logits(x, x); }},
                                  {"kl_div", [&] { kl_div(x, x); }},
                                  {"gelu", [&] { gelu(x); }},
                                  {"silu", [&] { silu(x); }},
                                  {"elu", [&] { elu(x); }},
                                  {"selu", [&] { selu(x); }},
                                  {"leaky_relu", [&] { leaky_relu(x); }},
                                  {"hard_sigmoid", [&] { hard_sigmoid(x); }},
                                  {"hard_swish", [&] { hard_swish(x); }},
                                  {"softplus", [&] { softplus(x); }},
                                  {"sinh", [&] { sinh(x); }},
                                  {"log_add_exp", [&] { log_add_exp(x, x); }},
                              });
  }
}

TEST(OwnWords, OfNormsWithWeightsOfAnotherShape) {
  const Tensor x = zeros({2, 4, 3}), three = zeros({3}), four = zeros({4}), one = zeros({1}), wide = zeros({4, 3});
  expect_own_words("E0101", {
                                {"layer_norm", [&] { layer_norm(x, four, kNone); }},
                                {"layer_norm", [&] { layer_norm(x, three, four); }},
                                {"layer_norm", [&] { layer_norm(x, wide, kNone); }},
                                {"layer_norm", [&] { layer_norm(x, three, kNone, 2); }},
                                {"rms_norm", [&] { rms_norm(x, four); }},
                                {"group_norm", [&] { group_norm(x, 2, three, kNone); }},
                                {"batch_norm", [&] { batch_norm_train(x, three, kNone); }},
                                {"batch_norm", [&] { batch_norm_train(x, four, one); }},
                                {"batch_norm", [&] { batch_norm_with(x, three, four, kNone, kNone); }},
                                {"batch_norm", [&] { batch_norm_with(x, four, one, kNone, kNone); }},
                                {"batch_norm", [&] { batch_norm_with(x, four, four, kNone, three); }},
                            });
  EXPECT_EQ(message_of([&] { batch_norm_with(x, four, three, kNone, kNone); }),
            "error[E0101]: batch_norm: variance is f32[3], expected the shape [4] for x, which is f32[2,4,3]\nnote: "
            "recorded at own_words_test.cpp");
}

TEST(OwnWords, OfAttention) {
  const Tensor q = zeros({2, 4, 5, 8});
  const auto attend = [&](const Shape& k, const Shape& v, std::optional<Tensor> mask = kNone) {
    return [=] { attention(q, zeros(k), zeros(v), mask); };
  };
  expect_own_words("E0102", {
                                {"attention", attend({3, 4, 5, 8}, {3, 4, 5, 8})},
                                {"attention", attend({2, 4, 5, 8}, {3, 4, 5, 8})},
                                {"attention", attend({2, 4, 5, 7}, {2, 4, 5, 8})},
                                {"attention", attend({2, 4, 5, 8}, {2, 4, 6, 8})},
                                {"attention", attend({2, 3, 5, 8}, {2, 3, 5, 8})},
                            });
  expect_own_words("E0101", {
                                {"attention", attend({2, 4, 6, 8}, {2, 4, 6, 8}, zeros({5, 5}))},
                                {"attention", attend({2, 4, 5, 8}, {2, 4, 5, 8}, zeros({1, 2, 4, 5, 5}))},
                                {"attention", attend({2, 4, 5, 8}, {2, 4, 5, 8}, zeros({3, 1, 5, 5}, DType::boolean))},
                            });
  EXPECT_EQ(
      message_of(attend({3, 4, 5, 8}, {3, 4, 5, 8})),
      "error[E0102]: attention: the batches of q f32[2,4,5,8] and k f32[3,4,5,8] differ: 2 and 3\nnote: recorded at "
      "own_words_test.cpp");
  EXPECT_EQ(message_of(attend({2, 2, 6, 8}, {2, 2, 6, 8}, zeros({5, 6}))), "no error");
}

TEST(OwnWords, OfConvolutionsWithAnEmptyWindow) {
  for (const Shape& window : {Shape{4, 3, 0, 3}, Shape{4, 3, 3, 0}})
    expect_own_words("E0116", {{"conv", [&] { conv(zeros({1, 3, 8, 8}), zeros(window)); }}});
}

TEST(Options, OfFunctionsAreRefusedByName) {
  const Tensor x = Tensor::ones({2, 4}), c = Tensor::ones({4}), count = Tensor::ones({});
  base::walk_numbers({
      {"alpha", [&](double v) { elu(x, v); }, {-1, 0, 1e300}},
      {"slope", [&](double v) { leaky_relu(x, v); }, {-1, 0, 1e300}},
      {"momentum", [&](double v) { running_statistics<Tensor>(x, {c, c, count}, c, c, v); }, {0}},
  });
  const Tensor rows = Tensor::from({0}), c_rows = Tensor::ones({1, 4});
  const std::vector<int64_t> numbers{0, 1, 2, 3, 7, 9, 255};
  const auto reduction = [](int64_t v) { return static_cast<ops::Reduction>(v); };
  base::walk_integers({{"reduction", [&](int64_t v) { mse(x, x, reduction(v)); }, {0, 1, 2}},
                       {"reduction", [&](int64_t v) { l1(x, x, reduction(v)); }, {0, 1, 2}},
                       {"reduction", [&](int64_t v) { huber(x, x, 1, reduction(v)); }, {0, 1, 2}},
                       {"reduction", [&](int64_t v) { bce(x, x, reduction(v)); }, {0, 1, 2}},
                       {"reduction", [&](int64_t v) { bce_with_logits(x, x, reduction(v)); }, {0, 1, 2}},
                       {"reduction", [&](int64_t v) { kl_div(x, x, reduction(v)); }, {0, 1, 2}},
                       {"reduction",
                        [&](int64_t v) { cross_entropy(x, Tensor::from({0, 1}), {.reduction = reduction(v)}); },
                        {0, 1, 2}},
                       {"order", [&](int64_t v) { sort(x, 0, static_cast<ops::Order>(v)); }, {0, 1}},
                       {"order", [&](int64_t v) { argsort(x, 0, static_cast<ops::Order>(v)); }, {0, 1}},
                       {"keep", [&](int64_t v) { sum(x, {0}, static_cast<ops::Keep>(v)); }, {0, 1}},
                       {"keep", [&](int64_t v) { stddev(x, {0}, 0, static_cast<ops::Keep>(v)); }, {0, 1}},
                       {"direction", [&](int64_t v) { cumsum(x, 0, static_cast<ops::Direction>(v)); }, {0, 1}},
                       {"direction", [&](int64_t v) { cummax(x, 0, static_cast<ops::Direction>(v)); }, {0, 1}},
                       {"policy", [](int64_t v) { FlushScope scope(static_cast<FlushPolicy>(v)); }, {0, 1}},
                       {"mode", [&](int64_t v) { take(x, rows, 0, static_cast<ops::OutOfRange>(v)); }, {0, 1, 2}},
                       {"combine",
                        [&](int64_t v) { index_update(x, 0, rows, c_rows, static_cast<ops::Combine>(v)); },
                        {0, 1, 2, 3, 4}}},
                      numbers);
}

}  // namespace
}  // namespace strata
