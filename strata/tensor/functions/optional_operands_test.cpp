// Operands that may be left out are given as a Tensor, std::nullopt or {}, without their type being spelled out.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/composites/norm.h"
#include "strata/ops/composites/quantise.h"
#include "strata/ops/contraction/block_dot.h"
#include "strata/ops/encoding/encoding.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/random.h"
#include "strata/tensor/tensor.h"

namespace strata {
namespace {

bool same(const Tensor& a, const Tensor& b) { return a.array().same_bits(b.array()); }

TEST(OptionalOperands, OfAttention) {
  const Shape shape{1, 2, 5, 4};
  const Tensor q = normal(Key(1), shape), k = normal(Key(2), shape), v = normal(Key(3), shape);
  const Tensor zero = Tensor::zeros({5, 5}), one = Tensor::ones({5, 5}), segments = Tensor::zeros({1, 5}, DType::i32);
  const Tensor plain = attention(q, k, v), causal = attention(q, k, v, {}, {.is_causal = true});
  EXPECT_FALSE(same(plain, causal));
  EXPECT_TRUE(same(attention(q, k, v, zero), plain));
  EXPECT_TRUE(same(attention(q, k, v, zero, {.is_causal = true}), causal));
  EXPECT_TRUE(same(attention(q, k, v, std::nullopt, {.is_causal = true}), causal));
  EXPECT_TRUE(same(attention(q, k, v, zero, {.is_causal = true}, one, std::nullopt, segments), causal));
  EXPECT_FALSE(same(attention(q, k, v, {}, {}, {}, Tensor::zeros({2})), plain)) << "a sink takes a part of each row";
}

TEST(OptionalOperands, OfNorms) {
  const Tensor x = normal(Key(1), {3, 4}), one = Tensor::ones({4}), zero = Tensor::zeros({4});
  const Tensor layer = ops::layer_norm(x, {}, {});
  EXPECT_TRUE(same(layer_norm(x, one, zero), layer));
  EXPECT_TRUE(same(layer_norm(x, one, std::nullopt), layer));
  EXPECT_TRUE(same(layer_norm(x, std::nullopt, zero, 1, 1e-5), layer));
  EXPECT_TRUE(same(rms_norm(x, one), rms_norm(x, std::nullopt)));
  EXPECT_TRUE(same(group_norm(x, 2, one, zero), group_norm(x, 2, std::nullopt, {})));
  EXPECT_TRUE(same(ops::batch_norm_train(x, one, {})[0], ops::batch_norm_train(x, std::nullopt, zero)[0]));
  EXPECT_TRUE(
      same(ops::batch_norm_with(x, zero, one, one, {}), ops::batch_norm_with(x, zero, one, std::nullopt, zero)));
}

TEST(OptionalOperands, OfQuantisedProducts) {
  const Tensor q = Tensor::from({-3, 5, 7, 0}), bytes = cast(reshape(q, {2, 2}), DType::i8),
               step = Tensor::scalar(0.5f);
  const Tensor zero = Tensor::scalar(0, DType::i8);
  EXPECT_TRUE(same(dequantize_linear(bytes, step, zero), dequantize_linear(bytes, step, {})));
  EXPECT_TRUE(same(dequantize_linear(bytes, step, std::nullopt), dequantize_linear(bytes, step, zero, 0)));
  EXPECT_TRUE(same(matmul_integer(bytes, bytes, zero, zero), matmul_integer(bytes, bytes)));
  EXPECT_TRUE(same(matmul_integer(bytes, bytes, std::nullopt, zero), matmul_integer(bytes, bytes, zero, {})));
  const Tensor bias = Tensor::zeros({2}, DType::i32);
  const Tensor product = qlinear_matmul({bytes, step, zero}, {bytes, step}, bias, step, zero);
  EXPECT_TRUE(same(qlinear_matmul({bytes, step}, {bytes, step, zero}, std::nullopt, step, zero), product));
  EXPECT_TRUE(same(qlinear_matmul(Quantised<Tensor>{bytes, step}, {bytes, step}, {}, step, zero), product));
}

TEST(OptionalOperands, AFormatIsGivenByItsName) {
  const Tensor x_MK = normal(Key(1), {2, 64}), w_NK = encode(normal(Key(2), {3, 64}), "q4_0");
  const Tensor rows = encode(x_MK, "q8_0");
  EXPECT_TRUE(same(rows, encode(x_MK, ir::encoding_named("q8_0"))));
  EXPECT_EQ(block_dot(rows, w_NK).type().str(), "f32[2,3]");
  const std::string text = base::message_of([&] { encode(x_MK, "q8"); });
  EXPECT_NE(text.find("q8"), std::string::npos);
  EXPECT_NE(text.find("recorded at optional_operands_test.cpp"), std::string::npos) << text;
}

}  // namespace
}  // namespace strata
