#include "strata/infer/generation/generate.h"

#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/base/testing/option_walk.h"

namespace strata::infer {
namespace {

/// A model that wants (last token + number of tokens before it in the window) mod 50 next.
ir::HostArray counting_model(const ir::HostArray& window) {
  const int64_t context = window.shape()[1];
  ir::HostArray logits(ir::DType::f32, {1, context, 50});
  for (int64_t i = 0; i < context; ++i) logits.set(i * 50 + (window.get_int(i) + i) % 50, 10);
  return logits;
}

TEST(Generate, ReadsTheRowOfTheLastTokenAndSlidesPastTheContext) {
  const auto made = generate(counting_model, {1}, {.sampling = {.temperature = 0}, .tokens = 6, .context = 4});
  // Places in the window: 0 1 2 3, then always 3.
  EXPECT_EQ(made, (std::vector<int64_t>{1, 2, 4, 7, 10, 13}));
}

TEST(Generate, EndsBeforeTheEndTokenAndTellsEachToken) {
  std::vector<int64_t> told;
  const auto made =
      generate(counting_model, {1},
               {.sampling = {.temperature = 0}, .tokens = 6, .context = 4, .end_token = 7, .on_token = [&](int64_t t) {
                  told.push_back(t);
                }});
  EXPECT_EQ(made, (std::vector<int64_t>{1, 2, 4}));
  EXPECT_EQ(told, made);
}

TEST(Generate, NeedsAPrompt) { EXPECT_THROW(generate(counting_model, {}, {}), base::Error); }

TEST(Options, OfSamplingAndGenerationAreRefusedByName) {
  const std::vector<float> logits{1, 2, 3};
  base::walk_numbers({
      {"temperature", [&](double v) { sample(logits, {.temperature = v}, 0); }, {0, 1e300}},
      {"temperature",
       [](double v) { generate(counting_model, {1}, {.sampling = {.temperature = v}, .tokens = 0}); },
       {0, 1e300}},
  });
  base::walk_integers({
      {"top_k", [&](int64_t v) { sample(logits, {.top_k = v}, 0); }, {0, INT64_MAX}},
      {"context", [](int64_t v) { generate(counting_model, {1}, {.tokens = 0, .context = v}); }},
      {"end_token",
       [](int64_t v) { generate(counting_model, {1}, {.tokens = 0, .end_token = v}); },
       {-1, 0, INT64_MAX}},
  });
  base::walk_integers({{"tokens", [](int64_t v) { generate(counting_model, {1}, {.tokens = v}); }, {0}}},
                      {INT64_MIN, -1, 0});
}

}  // namespace
}  // namespace strata::infer
