// Tensors of blocks: made, printed, multiplied, differentiated around, and passed to jit.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/encoding/encoding.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/tensor.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

const ir::Encoding kQ4 = ir::encoding_named("q4_0");

Tensor weights(const Shape& shape) { return normal(Key(3), shape); }

TEST(EncodedTensor, IsMadePrintedAndRead) {
  const Tensor x = Tensor::from({1.f, -2.f, 3.f, 7.f}), i = cast(x, DType::i8);
  const Tensor packed = encode(i, ir::encoding_named("i4"));
  EXPECT_EQ(packed.type().str(), "i4[4]");
  EXPECT_EQ(packed.str(), i.str());
  EXPECT_EQ(encoded_bytes(packed).str(), "[225 115]");
  EXPECT_TRUE(decode(packed).array().same_bits(i.array()));
  EXPECT_TRUE(
      from_encoded_bytes(encoded_bytes(packed), ir::encoding_named("i4"), {4}).array().same_bits(packed.array()));
}

TEST(EncodedTensor, MultipliesWhereItLies) {
  const Tensor x = normal(Key(1), {5, 64}), w = encode(weights({7, 64}), kQ4);
  const Tensor y = einsum<Tensor>("ik,jk->ij", {x, w}), dense = einsum<Tensor>("ik,jk->ij", {x, decode(w)});
  EXPECT_TRUE(y.array().same_bits(dense.array()));
  const ops::Slice rows{2, 5};
  const Tensor table = encode(weights({9, 32}), kQ4), ids = Tensor::from({3, 1});
  EXPECT_TRUE(decode(embedding(table, ids)).array().same_bits(embedding(decode(table), ids).array()));
  EXPECT_EQ(decode(table[rows]).str(), decode(table)[rows].str());
}

TEST(EncodedTensor, GradientsPassToTheOtherOperand) {
  const Tensor w = encode(weights({7, 64}), kQ4), dense = decode(w);
  const auto loss = [](const Tensor& x, const Tensor& w) { return sum(square(einsum<Tensor>("ik,jk->ij", {x, w}))); };
  const Tensor x = normal(Key(2), {5, 64});
  const Tensor g = grad([&](const Tensor& v) { return loss(v, w); }, x);
  const Tensor wanted = grad([&](const Tensor& v) { return loss(v, dense); }, x);
  EXPECT_TRUE(g.array().same_bits(wanted.array()));
}

TEST(EncodedTensor, IsAnArgumentOfJit) {
  int recorded = 0;
  auto f = jit([&](Tensor x, Tensor w) {
    ++recorded;
    return einsum<Tensor>("ik,jk->ij", {x, w});
  });
  const Tensor x = normal(Key(1), {5, 64}), dense = weights({7, 64});
  for (const char* name : {"q4_0", "q8_0", "nf4", "mxfp4", "q4_0"}) {
    const Tensor w = encode(dense, ir::encoding_named(name));
    EXPECT_TRUE(f(x, w).array().same_bits(einsum<Tensor>("ik,jk->ij", {x, decode(w)}).array())) << name;
  }
  EXPECT_EQ(recorded, 4);
}

TEST(EncodedTensor, RefusalsNameTheLine) {
  const Tensor w = encode(weights({7, 64}), kQ4);
  const std::string message = base::message_of([&] { exp(w); });
  EXPECT_TRUE(message.starts_with("error[E0100]: exp: takes")) << message;
  EXPECT_NE(message.find("recorded at encoded_test.cpp"), std::string::npos) << message;
  const std::string added = base::message_of([&] { w + w; });
  EXPECT_TRUE(added.starts_with("error[E0143]: add: operand 0 is q4_0[7,64]")) << added;
}

}  // namespace
}  // namespace strata
