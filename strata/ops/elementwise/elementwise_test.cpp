// Meaning of the elementwise ops at the values where languages and libraries differ, literals and broadcasting.
#include <gtest/gtest.h>

#include <cmath>

#include "strata/base/error/error.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/conformance/naive_lowering.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/activations.h"

namespace strata::ops {
namespace {

constexpr double kInf = HUGE_VAL, kNan = NAN;

HostArray array(DType t, const std::vector<double>& values) {
  HostArray a(t, {std::ssize(values)});
  for (size_t i = 0; i < values.size(); ++i) a.set(i, values[i]);
  return a;
}

std::vector<double> numbers(const HostArray& a) {
  std::vector<double> all;
  for (int64_t i = 0; i < a.elements(); ++i) all.push_back(a.get(i));
  return all;
}

/// f of one array, by the reference rules.
template <class F>
std::vector<double> of(DType t, const std::vector<double>& x, F f) {
  Graph g;
  const HostArray a = array(t, x);
  const Value v = g.add_parameter(Type::of(t, {Dim(std::ssize(x))}));
  g.set_results({f(v)});
  return numbers(ir::interpret(g, std::array{a})[0]);
}
template <class F>
std::vector<double> of(DType t, const std::vector<double>& x, const std::vector<double>& y, F f) {
  Graph g;
  const Type type = Type::of(t, {Dim(std::ssize(x))});
  const Value a = g.add_parameter(type), b = g.add_parameter(type);
  g.set_results({f(a, b)});
  return numbers(ir::interpret(g, std::array{array(t, x), array(t, y)})[0]);
}

void expect_same(const std::vector<double>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(expected[i]))
      EXPECT_TRUE(std::isnan(actual[i])) << "element " << i << " is " << actual[i];
    else
      EXPECT_EQ(actual[i], expected[i]) << "element " << i;
    EXPECT_EQ(std::signbit(actual[i]) && !std::isnan(actual[i]), std::signbit(expected[i]) && !std::isnan(expected[i]))
        << "sign of element " << i;
  }
}

TEST(Elementwise, IntegerDivisionNeverTraps) {
  expect_same(of(DType::i8, {7, -7, 5, -128, -128}, {2, 2, 0, -1, 0}, [](Value x, Value y) { return x / y; }),
              {3, -3, -1, -128, -1});
  expect_same(of(DType::i8, {7, -7, 5, -128, -128}, {2, 2, 0, -1, 0}, [](Value x, Value y) { return x % y; }),
              {1, -1, 5, 0, -128});
  expect_same(of(DType::u8, {7, 5}, {2, 0}, [](Value x, Value y) { return x / y; }), {3, 255});
  expect_same(of(DType::u8, {7, 5}, {2, 0}, [](Value x, Value y) { return x % y; }), {1, 5});
}

TEST(Elementwise, IntegersWrap) {
  expect_same(of(DType::i8, {127, -128}, {1, 1}, [](Value x, Value y) { return x + y; }), {-128, -127});
  expect_same(of(DType::i8, {-128}, [](Value x) { return -x; }), {-128});
  expect_same(of(DType::i8, {-128, -3}, [](Value x) { return abs(x); }), {-128, 3});
  expect_same(of(DType::u8, {200}, {100}, [](Value x, Value y) { return x * y; }), {32});
}

TEST(Elementwise, MinimumAndMaximumPropagateNan) {
  expect_same(of(DType::f32, {1, kNan, kNan, -0.0, 0.0}, {kNan, 1, kNan, 0.0, -0.0},
                 [](Value x, Value y) { return maximum(x, y); }),
              {kNan, kNan, kNan, 0.0, 0.0});
  expect_same(
      of(DType::f32, {1, kNan, -0.0, 0.0}, {kNan, 1, 0.0, -0.0}, [](Value x, Value y) { return minimum(x, y); }),
      {kNan, kNan, -0.0, -0.0});
}

TEST(Elementwise, RoundGoesToEven) {
  expect_same(of(DType::f32, {0.5, 1.5, 2.5, -0.5, -2.5}, [](Value x) { return round(x); }), {0, 2, 2, -0.0, -2});
}

TEST(Elementwise, SignKeepsZerosAndNan) {
  expect_same(of(DType::f32, {-3, -0.0, 0.0, kNan, kInf}, [](Value x) { return sign(x); }), {-1, -0.0, 0.0, kNan, 1});
}

TEST(Elementwise, CastSaturatesAndNanGivesZero) {
  expect_same(of(DType::f32, {300, -300, kNan, 1.9, -1.9, kInf}, [](Value x) { return cast(x, DType::i8); }),
              {127, -128, 0, 1, -1, 127});
  expect_same(of(DType::f32, {-5, 300}, [](Value x) { return cast(x, DType::u8); }), {0, 255});
  expect_same(of(DType::i32, {300, -1}, [](Value x) { return cast(x, DType::u8); }), {44, 255});
  expect_same(of(DType::f32, {0.25, 0, kNan}, [](Value x) { return cast(x, DType::boolean); }), {1, 0, 1});
}

TEST(Elementwise, HalfFloatsRoundAfterEachOp) {
  // 2049 needs 12 bits: 2048 + 1 is 2048 in f16, and adding 1 again stays there.
  expect_same(of(DType::f16, {2048}, [](Value x) { return x + 1 + 1; }), {2048});
  expect_same(of(DType::bf16, {256}, [](Value x) { return x + 1; }), {256});
}

TEST(Elementwise, ShiftsBeyondTheWidth) {
  expect_same(of(DType::i8, {-1, 1, 1}, {8, 8, -1}, [](Value x, Value y) { return shift_left(x, y); }), {0, 0, 0});
  expect_same(of(DType::i8, {-1, 1, -128}, {9, 9, 3}, [](Value x, Value y) { return shift_right_arithmetic(x, y); }),
              {-1, 0, -16});
  expect_same(of(DType::i8, {-1, -1}, {8, 1}, [](Value x, Value y) { return shift_right_logical(x, y); }), {0, 127});
}

TEST(Elementwise, PowersOfLiteralsAreProducts) {
  expect_same(of(DType::i32, {3, -2}, [](Value x) { return pow(x, 3); }), {27, -8});
  expect_same(of(DType::f32, {3, 0}, [](Value x) { return pow(x, 0); }), {1, 1});
}

TEST(Elementwise, AHalfAsAPowerIsNoRoot) {
  expect_same(of(DType::f32, {4, -INFINITY, -0.0}, [](Value x) { return pow(x, 0.5); }), {2, INFINITY, 0});
}

TEST(Literals, TakeTheTensorsDtype) {
  Graph g;
  const Value x = g.add_parameter(Type::of(DType::bf16, {2, 3}));
  EXPECT_EQ((x * 2.5 + 1).type(), x.type());
  EXPECT_EQ((1 - x).type(), x.type());
  const Value big = g.add_parameter(Type::scalar(DType::i64));
  g.set_results({big + 9007199254740993});
  EXPECT_EQ(ir::interpret(g, std::array{HostArray(DType::bf16, {2, 3}), HostArray(DType::i64, {})})[0].get_int(0),
            9007199254740993);
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const base::Error& e) {
    return e.text();
  }
  return "no error";
}

TEST(Literals, RefuseWhatTheDtypeCannotHold) {
  Graph g;
  const Value x = g.add_parameter(Type::of(DType::u8, {2}));
  EXPECT_NE(error_of([&] { x * 0.5; }).find("E0135"), std::string::npos);
  EXPECT_NE(error_of([&] { x + 300; }).find("E0135"), std::string::npos);
  EXPECT_EQ(error_of([&] { x + 255; }), "no error");
}

TEST(Broadcasting, AlignsAtTheEnd) {
  Graph g;
  const Dim b = Dim::symbol("B");
  const Value x = g.add_parameter(Type::of(DType::f32, {b, 1, 5})), y = g.add_parameter(Type::of(DType::f32, {3, 1}));
  EXPECT_EQ((x + y).type(), Type::of(DType::f32, {b, 3, 5}));
  EXPECT_EQ((y + x).type(), Type::of(DType::f32, {b, 3, 5}));
}

TEST(Broadcasting, AddsNoNodeBetweenEqualTypes) {
  Graph g;
  const Value x = g.add_parameter(Type::of(DType::f32, {4})), y = g.add_parameter(Type::of(DType::f32, {4}));
  const size_t before = g.nodes().size();
  (void)(x + y);
  EXPECT_EQ(g.nodes().size(), before + 1);
}

TEST(Broadcasting, NamesBothTypesAndTheAxis) {
  Graph g;
  const Value x = g.add_parameter(Type::of(DType::f32, {2, 784})), y = g.add_parameter(Type::of(DType::f32, {10}));
  const std::string text = error_of([&] { x + y; });
  EXPECT_NE(
      text.find("error[E0101]: add: shapes don't broadcast: f32[2,784] and f32[10] differ in axis -1, 784 and 10"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("elementwise_test.cpp:"), std::string::npos) << text;
}

TEST(Broadcasting, SymbolsMatchOnlyThemselves) {
  Graph g;
  const Value x = g.add_parameter(Type::of(DType::f32, {Dim::symbol("B")})),
              y = g.add_parameter(Type::of(DType::f32, {Dim::symbol("C")}));
  EXPECT_NE(error_of([&] { x + y; }).find("hint: a symbolic dimension matches only itself and 1"), std::string::npos);
}

TEST(Broadcasting, NeverPromotesBetweenTensors) {
  Graph g;
  const Value x = g.add_parameter(Type::of(DType::f32, {2})), y = g.add_parameter(Type::of(DType::f64, {2}));
  EXPECT_NE(error_of([&] { x + y; }).find("E0100"), std::string::npos);
}

TEST(Activations, KnownValues) {
  expect_same(of(DType::f32, {-1, 0, 2, kNan, -kInf, kInf}, [](Value x) { return relu(x); }), {0, 0, 2, kNan, 0, kInf});
  expect_same(of(DType::f32, {-4, -3, 0, 3, 5}, [](Value x) { return hard_swish(x); }), {-0.0, -0.0, 0, 3, 5});
  const auto plus = of(DType::f64, {-1000, 0, 1000}, [](Value x) { return softplus(x); });
  EXPECT_EQ(plus[0], 0);
  EXPECT_DOUBLE_EQ(plus[1], std::log(2.0));
  EXPECT_EQ(plus[2], 1000);
  const auto g = of(DType::f64, {1.0, -2.0}, [](Value x) { return gelu(x); });
  EXPECT_NEAR(g[0], 0.8413447460685429, 1e-15);
  EXPECT_NEAR(g[1], -0.04550026389635842, 1e-15);
  EXPECT_NEAR(of(DType::f64, {1.0}, [](Value x) { return gelu_tanh(x); })[0], 0.8411919906082768, 1e-15);
  EXPECT_NEAR(of(DType::f64, {-1.0}, [](Value x) { return elu(x); })[0], std::expm1(-1.0), 1e-16);
  EXPECT_NEAR(of(DType::f64, {2.0}, [](Value x) { return mish(x); })[0], 1.9439589595339946, 1e-14);
  expect_same(of(DType::f64, {-kInf, kInf}, {-kInf, 0}, [](Value x, Value y) { return log_add_exp(x, y); }),
              {-kInf, kInf});
}

TEST(Marks, PrintWritesAndCheckThrows) {
  Graph g;
  const Value x = g.add_parameter(Type::of(DType::f32, {2}));
  print(x, "x is");
  check(x > 0, "x must be positive");
  g.set_results({x});
  std::string text;
  const ir::InterpretOptions options{.print = [&](const std::string& t) { text += t; }};
  ir::interpret(g, std::array{array(DType::f32, {1, 2})}, options);
  EXPECT_EQ(text.rfind("x is ", 0), 0u) << text;
  const std::string error = error_of([&] { ir::interpret(g, std::array{array(DType::f32, {1, -2})}, options); });
  EXPECT_NE(error.find("E0136"), std::string::npos);
  EXPECT_NE(error.find("x must be positive"), std::string::npos);
  EXPECT_NE(error.find("element 1"), std::string::npos);
}

TEST(Marks, LoweredCheckNamesTheFirstFalseElement) {
  Graph g;
  const Value x = g.add_parameter(Type::of(DType::boolean, {2, 3}));
  check(x, "all");
  HostArray a(DType::boolean, {2, 3});
  for (int i = 0; i < 6; ++i) a.set_int(i, i != 4);
  EXPECT_NE(error_of([&] { run_lowered(*g.nodes().back(), std::array{a}); }).find("failed at 4"), std::string::npos);
}

TEST(Handles, RecordTheCallersLine) {
  Graph g;
  const Value x = g.add_parameter(Type::of(DType::f32, {2}));
  const Value y = tanh(x);
  EXPECT_EQ(y.node->where.line, static_cast<uint32_t>(__LINE__ - 1));
  g.set_location({"user.py", 7, nullptr});
  EXPECT_EQ(tanh(x).node->where.line, 7u) << "a position that a transform has set stays";
}

}  // namespace
}  // namespace strata::ops
