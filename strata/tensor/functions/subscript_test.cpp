#include "strata/ops/index/subscript.h"

#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/ops/numpy_names.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/arrange.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

using base::code_of;

/// 0, 1, 2, ... as i64[2,3,4] unless said otherwise; results below are NumPy's.
Tensor cube(std::vector<int64_t> shape = {2, 3, 4}) {
  std::vector<int64_t> numbers;
  int64_t count = 1;
  for (int64_t d : shape) count *= d;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(i);
  return Tensor::from(std::span<const int64_t>(numbers), shape);
}

std::string text(const Tensor& x) {
  std::string s = x.type().str();
  for (int64_t v : x.data<int64_t>()) s += " " + std::to_string(v);
  return s;
}

TEST(Subscript, PositionsDropTheirAxisAndCountFromTheEnd) {
  const Tensor x = cube();
  EXPECT_EQ(text(x[1][2][3]), "i64[] 23");
  EXPECT_EQ(text(x[{-1, 0}]), "i64[4] 12 13 14 15");
  EXPECT_EQ(text(x[{kEllipsis, -1}]), "i64[2,3] 3 7 11 15 19 23");
  EXPECT_EQ(text(x[{}]), text(x));
}

TEST(Subscript, SlicesAreCutToTheAxisAndWalkBack) {
  const Tensor v = cube({6});
  EXPECT_EQ(text(v[Slice{1, 4}]), "i64[3] 1 2 3");
  EXPECT_EQ(text(v[Slice{-2, 100}]), "i64[2] 4 5");
  EXPECT_EQ(text(v[Slice{.step = 2}]), "i64[3] 0 2 4");
  EXPECT_EQ(text(v[Slice{.step = -1}]), "i64[6] 5 4 3 2 1 0");
  EXPECT_EQ(text(v[Slice{4, 0, -2}]), "i64[2] 4 2");
  EXPECT_EQ(text(v[Slice{5, {}, -3}]), "i64[2] 5 2");
  EXPECT_EQ(text(v[Slice{4, 2}]), "i64[0]");
  EXPECT_EQ(text(cube()[{kAll, Slice{1, 2}, Slice{0, 2}}]), "i64[2,1,2] 4 5 16 17");
}

TEST(Subscript, NewAxesHaveExtentOne) {
  EXPECT_EQ(text(cube({3})[{kAll, kNewAxis}]), "i64[3,1] 0 1 2");
  EXPECT_EQ(text(cube({2, 2})[{kNewAxis, kEllipsis, 0, kNewAxis}]), "i64[1,2,1] 0 2");
}

TEST(Subscript, IntegerTensorsPickAlongTheirAxis) {
  const Tensor ids = Tensor::from({2, 0, -1});
  EXPECT_EQ(text(cube({4})[ids]), "i64[3] 2 0 3");
  EXPECT_EQ(text(cube()[{0, ids, Slice{0, 2}}]), "i64[3,2] 8 9 0 1 8 9");
  EXPECT_EQ(text(cube()[{kEllipsis, Tensor::from(std::span<const int>(std::array{3, 0}), {2, 1})}]),
            "i64[2,3,2,1] 3 0 7 4 11 8 15 12 19 16 23 20");
}

TEST(Subscript, SeveralIntegerTensorsPickPoints) {
  const Tensor i = Tensor::from({0, 1}), j = Tensor::from({2, -3});
  EXPECT_EQ(text(cube({2, 3})[{i, j}]), "i64[2] 2 3");
  EXPECT_EQ(text(cube()[{i, kAll, j}]), "i64[2,3] 2 6 10 13 17 21");  // a kept axis between: in front
  EXPECT_EQ(text(cube()[{kAll, i, j}]), "i64[2,2] 2 5 14 17");
}

TEST(Subscript, WhatDoesNotFitIsRefused) {
  const Tensor x = cube({2, 3});
  EXPECT_EQ(code_of([&] { x[2]; }), "E0118");
  EXPECT_EQ(code_of([&] { x[{0, -4}]; }), "E0118");
  EXPECT_EQ(code_of([&] { x[{0, 0, 0}]; }), "E0115");
  EXPECT_EQ(code_of([&] { x[{kEllipsis, kEllipsis}]; }), "E0115");
  EXPECT_EQ(code_of([&] { x[Slice{.step = 0}]; }), "E0116");
  EXPECT_EQ(code_of([&] { x[x > 2]; }), "E0100");
  EXPECT_EQ(code_of([&] { x[Tensor::from({0.f})]; }), "E0100");
  EXPECT_EQ(code_of([&] { x[Tensor::from({5})].evaluate(); }), "E0118");
}

TEST(Subscript, AnErrorNamesTheUsersLine) {
  try {
    cube({2})[7];
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_NE(e.text().find("subscript_test.cpp"), std::string::npos) << e.text();
  }
}

TEST(Subscript, OnASymbolicAxisOneProgramServesAllSizesThatHoldTheBounds) {
  auto f = jit([](Tensor x) { return x[2] + sum(x[Slice{1}] - x[Slice{0, -1}]) + x[-1]; });
  EXPECT_FLOAT_EQ(f(Tensor::from({1.f, 2.f, 4.f})).item(), 4 + 3 + 4);
  EXPECT_FLOAT_EQ(f(Tensor::from({1.f, 2.f, 4.f, 8.f})).item(), 4 + 7 + 8);
  EXPECT_EQ(code_of([&] { f(Tensor::from({1.f, 2.f})); }), "E0118");
  EXPECT_EQ(f.recordings(), 1);
}

TEST(Place, AssignmentRebindsAndLeavesCopiesAlone) {
  Tensor x = cube({2, 3});
  const Tensor before = x;
  x.at({1, kAll}) = Tensor::from({int64_t{7}, int64_t{8}, int64_t{9}});
  EXPECT_EQ(text(x), "i64[2,3] 0 1 2 7 8 9");
  x.at({kAll, 0}) += 10;
  EXPECT_EQ(text(x), "i64[2,3] 10 1 2 17 8 9");
  x.at({kAll, Slice{.step = -2}}) = Tensor::from({int64_t{1}, int64_t{2}});
  EXPECT_EQ(text(x), "i64[2,3] 2 1 1 2 8 1");
  EXPECT_EQ(text(before), "i64[2,3] 0 1 2 3 4 5");
}

TEST(Place, IndexTensorsThatNameAPlaceTwiceCountTwice) {
  const Tensor x = cube({4});
  EXPECT_EQ(text(x.at(Tensor::from({1, 1, -1})).add(10)), "i64[4] 0 21 2 13");
  EXPECT_EQ(text(x.at(Tensor::from({0, 2})).max(1)), "i64[4] 1 1 2 3");
}

TEST(Place, GradientsFlowThroughWhatIsWrittenAndWhatIsKept) {
  const Tensor x = Tensor::from({1.0, 2.0, 3.0}), v = Tensor::scalar(5, DType::f64);
  auto f = [&](const Tensor& x) { return sum(square(x.at(1).set(v))); };
  EXPECT_EQ(grad(f, x).str(), "[2. 0. 6.]");
  auto g = [&](const Tensor& v) { return sum(square(x.at(Slice{.step = 2}).set(v))); };
  EXPECT_EQ(grad(g, v).item(), 20);
}

TEST(NumpyNames, GiveWhatNumpyGives) {
  const Tensor x = cube({2, 3});
  EXPECT_EQ(text(where(x > 2, x, 0)), "i64[2,3] 0 0 0 3 4 5");
  EXPECT_EQ(text(clip(x, 1, 3)), "i64[2,3] 1 1 2 3 3 3");
  EXPECT_EQ(text(concatenate<Tensor>({x, x}, 1)), "i64[2,6] 0 1 2 0 1 2 3 4 5 3 4 5");
  EXPECT_EQ(text(flip(x)), "i64[2,3] 5 4 3 2 1 0");
  EXPECT_EQ(text(flip(x, {1})), "i64[2,3] 2 1 0 5 4 3");
  EXPECT_EQ(text(tile(x, {2, 1})), "i64[4,3] 0 1 2 3 4 5 0 1 2 3 4 5");
  EXPECT_EQ(text(tile(cube({2}), {2, 2})), "i64[2,4] 0 1 0 1 0 1 0 1");
  EXPECT_EQ(text(repeat(x, 2, 1)), "i64[2,6] 0 0 1 1 2 2 3 3 4 4 5 5");
  EXPECT_EQ(text(roll(x, 1, 1)), "i64[2,3] 2 0 1 5 3 4");
  EXPECT_EQ(text(roll(x, -4, 1)), "i64[2,3] 1 2 0 4 5 3");
  EXPECT_EQ(text(tril(x)), "i64[2,3] 0 0 0 3 4 0");
  EXPECT_EQ(text(triu(x, 1)), "i64[2,3] 0 1 2 0 0 5");
  EXPECT_EQ(text(outer(cube({2}), cube({3}))), "i64[2,3] 0 0 0 0 1 2");
  EXPECT_EQ(text(cumprod(x + 1, 1)), "i64[2,3] 1 2 6 4 20 120");
  EXPECT_EQ(text(cummax(flip(x), 1)), "i64[2,3] 5 5 5 2 2 2");
  EXPECT_EQ(text(cummin(x, 0)), "i64[2,3] 0 1 2 0 1 2");
  EXPECT_EQ(text(Tensor::eye(2, DType::i64)), "i64[2,2] 1 0 0 1");
  EXPECT_EQ(Tensor::linspace(0, 1, 5).str(), "[0.   0.25 0.5  0.75 1.  ]");
  EXPECT_EQ(Tensor::linspace(2, 3, 1).str(), "[2.]");
  EXPECT_DOUBLE_EQ(var(Tensor::from({1.0, 2.0, 3.0, 4.0})).item(), 1.25);
  EXPECT_DOUBLE_EQ(stddev(Tensor::from({1.0, 3.0}), {}, 0).item(), 1);
  EXPECT_EQ(text(broadcast_to(cube({2}), {2, 2})), "i64[2,2] 0 1 0 1");
  EXPECT_EQ(text(full_like(x, 7)[0]), "i64[3] 7 7 7");
}

}  // namespace
}  // namespace strata
