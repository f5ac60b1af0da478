// Products of blocks: their formula written once more, what sets them apart from dot, and what is refused.
#include "strata/ops/contraction/block_dot.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "strata/base/error/message_of.h"
#include "strata/ir/encoding/encode_array.h"
#include "strata/ir/encoding/scaled_integers.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/encoding/encoding.h"

namespace strata::ops {
namespace {

using ir::DType;
using ir::Graph;
using ir::HostArray;

HostArray blocks(const char* encoding, std::vector<int64_t> shape, int seed) {
  HostArray plain(DType::f32, std::move(shape));
  for (int64_t i = 0; i < plain.elements(); ++i)
    plain.set(i, std::sin(static_cast<double>(i * seed % 997)) * (1 + static_cast<double>(i % 5)));
  return ir::encode_array(plain, ir::encoding_named(encoding));
}

template <class F>
HostArray run(const HostArray& x, const HostArray& w, F&& f) {
  Graph graph;
  const auto parameter = [&](const HostArray& a) {
    return graph.add_parameter(Type::of(a.encoding(), ir::Shape(a.shape().begin(), a.shape().end())));
  };
  const Value a = parameter(x), b = parameter(w);
  graph.set_results({f(a, b)});
  return ir::interpret(graph, std::array{x, w})[0];
}
HostArray product(const HostArray& x, const HostArray& w) {
  return run(x, w, [](Value a, Value b) { return block_dot(a, b); });
}

/// The integers of a block are multiplied and added before anything is rounded.
TEST(BlockDot, IsTheFormulaOverBlocks) {
  for (const char* of_w : {"q4_0", "q8_0"}) {
    const HostArray x = blocks("q8_0", {2, 96}, 7), w = blocks(of_w, {3, 96}, 11);
    const HostArray y = product(x, w);
    const ir::ScaledIntegersReader read_x(*x.encoding().format()), read_w(*w.encoding().format());
    const auto block = [](const HostArray& a, int64_t number) {
      return static_cast<const std::byte*>(a.data()) + number * a.encoding().format()->bytes;
    };
    for (int64_t m = 0; m < 2; ++m)
      for (int64_t n = 0; n < 3; ++n) {
        float sum = 0;
        for (int64_t b = 0; b < 3; ++b) {
          std::array<int32_t, 32> p{}, q{};
          float s = 0, t = 0;
          read_x(block(x, m * 3 + b), p.data(), s);
          read_w(block(w, n * 3 + b), q.data(), t);
          int64_t whole = 0;
          for (size_t u = 0; u < 32; ++u) whole += int64_t{p[u]} * q[u];
          sum = std::fma(static_cast<float>(whole), s * t, sum);
        }
        EXPECT_EQ(static_cast<float>(y.get(m * 3 + n)), sum) << of_w;
      }
  }
}

/// dot multiplies the decoded numbers one by one, and so rounds otherwise.
TEST(BlockDot, MeansAnotherOrderThanDotOfTheDecodedNumbers) {
  const HostArray x = blocks("q8_0", {4, 256}, 7), w = blocks("q4_0", {5, 256}, 11);
  const HostArray y = product(x, w),
                  decoded = run(x, w, [](Value a, Value b) { return dot(a, b, {{1}, {1}, {}, {}}, DType::f32); });
  for (int64_t i = 0; i < y.elements(); ++i)
    EXPECT_NEAR(y.get(i), decoded.get(i), 1e-4 * std::abs(decoded.get(i)) + 1e-3);
}

TEST(BlockDot, TakesBatchesOfRowsAndOfBoth) {
  Graph graph;
  const Value x = graph.add_parameter(Type::of(ir::encoding_named("q8_0"), {2, 3, 64})),
              w = graph.add_parameter(Type::of(ir::encoding_named("q4_0"), {5, 64}));
  EXPECT_EQ(block_dot(x, w).type().str(), "f32[2,3,5]");
  EXPECT_EQ(block_dot(w, w).type().str(), "f32[5,5]");
  EXPECT_EQ(block_dot(x, x).type().str(), "f32[2,3,3]");
}

std::string refusal(Type x, Type w) {
  Graph graph;
  const Value a = graph.add_parameter(x), b = graph.add_parameter(w);
  return base::message_of([&] { block_dot(a, b); });
}

TEST(BlockDot, SaysWhatItTakes) {
  const auto q8 = ir::encoding_named("q8_0"), q4 = ir::encoding_named("q4_0"), nf4 = ir::encoding_named("nf4");
  const auto expect = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(refusal(Type::of(DType::f32, {2, 64}), Type::of(q4, {3, 64})), "block_dot: takes u8, found f32");
  expect(refusal(Type::of(DType::u8, {2, 64}), Type::of(q4, {3, 64})),
         "block_dot: takes arrays of blocks, found u8[2,64]");
  expect(refusal(Type::of(q8, {2, 64}), Type::of(nf4, {3, 64})),
         "block_dot: takes blocks of integers under a scale, and nf4 decodes to something else");
  expect(refusal(Type::of(ir::encoding_named("i4"), {2, 64}), Type::of(q8, {3, 64})),
         "block_dot: takes blocks of integers under a scale, and i4 decodes to something else");
  expect(refusal(Type::of(q8, {2, 64}), Type::of(q4, {64})),
         "block_dot: the right operand is q4_0[64], expected [..., N, K]");
  expect(refusal(Type::of(q8, {64}), Type::of(q4, {2, 3, 64})),
         "block_dot: the left operand is q8_0[64], expected the 1 batch axes of q4_0[2,3,64] and K");
  expect(refusal(Type::of(q8, {2, 64}), Type::of(q4, {4, 3, 64})),
         "block_dot: batch dimensions differ: lhs q8_0[2,64] has 2, rhs q4_0[4,3,64] has 4");
  expect(refusal(Type::of(q8, {2, 64}), Type::of(q4, {3, 96})),
         "block_dot: contracted dimensions differ: lhs q8_0[2,64] has 64, rhs q4_0[3,96] has 96");
  ir::declare_encoding("test_blocks_of_16", R"(
kernel @decode(%b: u8[18]) -> (%y: f32[16]) {
  for i in 0..16 { %y[i] = mul(cast(f32, bitcast(i8, %b[2 + i])), cast(f32, %b[0])) }
})");
  expect(refusal(Type::of(q8, {2, 64}), Type::of(ir::encoding_named("test_blocks_of_16"), {3, 64})),
         "block_dot: blocks have 32 elements of q8_0 and 16 of test_blocks_of_16, expected equally many");
  ir::declare_encoding("test_long_blocks", R"(
kernel @decode(%b: u8[40001]) -> (%y: f32[40000]) {
  for i in 0..40000 { %y[i] = mul(cast(f32, %b[1 + i]), cast(f32, %b[0])) }
})");
  const auto long_blocks = ir::encoding_named("test_long_blocks");
  expect(refusal(Type::of(long_blocks, {2, 40000}), Type::of(long_blocks, {3, 40000})),
         "block_dot: sums of 40000 products of test_long_blocks and test_long_blocks may leave i32");
}

}  // namespace
}  // namespace strata::ops
