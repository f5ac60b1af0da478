// Every code of the small formats against arithmetic that is written here once more, and other people's bytes.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "strata/base/error/message_of.h"
#include "strata/ir/encoding/block_format.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/encoding/encoding.h"
#include "strata/ops/list.h"

namespace strata::ops {
namespace {

#include "strata/ops/encoding/vectors.inc"

using base::message_of;
using ir::Graph;
using ir::HostArray;

HostArray bytes_as(Encoding e, std::vector<int64_t> shape, std::span<const uint8_t> bytes) {
  HostArray a(e, std::move(shape));
  EXPECT_EQ(a.bytes(), std::ssize(bytes));
  std::memcpy(a.data(), bytes.data(), bytes.size());
  return a;
}

std::vector<uint8_t> bytes_of(const HostArray& a) {
  const auto* first = reinterpret_cast<const uint8_t*>(a.data());
  return {first, first + a.bytes()};
}

/// One op of one operand, interpreted.
template <class F>
HostArray run(const HostArray& x, F&& f) {
  Graph graph;
  const ir::Shape shape(x.shape().begin(), x.shape().end());
  graph.set_results({f(graph.add_parameter(Type::of(x.encoding(), shape)))});
  return ir::interpret(graph, std::array{x})[0];
}

template <class T>
std::vector<uint8_t> encoded(std::string_view name, std::span<const T> elements) {
  const HostArray x = HostArray::of<T>(ir::dtype_of<T>(), {std::ssize(elements)}, elements);
  return bytes_of(run(x, [&](Value v) { return encode(v, ir::encoding_named(name)); }));
}

bool same_float(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

/// A float of 8 bits by its definition. `largest`: codes above it are NaN, or infinity where `has_infinity`.
struct SmallFloat {
  std::string_view name;
  int mantissa, bias, largest;
  bool has_infinity;
  float value(int code) const {
    const int magnitude = code & 127, exponent = magnitude >> mantissa, fraction = magnitude & ((1 << mantissa) - 1);
    const float sign = code & 128 ? -1.f : 1.f;
    if (magnitude > largest) return has_infinity && magnitude == largest + 1 ? sign * INFINITY : NAN;
    if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), 1 - bias - mantissa);
    return sign * std::ldexp(static_cast<float>((1 << mantissa) + fraction), exponent - bias - mantissa);
  }
  /// Nearest by trying them all; of two, the even code; beyond the largest, the largest.
  int nearest(float x) const {
    if (std::isnan(x)) return 127;
    int best = 0;
    double distance = INFINITY;
    for (int code = 0; code <= largest; ++code) {
      const double d = std::fabs(std::fabs(static_cast<double>(x)) - value(code));
      if (d < distance || (d == distance && code % 2 == 0)) best = code, distance = d;
    }
    if (std::fabs(x) >= value(largest)) best = largest;
    return best | (std::signbit(x) ? 128 : 0);
  }
};
constexpr SmallFloat kSmallFloats[] = {{"f8_e4m3", 3, 7, 0x7e, false}, {"f8_e5m2", 2, 15, 0x7b, true}};

TEST(Encoding, FloatsOf8BitsReadAllTheirCodes) {
  for (const SmallFloat& f : kSmallFloats) {
    std::vector<uint8_t> codes(256);
    for (int c = 0; c < 256; ++c) codes[c] = static_cast<uint8_t>(c);
    const HostArray values = bytes_as(ir::encoding_named(f.name), {256}, codes).decoded();
    for (int c = 0; c < 256; ++c) EXPECT_TRUE(same_float(values.as<float>()[c], f.value(c))) << f.name << " code " << c;
  }
}

TEST(Encoding, FloatsOf8BitsRoundToTheNearest) {
  std::mt19937 random(5);
  for (const SmallFloat& f : kSmallFloats) {
    std::vector<float> numbers = {0.f, -0.f, INFINITY, -INFINITY, NAN, 3e38f, -3e38f, 1e-45f, 1e-40f};
    for (int c = 0; c < f.largest; ++c) {  // each value, the middle to the next one, and what lies beside it
      const float here = f.value(c), middle = (here + f.value(c + 1)) / 2;
      for (float x : {here, middle, std::nextafter(middle, 0.f), std::nextafter(middle, 1e30f)})
        numbers.insert(numbers.end(), {x, -x});
    }
    const float top = f.value(f.largest);
    numbers.insert(numbers.end(), {top * 1.01f, top * 1.1f, -top * 2});
    while (numbers.size() < 20000) numbers.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
    const auto codes = encoded<float>(f.name, numbers);
    for (size_t i = 0; i < numbers.size(); ++i)
      ASSERT_EQ(codes[i], f.nearest(numbers[i])) << f.name << " of " << numbers[i];
  }
}

TEST(Encoding, FloatsOf8BitsAreThoseOfTorch) {
  EXPECT_EQ(encoded<float>("f8_e4m3", kNumbers),
            std::vector<uint8_t>(std::begin(kF8E4M3Bytes), std::end(kF8E4M3Bytes)));
  EXPECT_EQ(encoded<float>("f8_e5m2", kNumbers),
            std::vector<uint8_t>(std::begin(kF8E5M2Bytes), std::end(kF8E5M2Bytes)));
}

TEST(Encoding, BlocksAreThoseOfGgml) {
  const std::vector<int64_t> shape = {6, 32};
  const HostArray x = HostArray::of<float>(DType::f32, shape, kBlocks);
  const auto check = [&](std::string_view name, std::span<const uint8_t> bytes, std::span<const float> values,
                         bool is_encode_equal) {
    const Encoding e = ir::encoding_named(name);
    const HostArray read = bytes_as(e, shape, bytes).decoded();
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_TRUE(same_float(read.as<float>()[i], values[i])) << name << " element " << i;
    if (is_encode_equal) {
      EXPECT_EQ(bytes_of(run(x, [&](Value v) { return encode(v, e); })),
                std::vector<uint8_t>(bytes.begin(), bytes.end()))
          << name;
    }
  };
  check("q4_0", kQ40Bytes, kQ40Values, true);
  check("q8_0", kQ80Bytes, kQ80Values, true);
  check("mxfp4", kMxfp4Bytes, kMxfp4Values, false);  // ggml rounds its elements otherwise than OCP
}

TEST(Encoding, SmallIntegersPackLowBitsFirstThroughTheWholeArray) {
  const auto pack = [](std::string_view name, auto elements, std::vector<int64_t> shape) {
    using T = typename decltype(elements)::value_type;
    const HostArray x = HostArray::of<T>(ir::dtype_of<T>(), std::move(shape), std::span<const T>(elements));
    return run(x, [&](Value v) { return encode(v, ir::encoding_named(name)); });
  };
  const HostArray rows = pack("u4", std::vector<uint8_t>{1, 2, 3, 4, 5, 200}, {2, 3});
  EXPECT_EQ(bytes_of(rows), (std::vector<uint8_t>{0x21, 0x43, 0xf5}));
  EXPECT_EQ(bytes_of(pack("i4", std::vector<int8_t>{-8, 7, -1, -100, 100}, {5})),
            (std::vector<uint8_t>{0x78, 0x8f, 0x07}));
  EXPECT_EQ(bytes_of(pack("u2", std::vector<uint8_t>{1, 2, 3, 9, 2}, {5})), (std::vector<uint8_t>{0xf9, 0x02}));
  EXPECT_EQ(bytes_of(pack("i2", std::vector<int8_t>{-2, 1, -1, 0, -9}, {5})), (std::vector<uint8_t>{0x36, 0x02}));
  for (std::string_view name : {"i4", "i2", "u4", "u2"}) {
    const Encoding e = ir::encoding_named(name);
    const int per = e.format()->elements, bits = 8 / per;
    std::vector<uint8_t> codes(256);
    for (int c = 0; c < 256; ++c) codes[c] = static_cast<uint8_t>(c);
    const HostArray values = bytes_as(e, {256 * per}, codes).decoded();
    for (int i = 0; i < 256 * per; ++i) {
      const int code = (i / per) >> (i % per * bits) & ((1 << bits) - 1);
      const bool is_negative = name[0] == 'i' && code >> (bits - 1);
      ASSERT_EQ(values.get_int(i), is_negative ? code - (1 << bits) : code) << name << " element " << i;
    }
  }
}

TEST(Encoding, EncodingWhatWasDecodedGivesTheBytesAgain) {
  std::mt19937 random(11);
  for (Encoding e : ir::built_in_encodings()) {
    std::vector<float> numbers(64 * 5);
    for (float& x : numbers) x = static_cast<float>(random() % 2001) / 100 - 10;
    HostArray x(e.value_dtype(), {5, 64});
    for (int64_t i = 0; i < x.elements(); ++i) x.set(i, numbers[i]);
    const auto once = run(x, [&](Value v) { return encode(v, e); });
    const auto twice = run(once, [&](Value v) { return encode(decode(v), e); });
    EXPECT_TRUE(once.decoded().same_bits(twice.decoded())) << e.name();
    // No element is off by more than the format's step: for mxfp4, which saturates, it is a quarter of the largest.
    for (int64_t i = 0; i < x.elements() && ir::is_float(e.value_dtype()); ++i)
      EXPECT_NEAR(once.decoded().get(i), x.get(i), 2) << e.name();
  }
}

TEST(Encoding, MxBlocksWithWhatIsNotFiniteAreNaN) {
  std::vector<float> numbers(64, 1.f);
  numbers[40] = INFINITY;
  const HostArray x = HostArray::of<float>(DType::f32, {64}, numbers);
  const HostArray y = run(x, [](Value v) { return decode(encode(v, ir::encoding_named("mxfp4"))); });
  for (int64_t i = 0; i < 64; ++i) EXPECT_EQ(std::isnan(y.get(i)), i >= 32) << i;
}

TEST(Encoding, OtherOpsRefuseInOnePlace) {
  const Encoding q = ir::encoding_named("q4_0");
  int refused = 0;
  for (const ir::Op* op : all_ops()) {
    if (!op->samples || op->encoded || op->is_call) continue;
    const ir::Sample sample = op->samples.fn().at(0);
    if (sample.operands.empty()) continue;
    Graph graph;
    std::vector<Value> operands;
    for (const auto& o : sample.operands) operands.push_back(graph.add_parameter(o.type));
    operands[0] = graph.add_parameter(Type::of(q, {4, 32}));
    const std::string message = message_of([&] { graph.add(*op, operands, sample.attrs, sample.regions); });
    if (!op->types.has(DType::u8)) {
      EXPECT_TRUE(message.starts_with("error[E0100]: " + std::string(op->name) + ": takes ")) << message;
      EXPECT_NE(message.find(", found q4_0"), std::string::npos) << message;
      continue;
    }
    EXPECT_TRUE(message.starts_with("error[E0143]: " + std::string(op->name) +
                                    ": operand 0 is q4_0[4,32], whose elements are blocks of bytes"))
        << message;
    ++refused;
  }
  EXPECT_GT(refused, 30);
}

TEST(Encoding, E0144NamesTheAxisThatBlocksDontDivide) {
  Graph graph;
  const Encoding q = ir::encoding_named("q4_0");
  const Value x = graph.add_parameter(Type::of(DType::f32, {3, 33}));
  EXPECT_EQ(
      message_of([&] { encode(x, q); }),
      "error[E0144]: encode: q4_0[3,33]: blocks of 32 elements don't divide axis 1\nnote: operands are f32[3,33]\n"
      "hint: pad the axis to a multiple, or lay another axis last");
  EXPECT_EQ(message_of([&] { HostArray(q, {2, 31}); }),
            "error[E0144]: q4_0[2,31]: blocks of 32 elements don't divide axis 1\n"
            "hint: pad the axis to a multiple, or lay another axis last");
  EXPECT_EQ(message_of([&] { Type::scalar(DType::f32), Type::of(q, {}); }),
            "error[E0144]: q4_0[]: blocks of 32 elements lie along the last axis, and there is none");
}

TEST(Encoding, E0144IsAskedOfASymbolicAxisWhenItIsBound) {
  Graph graph;
  const Value x = graph.add_parameter(Type::of(DType::f32, {2, Dim::symbol("K")}));
  graph.set_location({"model.cpp", 12, nullptr});
  graph.set_results({decode(encode(x, ir::encoding_named("q8_0")))});
  EXPECT_EQ(ir::interpret(graph, std::array{HostArray(DType::f32, {2, 64})})[0].elements(), 128);
  const std::string message = message_of([&] { ir::interpret(graph, std::array{HostArray(DType::f32, {2, 40})}); });
  EXPECT_TRUE(message.starts_with("error[E0144]: encode: q8_0[2,40]: blocks of 32 elements don't divide axis 1"))
      << message;
  EXPECT_NE(message.find("recorded at model.cpp"), std::string::npos) << message;
}

TEST(Encoding, E0143SaysWhoTakesEncodedOperands) {
  Graph graph;
  const Value w = graph.add_parameter(Type::of(ir::encoding_named("nf4"), {2, 64}));
  EXPECT_EQ(message_of([&] {
              graph.add1(*op_table().find("sort"), {w}, {Attr("axis", 0), Attr("descending", false)});
            }).substr(0, 80),
            "error[E0143]: sort: operand 0 is nf4[2,64], whose elements are blocks of bytes\nn");
  const HostArray x(ir::encoding_named("nf4"), {2, 64});
  EXPECT_EQ(message_of([&] { graph.add1(*op_table().find("constant"), {}, {Attr("value", &x)}); }),
            "error[E0143]: constant: a literal has a dtype, found nf4\nhint: pass an encoded array as an argument");
  EXPECT_EQ(message_of([&] { (void)x.get(0); }),
            "error[E0137]: array: elements of nf4 are blocks of bytes\nhint: decode gives the elements");
}

}  // namespace
}  // namespace strata::ops
