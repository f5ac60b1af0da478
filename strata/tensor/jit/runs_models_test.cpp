// What runs eagerly runs under jit: contractions, losses, derivatives, batches and loops. As runs_shapes_test.cpp.
#include "strata/ops/composites/attention.h"
#include "strata/ops/composites/loss.h"
#include "strata/ops/composites/norm.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/window/window.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/testing/runs_under_jit.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/tensor/transforms/vmap.h"

namespace strata::testing {
namespace {

using Rows1 = std::vector<std::array<Sizes, 1>>;
using Rows2 = std::vector<std::array<Sizes, 2>>;
using Rows3 = std::vector<std::array<Sizes, 3>>;

const Rows1 kMatrices = {{{{4, 3}}}, {{{8, 3}}}, {{{1, 3}}}, {{{0, 3}}}, {{{5, 3}}}, {{{2, 3}}}};

TEST(RunsUnderJit, Contractions) {
  const auto product = [](const Tensor& x, const Tensor& y) { return matmul(x, y); };
  runs_under_jit("matmul of data", 3, product,
                 Rows2{{{{2, 3}, {3, 4}}},
                       {{{3, 3}, {3, 4}}},
                       {{{5, 3}, {3, 4}}},
                       {{{1, 3}, {3, 4}}},
                       {{{0, 3}, {3, 4}}},
                       {{{5, 3}, {4, 4}}}});
  runs_under_jit("matrix @ vector", 3, product,
                 Rows2{{{{2, 3}, {3}}}, {{{3, 3}, {3}}}, {{{6, 3}, {3}}}, {{{1, 3}, {3}}}});
  runs_under_jit("vector @ vector", 1, product,
                 Rows2{{{{3}, {3}}}, {{{5}, {5}}}, {{{1}, {1}}}, {{{0}, {0}}}, {{{3}, {4}}}});
  runs_under_jit("batched matmul", 4, product,
                 Rows2{{{{2, 4, 3}, {2, 3, 5}}},
                       {{{1, 4, 3}, {2, 3, 5}}},
                       {{{2, 4, 3}, {1, 3, 5}}},
                       {{{6, 4, 3}, {6, 3, 5}}},
                       {{{0, 4, 3}, {0, 3, 5}}}});
  const auto gram = [](const Tensor& x, const Tensor& y) { return matmul(x, transpose(y, {1, 0})); };
  runs_under_jit("gram", 2, gram,
                 Rows2{{{{2, 3}, {2, 3}}}, {{{2, 3}, {4, 3}}}, {{{1, 3}, {1, 3}}}, {{{0, 3}, {3, 3}}}});
  runs_under_jit(
      "gram + prior", 4, [](const Tensor& x, const Tensor& k) { return matmul(x, transpose(x, {1, 0})) + k; },
      Rows2{{{{2, 3}, {2, 2}}}, {{{4, 3}, {4, 4}}}, {{{4, 3}, {1, 4}}}, {{{1, 3}, {1, 1}}}});
  runs_under_jit(
      "gram + eye", 1, [](const Tensor& x) { return matmul(x, transpose(x, {1, 0})) + Tensor::eye(x.dim(0)) * 0.5; },
      kMatrices);
  runs_under_jit(
      "einsum", 2, [](const Tensor& x, const Tensor& y) { return einsum<Tensor>("bi,bj->bij", {x, y}); },
      Rows2{{{{2, 3}, {2, 5}}}, {{{4, 3}, {4, 5}}}, {{{1, 3}, {1, 5}}}, {{{0, 3}, {0, 5}}}, {{{2, 3}, {4, 5}}}});
  runs_under_jit(
      "a whole dot", 2, [](const Tensor& x, const Tensor& y) { return dot(x, y, {{0, 1}, {0, 1}, {}, {}}); },
      Rows2{{{{2, 3}, {2, 3}}}, {{{7, 3}, {7, 3}}}, {{{1, 3}, {1, 3}}}});
  const Tensor w = numbers({4, 3});
  runs_under_jit("a captured weight", 1, [=](const Tensor& x) { return matmul(x, transpose(w, {1, 0})); }, kMatrices);
  runs_under_jit("a captured batch", 1, [=](const Tensor& x) { return matmul(transpose(x, {1, 0}), w); }, kMatrices);
}

TEST(RunsUnderJit, LossesAndComposites) {
  const auto pairs =
      Rows2{{{{4, 3}, {4, 3}}}, {{{2, 3}, {2, 3}}}, {{{1, 3}, {1, 3}}}, {{{2, 3}, {1, 3}}}, {{{9, 3}, {9, 3}}}};
  runs_under_jit("mse", 1, [](const Tensor& x, const Tensor& y) { return mse(x, y); }, pairs);
  runs_under_jit(
      "cross_entropy", 1,
      [](const Tensor& x, const Tensor& y) { return cross_entropy(x, cast(argmax(y, 1), DType::i64)); }, pairs);
  runs_under_jit(
      "cross_entropy of two vectors", 1,
      [](const Tensor& x, const Tensor& y) { return cross_entropy(x, cast(abs(y) * 0.0, DType::i32)); },
      Rows2{{{{4, 3}, {4}}}, {{{3, 3}, {3}}}, {{{1, 3}, {1}}}, {{{3, 3}, {2}}}});
  runs_under_jit("softmax over the batch", 1, [](const Tensor& x) { return softmax(x, 0); }, kMatrices);
  runs_under_jit(
      "layer_norm", 2, [](const Tensor& x, const Tensor& w) { return layer_norm(x, w, {}); },
      Rows2{{{{4, 3}, {3}}}, {{{3, 3}, {3}}}, {{{1, 3}, {3}}}, {{{2, 3}, {3}}}});
  runs_under_jit(
      "attention", 2, [](const Tensor& q, const Tensor& k) { return attention(q, k, k); },
      Rows2{{{{2, 2, 3, 4}, {2, 2, 3, 4}}}, {{{1, 2, 3, 4}, {1, 2, 3, 4}}}, {{{3, 2, 3, 4}, {3, 2, 3, 4}}}});
  runs_under_jit("one_hot", 1, [](const Tensor& x) { return one_hot(cast(abs(x), DType::i64), 4); }, kMatrices);
  runs_under_jit(
      "conv", 2, [](const Tensor& x, const Tensor& w) { return conv(x, w); },
      Rows2{{{{2, 3, 5, 5}, {4, 3, 2, 2}}},
            {{{4, 3, 5, 5}, {4, 3, 2, 2}}},
            {{{1, 3, 5, 5}, {4, 3, 2, 2}}},
            {{{0, 3, 5, 5}, {4, 3, 2, 2}}}});
  runs_under_jit(
      "pool", 1, [](const Tensor& x) { return max_pool(x, {.window = {2, 2}}); },
      Rows1{{{{2, 3, 4, 4}}}, {{{1, 3, 4, 4}}}, {{{5, 3, 4, 4}}}});
}

TEST(RunsUnderJit, Gathers) {
  const Tensor table = numbers({6, 4});
  runs_under_jit(
      "embedding", 1, [=](const Tensor& x) { return embedding(table, cast(abs(x), DType::i64)); }, kMatrices);
  runs_under_jit(
      "a table as data", 2, [](const Tensor& t, const Tensor& x) { return take(t, cast(abs(x), DType::i64), 0); },
      Rows2{{{{6, 4}, {3}}}, {{{6, 4}, {6}}}, {{{6, 4}, {1}}}, {{{5, 4}, {0}}}, {{{1, 4}, {1}}}});
  runs_under_jit(
      "picked per row", 2,
      [](const Tensor& x, const Tensor& i) {
        return take_along_axis(x, expand_dims(cast(abs(i) * 0.0, DType::i64), 1), 1);
      },
      Rows2{{{{4, 3}, {4}}}, {{{2, 3}, {2}}}, {{{1, 3}, {1}}}, {{{3, 3}, {3}}}});
}

TEST(RunsUnderJit, Derivatives) {
  const auto loss = [](const Tensor& x, const Tensor& y) { return sum(square(x * 2.0 + y)); };
  runs_under_jit(
      "grad of a broadcast", 4,
      [=](const Tensor& x, const Tensor& y) { return grad([&](const Tensor& v) { return loss(x, v); }, y); },
      Rows2{{{{4, 3}, {3}}}, {{{4, 3}, {1, 3}}}, {{{4, 3}, {4, 3}}}, {{{1, 3}, {4, 3}}}, {{{2, 3}, {2, 3}}}});
  runs_under_jit(
      "grad through reshape", 1,
      [](const Tensor& x) {
        return grad([](const Tensor& v) { return sum(square(reshape(v, {-1, 2})[Slice{0, 1}])); }, x);
      },
      Rows1{{{{4, 3}}}, {{{2, 3}}}, {{{6, 3}}}});
  runs_under_jit(
      "grad of a slice", 3,
      [](const Tensor& x) { return grad([](const Tensor& v) { return sum(square(v[Slice{1, -1}])); }, x); }, kMatrices);
  runs_under_jit(
      "grad of a step", 3,
      [](const Tensor& x, const Tensor& w) {
        return grad([&](const Tensor& v) { return mean(square(matmul(x, v) - 1.0)); }, w);
      },
      Rows2{{{{4, 3}, {3, 2}}}, {{{3, 3}, {3, 2}}}, {{{1, 3}, {3, 2}}}, {{{8, 3}, {3, 2}}}});
}

TEST(RunsUnderJit, BatchesAndLoops) {
  const auto layer = vmap([](const Tensor& w, const Tensor& x) { return tanh(matmul(w, x)); });
  runs_under_jit(
      "vmap over weights", 1, [=](const Tensor& w, const Tensor& x) { return layer(w, x); },
      Rows2{{{{2, 4, 3}, {2, 3}}}, {{{5, 4, 3}, {5, 3}}}, {{{1, 4, 3}, {1, 3}}}, {{{2, 4, 3}, {3, 3}}}});
  const auto shared = vmap([](const Tensor& w, const Tensor& x) { return matmul(x, w); }, {0, kUnbatched});
  runs_under_jit(
      "vmap of an ensemble", 3, [=](const Tensor& w, const Tensor& x) { return shared(w, x); },
      Rows2{{{{2, 3, 4}, {5, 3}}}, {{{3, 3, 4}, {3, 3}}}, {{{1, 3, 4}, {2, 3}}}});
  const auto window = vmap([](const Tensor& w, const Tensor& x) { return conv(x, w); });
  runs_under_jit(
      "vmap over windows", 3, [=](const Tensor& w, const Tensor& x) { return window(w, x); },
      Rows2{{{{2, 4, 3, 2, 2}, {2, 1, 3, 4, 4}}},
            {{{3, 4, 3, 2, 2}, {3, 1, 3, 4, 4}}},
            {{{1, 4, 3, 2, 2}, {1, 1, 3, 4, 4}}}});
  runs_under_jit(
      "per-example gradients", 1,
      [](const Tensor& x, const Tensor& y) {
        const Tensor w = numbers({3});
        return vmap([&](const Tensor& a, const Tensor& b) {
          return grad([&](const Tensor& v) { return square(sum(a * v) - b); }, w);
        })(x, y);
      },
      Rows2{{{{4, 3}, {4}}}, {{{2, 3}, {2}}}, {{{1, 3}, {1}}}, {{{3, 3}, {3}}}});
  runs_under_jit(
      "scan over the batch", 2,
      [](const Tensor& x) {
        return scan([](const Tensor& c, const Tensor& r) { return std::pair(c * 0.5 + r, c * r); }, Tensor::zeros({3}),
                    x);
      },
      kMatrices);
  runs_under_jit(
      "scan with a carry as data", 3,
      [](const Tensor& c, const Tensor& x) {
        return scan([](const Tensor& c, const Tensor& r) { return std::pair(c * 0.5 + r, c); }, c, x).first;
      },
      Rows2{{{{3}, {4, 3}}}, {{{3}, {3, 3}}}, {{{3}, {7, 3}}}, {{{3}, {1, 3}}}});
  runs_under_jit(
      "cond with another shape", 4,
      [](const Tensor& x, const Tensor& y) {
        return cond(sum(x) > 0, [&] { return x + 1.0; }, [&] { return y * 2.0; });
      },
      Rows2{{{{4, 3}, {4, 3}}}, {{{2, 3}, {2, 3}}}, {{{4, 3}, {2, 3}}}, {{{1, 3}, {1, 3}}}});
}

}  // namespace
}  // namespace strata::testing
