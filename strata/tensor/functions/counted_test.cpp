// Counted dimensions as users meet them: by jit, by the same call without it, under derivatives, and what is refused.
#include "strata/ops/counted/counted.h"

#include <gtest/gtest.h>

#include <cmath>

#include "strata/base/error/message_of.h"
#include "strata/ops/index/index.h"
#include "strata/ops/numpy_names.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/arrange.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/sort/sort.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/tensor.h"
#include "strata/tensor/transforms/checkpoint.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/tensor/transforms/vmap.h"

namespace strata {
namespace {

using base::message_of;

Tensor ramp(int64_t rows) { return reshape(Tensor::arange(rows * 3, DType::f32), {Dim(rows), Dim(3)}) - 4.0; }
Tensor every_second(int64_t rows) { return eq(rem(Tensor::arange(rows), 2), 0); }

TEST(CountedTensors, HaveTheirShapeWithoutJit) {
  const Tensor y = compact(ramp(5), every_second(5));
  EXPECT_EQ(y.shape(), (Shape{3, 3}));
  EXPECT_EQ(y.size(0), 3);
  EXPECT_EQ((y[{1, 0}]).item(), 2);
  EXPECT_EQ((y + y).shape(), (Shape{3, 3}));
  EXPECT_EQ(nonzero(ramp(2)).shape(), (Shape{5, 2})) << "4 - 4 is 0";
  EXPECT_EQ(nonzero(Tensor::zeros({Dim(4)})).shape(), (Shape{0, 1}));
}

TEST(CountedTensors, HaveTheirShapeAfterAJittedCall) {
  auto picked = jit([](const Tensor& x, const Tensor& mask) { return compact(x * 2.0, mask); });
  for (int64_t rows : {0, 1, 2, 5, 8}) EXPECT_EQ(picked(ramp(rows), every_second(rows)).size(0), (rows + 1) / 2);
  EXPECT_EQ(picked(ramp(4), Tensor::full({Dim(4)}, 0, DType::boolean)).shape(), (Shape{0, 3}));
}

TEST(CountedTensors, ASizeIsNotKnownWhileAProgramIsRecorded) {
  auto looking = jit([](const Tensor& x) { return x * static_cast<double>(nonzero(x).size(0)); });
  EXPECT_EQ(message_of([&] { looking(ramp(2)); }).substr(0, 84),
            "error[E0503]: the size of dimension 'N' is not known while the program is recorded\nn");
}

TEST(CountedTensors, TheGradientOfCompactIsAScatter) {
  const Tensor x = ramp(5), mask = every_second(5);
  const auto loss = [&](const Tensor& v) { return sum(square(compact(v, mask))); };
  const Tensor expected = x * 2.0 * expand_dims(cast(mask, DType::f32), 1);
  EXPECT_EQ(sum(abs(grad(loss, x) - expected)).item(), 0);
  auto gradient = jit([](const Tensor& v, const Tensor& m) {
    return grad([&](const Tensor& w) { return sum(square(compact(w, m))); }, v);
  });
  EXPECT_EQ(sum(abs(gradient(x, mask) - expected)).item(), 0);
  EXPECT_EQ(sum(abs(gradient(x, Tensor::full({Dim(5)}, 0, DType::boolean)))).item(), 0);
}

TEST(CountedTensors, AnAuxiliaryResultOfADerivativeHasItsShape) {
  const Tensor x = ramp(4);
  Tensor kept;
  const Tensor g = grad(
      [&](const Tensor& v) {
        kept = compact(v, every_second(4));
        EXPECT_EQ(kept.size(0), 2) << "a look in the middle of a derivative";
        return sum(kept * kept);
      },
      x);
  EXPECT_EQ(kept.shape(), (Shape{2, 3}));
  EXPECT_EQ(g.shape(), (Shape{4, 3}));
}

TEST(CountedTensors, TheTopShareOfProbabilitiesIsKept) {
  // Nucleus sampling: the fewest tokens that have 0.8 of the probability, renormalised.
  auto nucleus = jit([](const Tensor& p) {
    const Tensor order = argsort(p, 0, Order::Descending), sorted = take(p, order, 0);
    const Tensor before = cumsum(sorted, 0) - sorted;
    const Tensor kept = compact(sorted, lt(before, 0.8));
    return kept / sum(kept);
  });
  const Tensor y = nucleus(Tensor::from({0.05f, 0.5f, 0.1f, 0.05f, 0.3f}));
  ASSERT_EQ(y.shape(), (Shape{2}));
  EXPECT_NEAR(y[0].item(), 0.625, 1e-6);
}

TEST(CountedTensors, ACheckpointMayCountInside) {
  const auto f = [](const Tensor& v) { return sum(square(compact(v, gt(sum(v, {1}), 0.0)))); };
  const Tensor x = ramp(4);
  EXPECT_EQ(checkpoint(f)(x).item(), f(x).item());
  EXPECT_EQ(sum(abs(grad(checkpoint(f), x) - grad(f, x))).item(), 0);
}

/// The refusal of f for six rows, without the hint: that is the same for all.
template <class F>
std::string refusal(F f) {
  const std::string text = message_of([&] { jit(f)(ramp(6)); });
  const size_t hint =
      text.find("\nhint: a count can be any number up to its capacity: pad to the capacity, or use a mask");
  return text.substr(0, hint);
}

TEST(CountedTensors, DerivativesGoThroughLoopsOverWhatWasCounted) {
  const auto loss = [](const Tensor& x, const Tensor& mask) {
    const Tensor rows = compact(x, mask);
    const auto step = [](const Tensor& carry, const Tensor& row) {
      return std::pair(tanh(carry + row * 0.1), carry * row);
    };
    const auto [last, products] = scan(step, Tensor::full({Dim(3)}, 0.5), rows);
    return sum(last) + sum(products * rows);
  };
  auto by_jit =
      jit([&](const Tensor& x, const Tensor& mask) { return grad([&](const Tensor& v) { return loss(v, mask); }, x); });
  for (int64_t rows : {1, 2, 5}) {
    const Tensor x = ramp(rows), mask = every_second(rows);
    const Tensor g = by_jit(x, mask);
    EXPECT_EQ(g.shape(), (Shape{Dim(rows), 3}));
    // Against central differences, in the direction of all elements.
    const double h = 1e-2;
    const double up = loss(x + h, mask).item(), down = loss(x - h, mask).item();
    EXPECT_NEAR(sum(g).item(), (up - down) / (2 * h), 2e-2 * std::fabs(up));
    EXPECT_EQ(sum(abs(by_jit(x, Tensor::full({Dim(rows)}, 0, DType::boolean)))).item(), 0);
  }
}

TEST(CountedTensors, WhatOnlySomeCountsAllowIsRefused) {
  EXPECT_EQ(refusal([](const Tensor& v) { return reshape(flatnonzero(v), {2, -1}); }),
            "error[E0145]: reshape: needs floordiv(N, 2)*2 to be N, and N is a count of 0 to 18, known only while the "
            "program runs\nnote: reshape: i64[N] does not divide into [2,-1]\nnote: recorded at counted_test.cpp");
  EXPECT_EQ(refusal([](const Tensor& v) { return slice(flatnonzero(v), {{0, 3}}); }),
            "error[E0145]: slice: needs N - 3 to be 0 or more, and N is a count of 0 to 18, known only while the "
            "program runs\nnote: operands are i64[N]\nnote: recorded at counted_test.cpp");
  EXPECT_EQ(refusal([](const Tensor& v) { return flatnonzero(v) + flatnonzero(gt(v, 0.0)); }),
            "error[E0145]: add: needs N1 to be N, and N1 is a count of 0 to 18 and N is a count of 0 to 18, known only "
            "while the program runs\nnote: add: shapes don't broadcast: i64[N1] and i64[N] differ in axis -1, N1 and "
            "N\nnote: recorded at counted_test.cpp");
  EXPECT_EQ(
      refusal([](const Tensor& v) { return flatnonzero(v)[2]; }),
      "error[E0145]: subscript: needs N - 3 to be 0 or more, and i64[N] has a dimension that is counted while the "
      "program runs\nnote: recorded at counted_test.cpp\nhint: take needs no such bound: it clamps, or reads 0 "
      "with OutOfRange::Fill");
  const Tensor some = ramp(2);
  EXPECT_EQ(refusal([some](const Tensor& v) { return compact(v, gt(sum(v, {1}), 0.0)) - some; }),
            "error[E0145]: sub: needs N to be 2, and N is a count of 0 to 6, known only while the program runs\nnote: "
            "sub: shapes don't broadcast: f32[N,3] and f32[2,3] differ in axis -2, N and 2\nnote: recorded at "
            "counted_test.cpp");
}

TEST(CountedTensors, BatchesAndLoopBodiesDontCount) {
  EXPECT_EQ(message_of([] { vmap([](const Tensor& v) { return sum(flatnonzero(v)); })(ramp(2)); }),
            "error[E0205]: counted_range: can't be batched: each example of a batch would have a count of its own, and "
            "an array has one extent for all\nnote: recorded at counted_test.cpp");
  EXPECT_EQ(message_of([] {
              jit([](const Tensor& v) {
                return cond(
                    gt(sum(v), 0.0), [](const Tensor& w) { return sum(flatnonzero(w)); },
                    [](const Tensor&) { return Tensor::scalar(1, DType::i64); }, v);
              })(ramp(2));
            }),
            "error[E0147]: cond: its region 'then' counts elements, which only a program and its calls do\nnote: "
            "operands are bool[], f32[B,3], i64[]\nnote: recorded at counted_test.cpp\nhint: count outside of it, and "
            "hand in what was counted");
}

TEST(CountedTensors, MasksFitTheAxis) {
  EXPECT_EQ(message_of([] { compact(ramp(2), every_second(3)); }),
            "error[E0101]: compact: the mask of axis 0 of f32[2,3] should be bool[2], found bool[3]\nnote: recorded at "
            "counted_test.cpp");
  EXPECT_EQ(message_of([] { compact(ramp(2), Tensor::arange(2)); }),
            "error[E0100]: compact: the mask is bool, found i64[2]\nnote: recorded at counted_test.cpp");
  EXPECT_EQ(message_of([] { nonzero(ramp(2), DType::f32); }),
            "error[E0100]: nonzero: indices are integers, found f32\nnote: recorded at counted_test.cpp");
}

}  // namespace
}  // namespace strata
