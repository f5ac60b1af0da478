// What counts nothing does not matter, whatever stands there: rows whose target is ignored, dropped elements, targets
// of weight 0. Each program is run with finite numbers at the places that don't count, then with infinities and NaN,
// and has the same value and gradients bit for bit; eagerly and under jit, in every float dtype.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "strata/nn/loss.h"
#include "strata/ops/composites/dropout.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::nn {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kOdd[] = {kInf, -kInf, kNaN};

struct Two {
  Tensor x, y;
  STRATA_FIELDS(x, y)
};

struct Program {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<double> x, y;     ///< y: of x's shape, floats
  std::vector<int64_t> hidden;  ///< places of x that count nothing
  std::function<Tensor(const Tensor& x, const Tensor& y)> loss;
};

const std::vector<double> kLogits = {0.5, -1, 2, 0.25, 1, -0.5, -2, 0.75, 1.5, 0, 0.125, -0.25};
const std::vector<double> kShares = {0, 1, 0, 0.25, 0.5, 0.25, 0, 0, 1, 0.5, 0.5, 0};

/// Four rows of three classes, of which rows 0 and 2 are ignored.
Program ignored_rows(std::string name, CrossEntropyOptions options) {
  const auto loss = [options](const Tensor& x, const Tensor&) {
    return sum(cross_entropy(x, Tensor::from({int64_t{-100}, int64_t{2}, int64_t{-100}, int64_t{0}}), options));
  };
  return {std::move(name), {4, 3}, kLogits, kShares, {0, 1, 2, 6, 7, 8}, loss};
}

std::vector<int64_t> places_of(const std::vector<double>& list, double value) {
  std::vector<int64_t> places;
  for (size_t i = 0; i < list.size(); ++i)
    if (list[i] == value) places.push_back(i);
  return places;
}

std::vector<int64_t> dropped_places(const std::function<Tensor(const Tensor&)>& drop) {
  std::vector<int64_t> places;
  const Tensor dropped = drop(Tensor::ones({4, 3}));
  const HostArray& kept = dropped.array();
  for (int64_t i = 0; i < 12; ++i)
    if (kept.get(i) == 0) places.push_back(i);
  return places;
}

Tensor drop(const Tensor& x) { return ops::dropout(x, Key(7).bits, 0.5); }

Tensor masked_mean(const Tensor& x, const Tensor& y) {
  const Tensor counts = y > 0;
  return sum(square(select(counts, x, 0))) / sum(cast(counts, x.dtype()));
}

std::vector<Program> programs() {
  std::vector<Program> all;
  for (auto [reduction, word] :
       {std::pair(Reduction::Mean, "mean"), {Reduction::Sum, "sum"}, {Reduction::None, "none"}})
    for (double smoothing : {0.0, 0.1, 1.0})
      all.push_back(ignored_rows("cross_entropy " + std::string(word) + " " + std::to_string(smoothing),
                                 {.label_smoothing = smoothing, .reduction = reduction}));
  for (auto reduction : {Reduction::Mean, Reduction::Sum, Reduction::None})
    all.push_back({"kl_div", {4, 3}, kLogits, kShares, places_of(kShares, 0), [=](const Tensor& x, const Tensor& y) {
                     return sum(kl_div(x, y, reduction));
                   }});
  all.push_back({"dropout", {4, 3}, kLogits, kShares, dropped_places(drop), [](const Tensor& x, const Tensor& y) {
                   return sum(drop(x) * y);
                 }});
  all.push_back({"masked mean", {4, 3}, kLogits, kShares, places_of(kShares, 0), masked_mean});
  return all;
}

Tensor tensor_of(const Program& p, const std::vector<double>& list, DType dtype) {
  HostArray array(dtype, p.shape);
  for (size_t i = 0; i < list.size(); ++i) array.set(i, list[i]);
  return Tensor(array);
}

std::vector<double> numbers(const Tensor& t) {
  const HostArray& array = t.array();
  std::vector<double> list;
  for (int64_t i = 0; i < array.elements(); ++i) list.push_back(array.get(i));
  return list;
}

/// The value and both gradients, one behind the other.
std::vector<double> results_of(const Program& p, const std::vector<double>& x, DType dtype, bool is_jitted) {
  const auto step = [&](const Two& in) {
    return value_and_grad([&](const Two& two) { return p.loss(two.x, two.y); }, in);
  };
  const Two in{tensor_of(p, x, dtype), tensor_of(p, p.y, dtype)};
  const auto [loss, grads] = is_jitted ? jit(step)(in) : step(in);
  std::vector<double> all;
  for (const Tensor& t : {loss, grads.x, grads.y})
    if (t.defined())
      for (double v : numbers(t)) all.push_back(v);
  return all;
}

TEST(WhatCountsNothing, MayBeInfiniteOrNaNInValueAndGradients) {
  for (const Program& p : programs())
    for (DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16})
      for (bool is_jitted : {false, true}) {
        const std::vector<double> expected = results_of(p, p.x, dtype, is_jitted);
        for (double v : expected) EXPECT_TRUE(std::isfinite(v)) << p.name;
        for (double odd : kOdd) {
          std::vector<double> x = p.x;
          for (int64_t at : p.hidden) x[at] = odd;
          EXPECT_EQ(results_of(p, x, dtype, is_jitted), expected)
              << p.name << " " << dtype_name(dtype) << (is_jitted ? " jit" : " eager") << " with " << odd;
        }
      }
}

TEST(CrossEntropy, SmoothedOverLogitsOfMinusInfinityIsInfiniteWithFiniteGradients) {
  for (double smoothing : {0.1, 1.0})
    for (int64_t target : {0, 1}) {
      const auto [loss, slope] = value_and_grad(
          [&](const Tensor& x) { return cross_entropy(x, Tensor::from({target}), {.label_smoothing = smoothing}); },
          ops::reshape(Tensor::from({1.F, -std::numeric_limits<float>::infinity()}), {1, 2}));
      EXPECT_EQ(loss.item(), kInf) << smoothing << " " << target;
      for (double v : numbers(slope)) EXPECT_TRUE(std::isfinite(v)) << smoothing << " " << target;
    }
}

}  // namespace
}  // namespace strata::nn
