#include "strata/tensor/transforms/score.h"

#include <gtest/gtest.h>

#include <limits>

#include "strata/base/error/error.h"
#include "strata/base/error/message_of.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/index/index.h"
#include "strata/ops/numpy_names.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

struct Qkv {
  Tensor q, k, v;
  STRATA_FIELDS(q, k, v)
};

Qkv drawn(int64_t length) {
  const Shape shape{2, 3, length, 4};
  return {normal(Key(1), shape, 0, 1, DType::f64), normal(Key(2), shape, 0, 1, DType::f64),
          normal(Key(3), shape, 0, 1, DType::f64)};
}

double worst(const Tensor& a, const Tensor& b) { return max(abs(a - b)).item(); }

/// Values, gradients and second derivatives of both.
void expect_alike(const Qkv& x, const std::function<Tensor(const Qkv&)>& f,
                  const std::function<Tensor(const Qkv&)>& g) {
  EXPECT_LE(worst(f(x), g(x)), 1e-12);
  const auto gradient = [&](const auto& h) {
    return [&h](const Qkv& p) { return grad([&](const Qkv& p) { return sum(square(h(p))); }, p); };
  };
  const Qkv a = gradient(f)(x), b = gradient(g)(x);
  for (const auto& [i, j] : {std::pair{a.q, b.q}, {a.k, b.k}, {a.v, b.v}}) EXPECT_LE(worst(i, j), 1e-11);
  const auto second = [&](const auto& h) {
    return grad([&](const Qkv& p) { return sum(square(gradient(h)(p).q)); }, x);
  };
  const Qkv c = second(f), d = second(g);
  for (const auto& [i, j] : {std::pair{c.q, d.q}, {c.k, d.k}, {c.v, d.v}}) EXPECT_LE(worst(i, j), 1e-9);
}

TEST(AttentionWithScore, ASoftCapByHandIsTheOption) {
  const auto by_hand = [](const Qkv& p) {
    return attention_with_score(p.q, p.k, p.v, [](const Tensor& s, const ScorePlace&) { return tanh(s / 1.5) * 1.5; },
                                {.is_causal = true, .key_block = 4});
  };
  const auto by_option = [](const Qkv& p) {
    return attention(p.q, p.k, p.v, {}, {.is_causal = true, .soft_cap = 1.5, .key_block = 4});
  };
  expect_alike(drawn(9), by_hand, by_option);
}

TEST(AttentionWithScore, PlacesAndCapturesAreThoseOfTheScore) {
  const Tensor slopes = Tensor::from({0.5, 0.25, 0.125});
  const auto by_hand = [&](const Qkv& p) {
    const auto score = [&](const Tensor& s, const ScorePlace& at) {
      return s + take(slopes, at.head, 0) * cast(at.key - at.query, DType::f64);
    };
    return attention_with_score(p.q, p.k, p.v, score, {.is_causal = true, .key_block = 4});
  };
  const auto by_mask = [&](const Qkv& p) {
    const Tensor keys = reshape(Tensor::from({0., 1., 2., 3., 4., 5., 6., 7., 8.}), {1, 1, 1, 9});
    const Tensor bias = reshape(slopes, {1, 3, 1, 1}) * keys;
    return attention(p.q, p.k, p.v, bias, {.is_causal = true, .key_block = 4});
  };
  expect_alike(drawn(9), by_hand, by_mask);
}

TEST(AttentionWithScore, MinusInfinityHidesAKeyAlsoFromGradients) {
  const auto hidden = [](const Qkv& p) {
    const auto score = [](const Tensor& s, const ScorePlace& at) {
      return select(eq(at.key, 2), full_like(s, -std::numeric_limits<double>::infinity()), s);
    };
    return attention_with_score(p.q, p.k, p.v, score);
  };
  const Qkv g = grad([&](const Qkv& p) { return sum(square(hidden(p))); }, drawn(5));
  EXPECT_EQ(max(abs(g.k[{kAll, kAll, 2}])).item(), 0);
  EXPECT_TRUE(all(is_finite(g.q)).item());
}

/// Keys 2 and 7 of 9 hold NaN; `score` hides them.
void expect_no_trace_of_hidden_keys(const ScoreFn& score, const ops::AttentionOptions& options) {
  const Qkv x = drawn(9);
  Qkv poisoned = x;
  const Tensor is_hidden = reshape(Tensor::from({0., 0., 1., 0., 0., 0., 0., 1., 0.}), {1, 1, 9, 1}) > 0.5;
  const auto nan = [](const Tensor& t) { return full_like(t, std::numeric_limits<double>::quiet_NaN()); };
  poisoned.k = select(broadcast_to(is_hidden, x.k.shape()), nan(x.k), x.k);
  poisoned.v = select(broadcast_to(is_hidden, x.v.shape()), nan(x.v), x.v);
  const auto f = [&](const Qkv& p) { return attention_with_score(p.q, p.k, p.v, score, options); };
  const auto gradient = [&](const Qkv& p) { return grad([&](const Qkv& p) { return sum(square(f(p))); }, p); };
  const auto second = [&](const Qkv& p) { return grad([&](const Qkv& p) { return sum(square(gradient(p).q)); }, p); };
  EXPECT_TRUE(f(poisoned).array().same_bits(f(x).array()));
  for (const auto& [a, b] : {std::pair{gradient(poisoned), gradient(x)}, {second(poisoned), second(x)}})
    for (const auto& [i, j] : {std::pair{a.q, b.q}, {a.k, b.k}, {a.v, b.v}})
      EXPECT_TRUE(all(eq(i, j)).item()) << "a masked key reached a derivative";
}

TEST(AttentionWithScore, WhatItHidesContributesNothingWhateverItsMemoryHolds) {
  const auto none = [](const Tensor& s) { return full_like(s, -std::numeric_limits<double>::infinity()); };
  const auto twice = [&](const Tensor& s, const ScorePlace& at) {
    return select(eq(at.key, 2), none(s), select(ne(at.key, 7), tanh(s), none(s)));
  };
  expect_no_trace_of_hidden_keys(twice, {.key_block = 4});
  const auto within = [&](const Tensor& s, const ScorePlace& at) {
    return tanh(select(eq(at.key, 2), s * 0.5, s)) + select(eq(at.key, 7), s, s * s);
  };
  const auto once = [&](const Tensor& s, const ScorePlace& at) {
    return select(eq(at.key, 2) | eq(at.key, 7), none(s), within(s, at));
  };
  expect_no_trace_of_hidden_keys(once, {.soft_cap = 3});
}

/// The message of a call with this function, whose line is left out.
std::string refused(const ScoreFn& score) {
  const Qkv x = drawn(5);
  return base::message_of([&] { attention_with_score(x.q, x.k, x.v, score); });
}

TEST(AttentionWithScore, OpsThatLookAcrossABlockAreRefusedByName) {
  const std::string sums = refused([](const Tensor& s, const ScorePlace&) { return cumsum(s, 3) * 0.1; });
  EXPECT_EQ(sums.substr(0, sums.find("score_test.cpp")),
            "error[E0206]: attention_with_score: the score function puts scores through cumsum, expected ops that work "
            "element by element, since it gets a block of them at a time\nnote: recorded at ");
  EXPECT_NE(sums.find("\nhint: what a row needs of all its scores, compute before and capture"), std::string::npos);
  const auto named = [](const ScoreFn& score, const char* op) {
    const std::string text = refused(score);
    EXPECT_NE(text.find(std::string("through ") + op + ","), std::string::npos) << text;
  };
  named([](const Tensor& s, const ScorePlace&) { return softmax(s, 3); }, "softmax");
  named([](const Tensor& s, const ScorePlace&) { return s - max(s, {3}, ops::Keep::AsOne); }, "reduce_max");
  named([](const Tensor& s, const ScorePlace&) { return flip(s, {3}); }, "reverse");
  named([](const Tensor& s, const ScorePlace& at) { return s + cast(cumsum(at.key, 3), DType::f64); }, "cumsum");
  named([](const Tensor& s, const ScorePlace&) { return take(s, Tensor::arange(5), 3); }, "gather");
}

TEST(AttentionWithScore, WhatWorksElementByElementIsTaken) {
  const Tensor table = Tensor::from({0.5, 0.25, 0.125, 1., 2.}), one = Tensor::scalar(2, DType::f64);
  const auto taken = [](const ScoreFn& score) { EXPECT_EQ(refused(score), "no error"); };
  taken([&](const Tensor& s, const ScorePlace& at) { return s * one + take(table, at.key, 0); });
  taken([&](const Tensor& s, const ScorePlace&) { return s + sum(cumsum(table, 0)); });
  taken([&](const Tensor& s, const ScorePlace&) { return take(table, cast(abs(s), DType::i32), 0); });
  taken([](const Tensor& s, const ScorePlace& at) { return select((at.query - at.key) % 2 < 1, gelu(s), silu(s)); });
  taken([](const Tensor& s, const ScorePlace&) { return stop_gradient(clip(s, -1.0, 1.0)) + softplus(s); });
  taken([](const Tensor& s, const ScorePlace&) {
    const Tensor unused = cumsum(s, 3);
    return cast(cast(s, DType::f32), DType::f64);
  });
}

TEST(AttentionWithScore, ACaptureThatIsDifferentiatedIsAnErrorInItsWords) {
  const Qkv x = drawn(5);
  const std::string text = base::message_of([&] {
    grad(
        [&](const Tensor& slope) {
          return sum(
              attention_with_score(x.q, x.k, x.v, [&](const Tensor& s, const ScorePlace&) { return s * slope; }));
        },
        Tensor::scalar(0.5, DType::f64))
        .evaluate();
  });
  EXPECT_TRUE(
      text.starts_with("error[E0204]: attention_with_score: differentiated with respect to a tensor that the "
                       "function captures: f64[]"))
      << text;
  EXPECT_NE(text.find("\nhint: capture stop_gradient of it"), std::string::npos) << text;
}

TEST(AttentionWithScore, HalfFloatsHaveTheirScoresInF32) {
  const Shape shape{1, 2, 6, 4};
  const Tensor q = normal(Key(1), shape, 0, 1, DType::bf16);
  DType seen = DType::bf16;
  const Tensor y = attention_with_score(q, q, q, [&](const Tensor& s, const ScorePlace&) {
    seen = s.dtype();
    return s;
  });
  EXPECT_EQ(seen, DType::f32);
  EXPECT_TRUE(y.array().same_bits(attention(q, q, q).array()));
}

TEST(AttentionWithScore, OfAnotherRankIsRefusedBeforeTheFunctionRuns) {
  const auto never = [](const Tensor& s, const ScorePlace&) -> Tensor {
    ADD_FAILURE();
    return s;
  };
  const Tensor x = Tensor::ones({2, 3});
  const std::string message = base::message_of([&] { attention_with_score(x, x, x, never); });
  EXPECT_EQ(message.substr(0, message.find('\n')),
            "error[E0101]: attention: q and k are [B, H, T, D], found f32[2,3] and f32[2,3]");
}

TEST(AttentionWithScore, RunsUnderJitAndSaysWhatAScoreHasToBe) {
  const Qkv x = drawn(7);
  const auto f = [](const Qkv& p) {
    return attention_with_score(p.q, p.k, p.v, [](const Tensor& s, const ScorePlace&) { return s * 0.5; });
  };
  auto compiled = jit(f);
  EXPECT_TRUE(compiled(x).array().same_bits(f(x).array()));
  try {
    attention_with_score(x.q, x.k, x.v, [](const Tensor& s, const ScorePlace&) { return sum(s); });
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_NE(std::string(error.what()).find("the score function gives f64[], expected f64[2,3,7,7] as it got"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace strata
