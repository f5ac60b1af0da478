// Whole messages of this layer's errors.
#include <gtest/gtest.h>

#include <cmath>

#include "strata/base/error/message_of.h"
#include "strata/infer/generation/generate.h"

namespace strata::infer {
namespace {

using base::message_of;

TEST(ErrorMessages, E0706SaysWhatThereIsNothingToDrawFrom) {
  const float none[] = {NAN, NAN};
  EXPECT_EQ(message_of([&] { sample(none, {}, 0); }), "error[E0706]: sampling: no logit is a number");
  EXPECT_EQ(message_of([] { generate(nullptr, {}, {}); }), "error[E0706]: generate: the prompt has no token");
}

}  // namespace
}  // namespace strata::infer
