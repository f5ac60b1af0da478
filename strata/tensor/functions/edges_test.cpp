// Where there is nothing to compute from: rows that are masked whole, windows larger than their image, extrema of
// nothing, classes and ids that there are not. Each has its value or its message, with and without jit.
#include <gtest/gtest.h>

#include <limits>

#include "strata/base/error/message_of.h"
#include "strata/base/testing/option_walk.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/window/window.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/tensor/transforms/score.h"
#include "strata/tensor/transforms/vmap.h"

namespace strata {
namespace {

using base::message_of;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> values(const Tensor& x) {
  std::vector<double> list;
  for (int64_t i = 0; i < x.array().elements(); ++i) list.push_back(x.array().get(i));
  return list;
}

// ---- attention ----

struct Qkv {
  Tensor q, k, v;
  STRATA_FIELDS(q, k, v)
};

Qkv drawn(int64_t rows, int64_t columns, DType dtype = DType::f32) {
  return {normal(Key(1), {1, 2, rows, 4}, 0, 1, dtype), normal(Key(2), {1, 2, columns, 4}, 0, 1, dtype),
          normal(Key(3), {1, 2, columns, 4}, 0, 1, dtype)};
}

/// Row 1 of 3 may see nothing; the others see what they see without it.
void expect_row_1_is_nothing(const Qkv& x, const Tensor& mask, bool is_causal = false) {
  const ops::AttentionOptions options{.is_causal = is_causal};
  const Tensor y = attention(x.q, x.k, x.v, std::optional(mask), options);
  const Qkv g =
      grad([&](const Qkv& p) { return sum(square(attention(p.q, p.k, p.v, std::optional(mask), options) + 1)); }, x);
  const Tensor row = y[{kAll, kAll, 1}], of_query = g.q[{kAll, kAll, 1}];
  EXPECT_EQ(values(row), std::vector<double>(8, 0.0));
  EXPECT_EQ(values(of_query), std::vector<double>(8, 0.0));
  for (const Tensor& t : {y, g.q, g.k, g.v}) EXPECT_TRUE(all(is_finite(t)).item());
  EXPECT_GT(sum(abs(y)).item(), 0);
}

TEST(MaskedAttention, ARowThatSeesNothingIsZeroWithZeroGradients) {
  const Tensor seen = Tensor::from({true, true, false, false, false, false, false, false, true});
  const Tensor mask = reshape(seen, {1, 1, 3, 3});
  for (DType t : {DType::f64, DType::f32, DType::bf16, DType::f16}) {
    const Qkv x = drawn(3, 3, t);
    expect_row_1_is_nothing(x, mask);
    expect_row_1_is_nothing(x, mask, true);
    expect_row_1_is_nothing(x, select(mask, Tensor::full({1, 1, 3, 3}, 0.5), -kInfinity));
  }
}

TEST(MaskedAttention, AnAdditiveMaskOfZeroAndMinusInfinityIsTheBooleanOne) {
  const Qkv x = drawn(3, 3);
  const Tensor mask = reshape(Tensor::from({true, true, false, false, true, false, true, true, true}), {1, 1, 3, 3});
  const Tensor added = select(mask, Tensor::zeros({1, 1, 3, 3}), -kInfinity);
  EXPECT_TRUE(attention(x.q, x.k, x.v, std::optional(added))
                  .array()
                  .same_bits(attention(x.q, x.k, x.v, std::optional(mask)).array()));
}

TEST(MaskedAttention, AnAdditiveMaskHasAGradient) {
  const Qkv x = drawn(2, 3, DType::f64);
  const Tensor bias = normal(Key(4), {2, 3}, 0, 1, DType::f64);
  auto loss = [&](const Tensor& b) { return sum(square(attention(x.q, x.k, x.v, std::optional(b)))); };
  const Tensor g = grad(loss, bias);
  for (int64_t i = 0; i < 6; ++i) {
    Tensor up = bias, down = bias;
    up.at({i / 3, i % 3}) += 1e-5;
    down.at({i / 3, i % 3}) += -1e-5;
    EXPECT_NEAR(g.array().get(i), (loss(up) - loss(down)).item() / 2e-5, 1e-8);
  }
}

TEST(MaskedAttention, CausalRowsInFrontOfAllKeysAreZero) {
  const Qkv x = drawn(5, 2);  // rows 0, 1 and 2 see keys up to -3, -2 and -1
  auto causal = jit([](const Qkv& p) { return attention(p.q, p.k, p.v, {}, {.is_causal = true}); });
  const Tensor y = causal(x);
  const Tensor front = y[{kAll, kAll, Slice{0, 3}}];
  EXPECT_EQ(sum(abs(front)).item(), 0);
  const Tensor row = y[{kAll, kAll, 3}], first = x.v[{kAll, kAll, 0}];
  EXPECT_TRUE(row.array().same_bits(first.array())) << "row 3 sees key 0 alone";
}

TEST(MaskedAttention, AMaskOfIntegersIsRefused) {
  const Qkv x = drawn(2, 2);
  EXPECT_EQ(message_of([&] { attention(x.q, x.k, x.v, std::optional(Tensor::ones({2, 2}, DType::i32))); }),
            "error[E0100]: attention: the mask is of bool or floats, found i32[2,2]\nnote: recorded at "
            "edges_test.cpp");
}

// ---- windows ----

TEST(Windows, LargerThanTheirImageAreRefused) {
  const Tensor x = Tensor::ones({2, 3, 4, 8}), w = Tensor::ones({5, 3, 3, 5});
  EXPECT_EQ(message_of([&] { conv(x, w, {.rhs_dilation = {2, 1}}); }),
            "error[E0101]: conv: the window spans 5 elements of axis 2, but f32[2,3,4,8] has 4 there\nnote: recorded "
            "at edges_test.cpp");
  EXPECT_EQ(message_of([&] { max_pool(x, {.window = {2, 11}, .padding = {0, 1}}); }),
            "error[E0101]: max_pool: the window spans 11 elements of axis 3, but f32[2,3,4,8] has 8 there and 2 of "
            "padding\nnote: recorded at edges_test.cpp");
  EXPECT_EQ(message_of([&] { avg_pool(Tensor::ones({2, 3, 0}), {.window = {1}}); }),
            "error[E0101]: avg_pool: the window spans 1 elements of axis 2, but f32[2,3,0] has 0 there\nnote: recorded "
            "at edges_test.cpp");
  EXPECT_EQ(message_of([&] { reduce_window(ops::kWindowSum, x, {.window = {1, 4, 1, 1}}); }),
            "error[E0101]: window_sum: the window spans 4 elements of axis 1, but f32[2,3,4,8] has 3 there\nnote: "
            "recorded at edges_test.cpp");
  EXPECT_EQ(conv(x, Tensor::ones({5, 3, 4, 8})).shape(), Shape({2, 5, 1, 1})) << "one that fits exactly";
  EXPECT_EQ(conv(Tensor::ones({0, 3, 4, 8}), w).shape(), Shape({0, 5, 2, 4})) << "an empty batch is fine";
}

TEST(Windows, AListOfAnotherLengthIsNamed) {
  const Tensor x = Tensor::ones({2, 3, 4, 8}), w = Tensor::ones({5, 3, 2, 2});
  EXPECT_EQ(message_of([&] { max_pool(x, {.window = {2, 2}, .strides = {1, 1, 1}}); }),
            "error[E0116]: max_pool: strides has 3 entries for 2 spatial axes\nnote: recorded at edges_test.cpp");
  EXPECT_EQ(message_of([&] { max_pool(x, {.window = {2, 2}, .padding = {0, 0, 0}}); }),
            "error[E0116]: max_pool: padding has 3 entries for 2 spatial axes\nnote: recorded at edges_test.cpp");
  EXPECT_TRUE(message_of([&] {
                conv(x, w, {.rhs_dilation = {2, 2, 2}});
              }).starts_with("error[E0116]: conv: 'rhs_dilation' has 3 entries for 2 spatial axes\n"));
  EXPECT_TRUE(message_of([&] {
                reduce_window(ops::kWindowSum, x, {.window = {1, 2, 2}});
              }).starts_with("error[E0116]: window_sum: 'window' has 3 entries for rank 4\n"));
}

TEST(Windows, LargerThanASymbolicImageFailWhenTheProgramRuns) {
  auto pooled = jit([](Tensor x) { return max_pool(x, {.window = {3}}); },
                    {.symbolic_dims = {{.argument = 0, .axis = 2, .name = "W"}}});
  auto convolved = jit([](Tensor x) { return conv(x, Tensor::ones({1, 1, 3})); },
                       {.symbolic_dims = {{.argument = 0, .axis = 2, .name = "W"}}});
  EXPECT_EQ(pooled(Tensor::ones({1, 1, 7})).shape(), Shape({1, 1, 2}));
  EXPECT_EQ(convolved(Tensor::ones({1, 1, 7})).shape(), Shape({1, 1, 5}));
  for (int64_t width : {0, 1, 2}) {
    const std::string pool = message_of([&] { pooled(Tensor::ones({1, 1, width})).array(); }),
                      conv = message_of([&] { convolved(Tensor::ones({1, 1, width})).array(); });
    EXPECT_NE(pool.find("max_pool: the window spans 3 elements of axis 2"), std::string::npos) << width << pool;
    EXPECT_NE(conv.find("conv: the window spans 3 elements of axis 2"), std::string::npos) << width << conv;
    EXPECT_NE(pool.find("edges_test.cpp"), std::string::npos) << pool;
  }
  EXPECT_EQ(pooled(Tensor::ones({1, 1, 3})).shape(), Shape({1, 1, 1}));
}

// ---- extrema of nothing ----

TEST(Extrema, OfNothingAreRefused) {
  for (DType t : {DType::f32, DType::bf16, DType::i32, DType::u8})
    for (bool is_max : {true, false}) {
      auto extremum = [&](const Tensor& x, const ops::Ints& axes) { return is_max ? max(x, axes) : min(x, axes); };
      const std::string name = is_max ? "max" : "min";
      EXPECT_NE(message_of([&] { extremum(Tensor::zeros({2, 0, 3}, t), {1}); }).find(name + ": axis 1 of "),
                std::string::npos);
      EXPECT_THROW(extremum(Tensor::zeros({0}, t), {}), base::Error);
      EXPECT_THROW(extremum(Tensor::zeros({2, 0}, t), {0, 1}), base::Error);
      EXPECT_EQ(extremum(Tensor::zeros({2, 0, 3}, t), {0}).shape(), Shape({0, 3})) << "an empty axis that is kept";
      EXPECT_EQ(extremum(Tensor::zeros({0, 0}, t), {0}).shape(), Shape({0})) << "no results either, as in NumPy";
    }
  EXPECT_EQ(message_of([] { max(Tensor::zeros({2, 0}), {1}); }),
            "error[E0116]: max: axis 1 of f32[2,0] is empty\nnote: recorded at edges_test.cpp");
}

TEST(Extrema, OfAnEmptyBatchAreRefusedWhenTheProgramRuns) {
  auto highest = jit([](Tensor x) { return max(x, {0}); });
  auto lowest = jit([](Tensor x) { return min(x); });
  EXPECT_EQ(sum(highest(Tensor::ones({4, 3}))).item(), 3);
  EXPECT_EQ(lowest(Tensor::ones({4, 3})).item(), 1);
  const std::string text = message_of([&] { highest(Tensor::ones({0, 3})).array(); });
  EXPECT_NE(text.find("max: axis 0 of"), std::string::npos) << text;
  EXPECT_NE(text.find("edges_test.cpp"), std::string::npos) << text;
  EXPECT_NE(message_of([&] { lowest(Tensor::ones({0, 3})).array(); }).find("min: axis 0 of"), std::string::npos);
  EXPECT_EQ(sum(highest(Tensor::ones({1, 3}))).item(), 3);
  auto rows = jit([](Tensor x) { return max(x, {1}); });
  EXPECT_EQ(rows(Tensor::ones({2, 3})).shape(), Shape({2}));
  EXPECT_EQ(rows(Tensor::ones({0, 3})).shape(), Shape({0})) << "an empty batch that is kept";
}

TEST(Extrema, OtherReductionsOfNothingHaveTheirValue) {
  const Tensor none = Tensor::zeros({0}), no_flags = Tensor::zeros({0}, DType::boolean);
  EXPECT_EQ(sum(none).item(), 0);
  EXPECT_EQ(prod(none).item(), 1);
  EXPECT_EQ(all(no_flags).item(), 1);
  EXPECT_EQ(any(no_flags).item(), 0);
  EXPECT_EQ(logsumexp(none, {0}).item(), -kInfinity);
  EXPECT_EQ(softmax(Tensor::zeros({2, 0}), 1).shape(), Shape({2, 0}));
  EXPECT_EQ(log_softmax(Tensor::zeros({2, 0}), 1).shape(), Shape({2, 0}));
}

// ---- classes and ids ----

TEST(BadIds, AreNamedByTheFunctionThatWasGivenThem) {
  const Tensor logits = Tensor::zeros({3, 10}), table = Tensor::zeros({50257, 2});
  EXPECT_EQ(message_of([&] { cross_entropy(logits, Tensor::from({1, 12, 3})).array(); }),
            "error[E0118]: cross_entropy: class 12 at [1] is out of range, the number of classes is 10\nnote: recorded "
            "at edges_test.cpp");
  EXPECT_EQ(message_of([&] { cross_entropy(logits, Tensor::from({1, 2, -1})).array(); }),
            "error[E0118]: cross_entropy: class -1 at [2] is out of range, the number of classes is 10\nnote: recorded "
            "at edges_test.cpp");
  std::vector<int32_t> ids(4 * 8);
  ids[3 * 8 + 7] = 50300;
  const Tensor bad = Tensor::from(std::span<const int32_t>(ids), {4, 8});
  const std::string expected =
      "error[E0118]: embedding: id 50300 at [3,7] is out of range, the vocabulary has 50257\nnote: recorded at "
      "edges_test.cpp";
  EXPECT_EQ(message_of([&] { embedding(table, bad).array(); }), expected);
  auto step = jit([](Tensor i, const Tensor& t) { return sum(embedding(t, i)); });
  EXPECT_EQ(message_of([&] { step(bad, table).array(); }), expected);
  EXPECT_EQ(message_of([&] { embedding(table, Tensor::scalar(-3, DType::i64)).array(); }),
            "error[E0118]: embedding: id -3 is out of range, the vocabulary has 50257\nnote: recorded at "
            "edges_test.cpp");
  EXPECT_EQ(message_of([&] { take(table, bad, 0, ops::OutOfRange::Check).array(); }),
            "error[E0118]: gather: index 50300 is out of range for axis 0 of extent 50257\nnote: recorded at "
            "edges_test.cpp");
}

TEST(BadIds, AreNamedUnderVmapToo) {
  const Tensor table = Tensor::zeros({5, 2}), ids = reshape(Tensor::from({1, 2, 3, 9}), {2, 2});
  const std::string text = message_of([&] { vmap([&](const Tensor& i) { return embedding(table, i); })(ids).array(); });
  EXPECT_NE(text.find("embedding: id 9 at [1,1] is out of range, the vocabulary has 5"), std::string::npos) << text;
}

// ---- options ----

TEST(Options, OfJitAndFunctionsAreRefusedByName) {
  auto made = [](SymbolicDim d) {
    d.name = "T";
    jit([](Tensor x) { return x; }, {.symbolic_dims = {d}});
  };
  base::walk_integers({
      {"memory_budget_bytes", [](int64_t v) { jit([](Tensor x) { return x; }, {.memory_budget_bytes = v}); }, {}},
      {"lowest", [&](int64_t v) { made({.lowest = v}); }, {0, INT64_MAX}},
      {"highest", [&](int64_t v) { made({.highest = v}); }, {0, INT64_MAX}},
      {"multiple", [&](int64_t v) { made({.multiple = v}); }, {INT64_MAX}},
  });
  EXPECT_THROW(made({.argument = -1}), base::Error);
  const Qkv x = drawn(2, 2);
  base::walk_numbers({
      {"scale", [&](double v) { attention(x.q, x.k, x.v, {}, {.scale = v}); }, {-1, 0}},
      {"soft_cap", [&](double v) { attention(x.q, x.k, x.v, {}, {.soft_cap = v}); }, {0}},
      {"base", [&](double v) { rope(x.q, Tensor::arange(2), v); }, {1e300}},
  });
}

TEST(Options, OfAttentionThatScoresCantHoldAreRefused) {
  const Qkv x = drawn(2, 2);
  const auto refused = [](const Tensor& q, const Tensor& k, const Tensor& v, const ops::AttentionOptions& options) {
    return message_of([&] { attention(q, k, v, std::optional<Tensor>(), options); });
  };
  EXPECT_EQ(refused(x.q, x.k, x.v, {.scale = 1e300}).substr(0, 115),
            "error[E0116]: attention: scale is 1e+300, expected 0 or a magnitude of 1.18e-38 to 3.4e+38, which scores "
            "of f32 hol");
  for (const double off : {1e300, -1e39, 1e-40, -1e-300}) {
    EXPECT_NE(refused(x.q, x.k, x.v, {.scale = off}).find("E0116"), std::string::npos) << off;
    EXPECT_NE(refused(x.q, x.k, x.v, {.soft_cap = std::abs(off)}).find("E0116"), std::string::npos) << off;
    EXPECT_NO_THROW(attention(cast(x.q, DType::f64), cast(x.k, DType::f64), x.v, std::optional<Tensor>(),
                              {.scale = off, .soft_cap = std::abs(off)}));
  }
  const Tensor none = Tensor::zeros({1, 1, 2, 0});
  EXPECT_NE(refused(none, none, x.v, {}).find("heads without channels have no scale"), std::string::npos);
  EXPECT_NO_THROW(attention(none, none, Tensor::zeros({1, 1, 2, 2}), std::optional<Tensor>(), {.scale = 1}));
  EXPECT_EQ(message_of([&] { attention_with_score(x.q, x.k, x.v, ScoreFn()); }).substr(0, 69),
            "error[E0116]: attention_with_score: the score function is empty\nnote:");
}

}  // namespace
}  // namespace strata
