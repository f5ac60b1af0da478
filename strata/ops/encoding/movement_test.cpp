// Movements of blocks against the same movements of the decoded elements.
#include <gtest/gtest.h>

#include <random>

#include "strata/base/error/message_of.h"
#include "strata/ir/encoding/block_format.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/encoding/encoding.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

using base::message_of;
using ir::Graph;
using ir::HostArray;
using Move = std::function<Value(Value)>;

HostArray random_blocks(Encoding e, std::vector<int64_t> shape) {
  std::mt19937 random(3);
  HostArray a(e, std::move(shape));
  for (int64_t i = 0; i < a.bytes(); ++i) a.data()[i] = static_cast<std::byte>(random() % 0x70);  // finite scales
  return a;
}

/// decode(move(x)) and move(decode(x)), bit for bit.
void expect_moved(Encoding e, std::vector<int64_t> shape, const Move& move, const char* what) {
  const HostArray x = random_blocks(e, shape);
  Graph graph;
  const Value v = graph.add_parameter(Type::of(e, ir::Shape(shape.begin(), shape.end())));
  graph.set_results({decode(move(v)), move(decode(v))});
  const auto results = ir::interpret(graph, std::array{x});
  EXPECT_TRUE(results[0].same_bits(results[1])) << what << " of " << e.name();
}

TEST(EncodedMovement, MovesWholeBlocks) {
  for (Encoding e : ir::built_in_encodings()) {
    const Dim n = 64;
    expect_moved(e, {3, 5, 128}, [](Value x) { return reshape(x, {15, 128}); }, "reshape");
    expect_moved(e, {3, 5, 128}, [&](Value x) { return reshape(x, {5, 6, n}); }, "reshape of rows");
    expect_moved(e, {3, 5, 128}, [](Value x) { return transpose(x, {1, 0, 2}); }, "transpose");
    expect_moved(e, {3, 5, 128}, [&](Value x) { return slice(x, {{1, 3}, {0, {}, 2}, {n}}); }, "slice");
    expect_moved(e, {3, 5, 128}, [](Value x) { return concat({x, slice(x, {{0, 1}})}, 0); }, "concat of rows");
    expect_moved(e, {3, 128}, [&](Value x) { return concat({x, slice(x, {{}, {n}})}, 1); }, "concat of blocks");
    expect_moved(e, {1, 64}, [&](Value x) { return broadcast(x, Shape{4, 3, n}, Ints{1, 2}); }, "broadcast");
    const auto rows = [](Value x) {
      const HostArray ids = HostArray::of<int32_t>(DType::i32, {3}, std::array<int32_t, 3>{2, 0, 2});
      return embedding(x, x.graph().add1(kConstant, {}, {Attr("value", &ids)}), OutOfRange::Clamp);
    };
    expect_moved(e, {3, 64}, rows, "gather");
    const auto at = [](Value x, int64_t i) { return scalar(x.graph(), DType::i32, static_cast<double>(i)); };
    expect_moved(e, {4, 64}, [&](Value x) { return dynamic_slice(x, {at(x, 1), at(x, 0)}, {2, n}); }, "dynamic_slice");
    const auto update = [&](Value x) { return dynamic_update_slice(x, slice(x, {{3, 4}}), {at(x, 1), at(x, 0)}); };
    expect_moved(e, {4, 64}, update, "dynamic_update_slice");
    expect_moved(e, {0, 64}, [](Value x) { return transpose(reshape(x, {2, 0, 64}), {1, 0, 2}); }, "empty");
  }
}

TEST(EncodedMovement, FloatsOf8BitsMoveOneByOne) {
  const Encoding e = ir::encoding_named("f8_e4m3");
  expect_moved(e, {3, 5}, [](Value x) { return transpose(x, {1, 0}); }, "transpose");
  expect_moved(e, {7, 5}, [](Value x) { return slice(x, {{1, 6, 2}, {1, 4}}); }, "slice");
}

TEST(EncodedMovement, SmallIntegersTakeAnyShape) {
  for (const char* name : {"i4", "u2"}) {
    expect_moved(ir::encoding_named(name), {3, 5, 7}, [](Value x) { return reshape(x, {7, 15}); }, "reshape");
  }
}

TEST(EncodedMovement, BytesGoOutAndComeBack) {
  for (Encoding e : ir::built_in_encodings()) {
    const auto there_and_back = [&](Value x) {
      const Type t = x.type();
      return t.is_encoded() ? from_encoded_bytes(encoded_bytes(x), e, Shape(t.shape().begin(), t.shape().end())) : x;
    };
    expect_moved(e, {3, 128}, there_and_back, "bytes");
  }
}

TEST(EncodedMovement, E0144RefusesToSplitBlocks) {
  Graph graph;
  const Value w = graph.add_parameter(Type::of(ir::encoding_named("q4_0"), {4, 64}));
  const auto starts = [](const std::string& message, const std::string& with) {
    EXPECT_EQ(message.substr(0, with.size()), with);
  };
  starts(message_of([&] { transpose(w, {1, 0}); }),
         "error[E0144]: transpose: moving the last axis splits the blocks of 32 elements of q4_0[4,64]\n");
  starts(message_of([&] { slice(w, {{}, {16, 48}}); }),
         "error[E0144]: slice: a slice from 16 splits the blocks of 32 elements of q4_0[4,64]\n");
  starts(message_of([&] { slice(w, {{}, {0, 64, 2}}); }),
         "error[E0144]: slice: a stride along the last axis splits the blocks of 32 elements of q4_0[4,64]\n");
  starts(
      message_of([&] { take_along_axis(w, graph.add_parameter(Type::of(DType::i32, {4, 1})), 1, OutOfRange::Clamp); }),
      "error[E0144]: gather: a position on the last axis splits the blocks of 32 elements of q4_0[4,64]\n");
  starts(message_of([&] { reshape(w, {16, 16}); }),
         "error[E0144]: reshape: q4_0[16,16]: blocks of 32 elements don't divide axis 1\n");
  const Value odd = graph.add_parameter(Type::of(ir::encoding_named("i4"), {4, 5}));
  starts(message_of([&] { slice(odd, {{1, 2}}); }),
         "error[E0144]: slice: rows of i4[4,5] end within a byte, which holds 2 elements\n");
}

TEST(EncodedMovement, KeepsEncodingsApart) {
  Graph graph;
  const Value q = graph.add_parameter(Type::of(ir::encoding_named("q4_0"), {4, 32}));
  const Value n = graph.add_parameter(Type::of(ir::encoding_named("q8_0"), {4, 32}));
  const Value u = graph.add_parameter(Type::of(DType::u8, {4, 32}));
  EXPECT_TRUE(message_of([&] { concat({q, n}, 0); }).starts_with("error[E0100]: concat: operand dtypes differ"));
  EXPECT_TRUE(message_of([&] { concat({u, q}, 0); }).starts_with("error[E0100]: concat: operand dtypes differ"));
  EXPECT_TRUE(
      message_of([&] { gather(u, q, {0}, 0, OutOfRange::Clamp); }).starts_with("error[E0143]: gather: operand 1"));
}

}  // namespace
}  // namespace strata::ops
