// What runs eagerly runs under jit: elementwise ops, broadcasting, and ops that move data. Each program is called in
// all sizes of its rows, in order; the rows have extents of 0 and 1, equal and unequal ones.
#include "strata/base/error/message_of.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/counted/counted.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/arrange.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/sort/sort.h"
#include "strata/tensor/testing/runs_under_jit.h"

namespace strata::testing {
namespace {

using Rows1 = std::vector<std::array<Sizes, 1>>;
using Rows2 = std::vector<std::array<Sizes, 2>>;

const Rows1 kMatrices = {{{{4, 3}}}, {{{8, 3}}}, {{{1, 3}}}, {{{0, 3}}}, {{{5, 3}}}, {{{2, 3}}}};

TEST(RunsUnderJit, ElementwiseOfTwo) {
  const auto add = [](const Tensor& x, const Tensor& y) { return x + y; };
  runs_under_jit("x + y", 3, add,
                 Rows2{{{{2, 3}, {1, 3}}},
                       {{{2, 3}, {2, 3}}},
                       {{{5, 3}, {1, 3}}},
                       {{{1, 3}, {4, 3}}},
                       {{{1, 3}, {1, 3}}},
                       {{{7, 3}, {7, 3}}},
                       {{{0, 3}, {0, 3}}},
                       {{{2, 3}, {3, 3}}},
                       {{{0, 3}, {1, 3}}}});
  runs_under_jit(
      "matrix + vector", 4, add,
      Rows2{{{{2, 3}, {3}}}, {{{3, 3}, {3}}}, {{{1, 3}, {3}}}, {{{0, 3}, {3}}}, {{{4, 3}, {1}}}, {{{4, 3}, {2}}}});
  runs_under_jit("vector + matrix", 3, add, Rows2{{{{3}, {5, 3}}}, {{{3}, {3, 3}}}, {{{3}, {9, 3}}}});
  runs_under_jit("row + column", 4, add,
                 Rows2{{{{3}, {3, 1}}}, {{{4}, {2, 1}}}, {{{1}, {5, 1}}}, {{{0}, {5, 1}}}, {{{5}, {5, 1}}}});
  runs_under_jit(
      "column * matrix", 3, [](const Tensor& x, const Tensor& y) { return x * y; },
      Rows2{{{{4, 1}, {4, 3}}}, {{{1, 1}, {4, 3}}}, {{{4, 1}, {1, 3}}}, {{{6, 1}, {6, 3}}}, {{{0, 1}, {0, 3}}}});
  runs_under_jit(
      "where", 4, [](const Tensor& x, const Tensor& y) { return where(x > y, x, y * 2); },
      Rows2{{{{2, 3}, {2, 3}}}, {{{2, 3}, {1, 3}}}, {{{1, 3}, {3, 3}}}, {{{4, 3}, {3}}}});
  runs_under_jit(
      "three dimensions", 3, [](const Tensor& x, const Tensor& y) { return x * y - expand_dims(y, 0); },
      Rows2{{{{2, 4, 3}, {4, 3}}}, {{{1, 4, 3}, {4, 3}}}, {{{4, 4, 3}, {4, 3}}}});
}

/// Sizes that are equal by chance of the first call are no condition of the program.
TEST(RunsUnderJit, EqualSizesThatNothingNeeds) {
  const Rows2 rows = {{{{4, 3}, {4, 3}}}, {{{4, 3}, {7, 3}}}, {{{1, 3}, {1, 3}}}, {{{2, 3}, {1, 3}}}};
  runs_under_jit(
      "concat", 1, [](const Tensor& x, const Tensor& y) { return concat(std::vector<Tensor>{x, y}, 0); }, rows);
  runs_under_jit(
      "a product", 1, [](const Tensor& x, const Tensor& y) { return matmul(x, transpose(y, {1, 0})); }, rows);
}

/// What a function compares is what the eager run compares.
TEST(RunsUnderJit, ComparedDimensions) {
  const Rows2 rows = {{{{4, 3}, {4, 3}}}, {{{4, 3}, {7, 3}}}, {{{5, 3}, {5, 3}}}, {{{2, 3}, {1, 3}}}};
  runs_under_jit(
      "x.dim(0) == y.dim(0)", 2,
      [](const Tensor& x, const Tensor& y) { return x.dim(0) == y.dim(0) ? x * 2 : matmul(x, transpose(y, {1, 0})); },
      rows);
  runs_under_jit(
      "x.shape() != y.shape()", 2,
      [](const Tensor& x, const Tensor& y) { return x.shape() != y.shape() ? sum(x) : sum(x) + sum(y); }, rows);
  runs_under_jit(
      "x.dim(0) + 1 == 5", 2, [](const Tensor& x, const Tensor&) { return x.dim(0) + 1 == 5 ? x * 3 : x; }, rows);
}

TEST(RunsUnderJit, AComparedCountIsRefusedWithTheLineThatLooked) {
  auto f = jit([](const Tensor& x) { return compact(x, x > 0).dim(0) == x.dim(0) ? x : x * 2; });
  const std::string message = base::message_of([&] { f(numbers({4})); });
  EXPECT_NE(message.find("E0503"), std::string::npos) << message;
  EXPECT_NE(message.find("looked at in runs_shapes_test.cpp"), std::string::npos) << message;
}

TEST(RunsUnderJit, ElementwiseWithACapturedTensor) {
  const Tensor row = numbers({3}), one = numbers({1, 3}), four = numbers({4, 3});
  const Rows1 vectors = {{{{3}}}, {{{1}}}, {{{3}}}, {{{5}}}};
  runs_under_jit("f32[B] + f32[3]", 2, [=](const Tensor& x) { return x + row; }, vectors);
  runs_under_jit("f32[B,3] + f32[3]", 1, [=](const Tensor& x) { return x + row; }, kMatrices);
  runs_under_jit("f32[B,3] + f32[1,3]", 1, [=](const Tensor& x) { return x - one; }, kMatrices);
  runs_under_jit("f32[B,3] * f32[4,3]", 2, [=](const Tensor& x) { return x * four; }, kMatrices);
  runs_under_jit("broadcast_to {4, 3}", 2, [](const Tensor& x) { return broadcast_to(x, {4, 3}); }, kMatrices);
  runs_under_jit(
      "a vector stretched", 2, [](const Tensor& x) { return broadcast_to(x, {2, 5}) * 2; },
      Rows1{{{{5}}}, {{{1}}}, {{{4}}}});
}

TEST(RunsUnderJit, Reshape) {
  runs_under_jit(
      "reshape {-1, 4}", 1, [](const Tensor& x) { return exp(reshape(x, {-1, 4})) * 2; },
      Rows1{{{{4, 3}}}, {{{8, 3}}}, {{{0, 3}}}, {{{5, 3}}}, {{{12, 3}}}});
  runs_under_jit(
      "reshape {-1, 4}, refused first", 1, [](const Tensor& x) { return reshape(x, {-1, 4}); },
      Rows1{{{{1, 3}}}, {{{4, 3}}}, {{{8, 3}}}});
  runs_under_jit(
      "reshape there and back", 1, [](const Tensor& x) { return reshape(sin(reshape(x, {-1, 2})), {x.dim(0), 3}) + x; },
      Rows1{{{{4, 3}}}, {{{2, 3}}}, {{{6, 3}}}, {{{0, 3}}}});
  runs_under_jit(
      "reshape {2, -1}", 1, [](const Tensor& x) { return sum(reshape(x, {2, -1}), {1}); },
      Rows1{{{{4, 3}}}, {{{2, 3}}}, {{{10, 3}}}, {{{3, 3}}}});
  runs_under_jit("reshape {6}", 1, [](const Tensor& x) { return reshape(x, {6}); }, kMatrices);
  runs_under_jit("reshape {-1}", 1, [](const Tensor& x) { return reshape(x, {-1}); }, kMatrices);
  runs_under_jit("reshape {3, -1}", 1, [](const Tensor& x) { return reshape(x, {3, -1}) + 1; }, kMatrices);
  runs_under_jit("squeeze", 1, [](const Tensor& x) { return squeeze(x, 0); }, kMatrices);
  runs_under_jit(
      "flatten + vector", 3, [](const Tensor& x, const Tensor& y) { return flatten(x) * y; },
      Rows2{{{{2, 3}, {6}}}, {{{4, 3}, {12}}}, {{{4, 3}, {1}}}, {{{0, 3}, {0}}}, {{{1, 3}, {3}}}});
  runs_under_jit(
      "patches", 1, [](const Tensor& x) { return transpose(reshape(x, {x.dim(0), 2, 2, 3}), {0, 2, 1, 3}); },
      Rows1{{{{2, 4, 3}}}, {{{1, 4, 3}}}, {{{0, 4, 3}}}});
}

TEST(RunsUnderJit, Subscripts) {
  runs_under_jit("x[.., -2]", 3, [](const Tensor& x) { return x[Slice{std::nullopt, -2}]; }, kMatrices);
  runs_under_jit("x[-2, ..]", 3, [](const Tensor& x) { return x[Slice{-2}] * 2; }, kMatrices);
  runs_under_jit("x[1, -1]", 3, [](const Tensor& x) { return x[Slice{1, -1}]; }, kMatrices);
  runs_under_jit("x[.., 3]", 4, [](const Tensor& x) { return sum(x[Slice{0, 3}]); }, kMatrices);
  runs_under_jit("x[5, ..]", 5, [](const Tensor& x) { return x[Slice{5}]; }, kMatrices);
  runs_under_jit("x[.., .., -1]", 2, [](const Tensor& x) { return x[Slice{.step = -1}]; }, kMatrices);
  runs_under_jit("x[.., .., 2]", 2, [](const Tensor& x) { return x[Slice{.step = 2}]; }, kMatrices);
  runs_under_jit("x[3 .. 0, -2]", 5, [](const Tensor& x) { return x[Slice{3, 0, -2}]; }, kMatrices);
  runs_under_jit("x[.., x.dim(0) - 1]", 2, [](const Tensor& x) { return x[Slice{0, x.dim(0) - 1}]; }, kMatrices);
  runs_under_jit("differences", 2, [](const Tensor& x) { return x[Slice{1}] - x[Slice{0, -1}]; }, kMatrices);
  runs_under_jit("x[2]", 1, [](const Tensor& x) { return x[2]; }, kMatrices);
  runs_under_jit("x[-1]", 1, [](const Tensor& x) { return x[-1]; }, kMatrices);
  runs_under_jit("x[:, 1]", 1, [](const Tensor& x) { return x[{kAll, 1}]; }, kMatrices);
  runs_under_jit(
      "x[ids]", 1, [](const Tensor& x) { return x[Tensor::from({0, 1, -1})]; },
      Rows1{{{{4, 3}}}, {{{2, 3}}}, {{{8, 3}}}});
  runs_under_jit("x.at(1) = 7", 1, [](Tensor x) { return x.at(1) = 7.0, x; }, kMatrices);
  runs_under_jit("x.at(.. -2) += 1", 3, [](Tensor x) { return x.at(Slice{0, -2}) += 1.0, x; }, kMatrices);
  runs_under_jit(
      "x[-3 ..] of a vector", 4, [](const Tensor& x) { return x[Slice{-3}]; },
      Rows1{{{{7}}}, {{{3}}}, {{{2}}}, {{{1}}}, {{{0}}}, {{{9}}}});
}

TEST(RunsUnderJit, MovingData) {
  const auto both =
      Rows2{{{{2, 3}, {2, 3}}}, {{{2, 3}, {4, 3}}}, {{{1, 3}, {1, 3}}}, {{{0, 3}, {5, 3}}}, {{{0, 3}, {0, 3}}}};
  runs_under_jit(
      "concat, axis 0", 2, [](const Tensor& x, const Tensor& y) { return concat<Tensor>({x, y, x}, 0); }, both);
  runs_under_jit("concat, axis 1", 2, [](const Tensor& x, const Tensor& y) { return concat<Tensor>({x, y}, 1); }, both);
  runs_under_jit("stack", 2, [](const Tensor& x, const Tensor& y) { return stack<Tensor>({x, y}, 0); }, both);
  runs_under_jit(
      "split in two", 1,
      [](const Tensor& x) {
        const auto parts = split(x, {Dim(2), Dim(2)}, 0);
        return parts[0] * parts[1];
      },
      kMatrices);
  runs_under_jit(
      "halves", 1,
      [](const Tensor& x) {
        const Dim half = floor_div(x.dim(0), 2);
        const auto parts = split(x, {half, x.dim(0) - half}, 0);
        return sum(parts[0], {0}) - sum(parts[1], {0});
      },
      kMatrices);
  runs_under_jit(
      "equal halves", 1,
      [](const Tensor& x) {
        const Dim half = floor_div(x.dim(0), 2);
        const auto parts = split(x, {half, half}, 0);
        return parts[0] - parts[1];
      },
      kMatrices);
  runs_under_jit(
      "pad, roll, tile", 2, [](const Tensor& x) { return tile(roll(pad_zero(x, {{1, 2}, {0, 0}}), 1, 0), {2, 1}); },
      kMatrices);
  runs_under_jit("take", 1, [](const Tensor& x) { return take(x, Tensor::from({0, 1}), 0); }, kMatrices);
  runs_under_jit("sort", 1, [](const Tensor& x) { return sort(x, 0); }, kMatrices);
  runs_under_jit("top_k of rows", 1, [](const Tensor& x) { return top_k(transpose(x, {1, 0}), 2).first; }, kMatrices);
  runs_under_jit("cumsum", 1, [](const Tensor& x) { return cumsum(x, 0); }, kMatrices);
  runs_under_jit("argmax", 1, [](const Tensor& x) { return argmax(x, 0); }, kMatrices);
  runs_under_jit("mean", 1, [](const Tensor& x) { return mean(x, {1}) * static_cast<double>(2); }, kMatrices);
  runs_under_jit("rows + their mean", 1, [](const Tensor& x) { return x - sum(x, {0}, Keep::AsOne) / 2.0; }, kMatrices);
  runs_under_jit("tril", 1, [](const Tensor& x) { return tril(x); }, kMatrices);
  runs_under_jit("eye of the batch", 1, [](const Tensor& x) { return matmul(Tensor::eye(x.dim(0)), x); }, kMatrices);
  runs_under_jit(
      "outer", 2, [](const Tensor& x, const Tensor& y) { return outer(x, y); },
      Rows2{{{{3}, {4}}}, {{{3}, {3}}}, {{{1}, {5}}}, {{{0}, {2}}}});
}

TEST(RunsUnderJit, BranchesOnASize) {
  runs_under_jit("a branch", 6, [](const Tensor& x) { return x.size(0) > 3 ? x * 2 : x + 1; }, kMatrices);
  runs_under_jit(
      "a loop over rows", 6,
      [](const Tensor& x) {
        Tensor total = Tensor::zeros({3});
        for (int64_t i = 0; i < x.size(0); ++i) total = total * 0.5 + x[i];
        return total;
      },
      kMatrices);
}

}  // namespace
}  // namespace strata::testing
