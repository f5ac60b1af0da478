// Errors of layers name the line where the user called the layer, and no line of the library: each layer is called with
// what it can't take.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "strata/base/error/error.h"
#include "strata/nn/attention.h"
#include "strata/nn/conv.h"
#include "strata/nn/dropout.h"
#include "strata/nn/linear.h"
#include "strata/nn/loss.h"
#include "strata/nn/norm.h"
#include "strata/nn/pooling.h"
#include "strata/nn/recurrent.h"
#include "strata/tensor/jit/jit.h"

namespace strata::nn {
namespace {

/// The text names this file, at `line`, and no other source file.
void expect_line(int line, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "line " << line << ": no error";
  } catch (const base::Error& e) {
    const std::string here = "source_line_test.cpp:" + std::to_string(line);
    EXPECT_NE(e.text().find(here), std::string::npos) << e.text();
    for (size_t at = 0; (at = e.text().find(".cpp:", at)) != std::string::npos; ++at)
      EXPECT_TRUE(e.text().substr(0, at).ends_with("source_line_test")) << e.text();
    EXPECT_EQ(e.text().find(".h:"), std::string::npos) << e.text();
  }
}
#define EXPECT_LINE(...) expect_line(__LINE__, [&] { __VA_ARGS__; })

Tensor zeros(std::initializer_list<int64_t> shape, DType dtype = DType::f32) { return Tensor(HostArray(dtype, shape)); }

const Tensor kUndefined;

TEST(LayerLines, OfWrongShapes) {
  Context training(Mode::Train, Key(1));
  const auto linear = init<Linear>(Key(0));
  EXPECT_LINE(Linear{linear}(zeros({2, 5})));
  Linear three{3, 4};
  init(three, Key(0));
  EXPECT_LINE(three(zeros({2, 5})));
  EXPECT_LINE(three(zeros({})));
  EXPECT_LINE(three(zeros({2, 3}, DType::f64)));
  Conv2d conv{3, 4, 3};
  init(conv, Key(0));
  EXPECT_LINE(conv(zeros({2, 5, 8, 8})));
  EXPECT_LINE(conv(zeros({2, 3, 8})));
  ConvTranspose2d up{3, 4, 3};
  init(up, Key(0));
  EXPECT_LINE(up(zeros({2, 5, 8, 8})));
  EXPECT_LINE(up(zeros({2, 3})));
  ConvTranspose1d narrow{1, 1, 3, {.padding = 2}};
  init(narrow, Key(0));
  EXPECT_LINE(narrow(zeros({1, 1, 2})));
  LayerNorm layer_norm{3};
  init(layer_norm, Key(0));
  EXPECT_LINE(layer_norm(zeros({2, 5})));
  EXPECT_LINE(layer_norm(zeros({})));
  RmsNorm rms{3};
  init(rms, Key(0));
  EXPECT_LINE(rms(zeros({2, 5})));
  GroupNorm group{2, 4};
  init(group, Key(0));
  EXPECT_LINE(group(zeros({2, 5, 3})));
  EXPECT_LINE(group(zeros({2})));
  BatchNorm batch{3};
  init(batch, Key(0));
  EXPECT_LINE(batch(zeros({2, 5, 4, 4}), training));
  EXPECT_LINE(batch(zeros({2}), training));
  EXPECT_LINE(batch(zeros({2, 3}, DType::i32), training));
  Context evaluation;
  EXPECT_LINE(batch(zeros({2, 5, 4, 4}), evaluation));
  Lstm lstm{3, 4};
  init(lstm, Key(0));
  EXPECT_LINE(lstm(zeros({2, 5, 7})));
  EXPECT_LINE(lstm(zeros({2, 5})));
  EXPECT_LINE(lstm(zeros({2, 5, 3}), zeros({1, 2, 9}), zeros({1, 2, 4})));
  Gru gru{3, 4};
  init(gru, Key(0));
  EXPECT_LINE(gru(zeros({2, 5, 7})));
  MultiHeadAttention attention{8, 2};
  init(attention, Key(0));
  EXPECT_LINE(attention(zeros({2, 5, 7})));
  EXPECT_LINE(attention(zeros({2, 8})));
  EXPECT_LINE(attention.attend(zeros({2, 5, 8}), zeros({2, 5, 7})));
  EXPECT_LINE(Rope{}(zeros({2, 3, 5})));
}

TEST(LayerLines, OfPoolsLossesAndDropout) {
  Context training(Mode::Train, Key(1));
  EXPECT_LINE(max_pool2d(zeros({2, 3, 1, 1}), 2));
  EXPECT_LINE(avg_pool1d(zeros({3}), 2));
  EXPECT_LINE(Dropout{1.5}(zeros({3}), training));
  EXPECT_LINE(mse(zeros({3}), zeros({4})));
  EXPECT_LINE(cross_entropy(zeros({3, 4}), zeros({2}, DType::i32)));
  EXPECT_LINE(huber(zeros({3}), zeros({3}, DType::f64)));
}

TEST(LayerLines, OfUndefinedTensors) {
  Context training(Mode::Train, Key(1));
  Linear linear{3, 4};
  EXPECT_LINE(linear(zeros({2, 3})));
  init(linear, Key(0));
  EXPECT_LINE(linear(kUndefined));
  EXPECT_LINE(Conv1d{}(kUndefined));
  EXPECT_LINE(BatchNorm{3}(zeros({2, 3}), training));
  EXPECT_LINE(Lstm{3, 4}(kUndefined));
  EXPECT_LINE(MultiHeadAttention{8, 2}(kUndefined));
  EXPECT_LINE(Rope{}(kUndefined));
  EXPECT_LINE(max_pool2d(kUndefined, 2));
  EXPECT_LINE(global_avg_pool(kUndefined));
  EXPECT_LINE(Dropout{}(kUndefined, training));
  EXPECT_LINE(Embedding{}(zeros({2}, DType::i32)));
}

TEST(LayerLines, OfInit) {
  MultiHeadAttention bad{8, 3};
  EXPECT_LINE(init(bad, Key(0)));
  EXPECT_LINE(truncated_normal(Key(0), {2}, -1));
  EXPECT_LINE(truncated_normal(Key(0), {2}, 1, 0));
  EXPECT_LINE(truncated_normal(Key(0), {2}, 1, 2, DType::i32));
  EXPECT_LINE(truncated_normal(Key(0), {2}, 1e5, 2, DType::f16));
  EXPECT_LINE(truncated_normal(Key(0), {2}, 5e4, 2, DType::f16));
  EXPECT_LINE(orthogonal(Key(0), -1, 2));
  EXPECT_LINE(orthogonal(Key(0), 2, 2, 1, DType::i32));
  EXPECT_LINE(xavier_uniform_bound({0, 2}));
  EXPECT_LINE(xavier_normal_deviation({2, 2}, INFINITY));
  EXPECT_LINE(kaiming_uniform_bound({2, 2}, INFINITY));
  EXPECT_LINE(kaiming_normal_deviation({2, 0}));
  EXPECT_LINE(fans_of({3}));
  EXPECT_LINE((void)Lstm{3, 4, {.layers = 0}});
  EXPECT_LINE((void)Gru{3, 4, {.layers = 20000}});
  EXPECT_LINE(init<Linear>(Key(0), {.dtype = DType::i32}));
}

TEST(LayerLines, OfARunningProgramAndUnderJit) {
  Embedding table{4, 2};
  init(table, Key(0));
  EXPECT_LINE(table(Tensor::from({9})).evaluate());
  Linear three{3, 4};
  init(three, Key(0));
  auto jitted = jit([&](const Tensor& x) { return three(x); });
  const int line = __LINE__ - 1;
  expect_line(line, [&] { jitted(zeros({2, 5})); });
}

}  // namespace
}  // namespace strata::nn
