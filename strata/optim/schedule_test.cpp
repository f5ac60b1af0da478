#include "strata/optim/schedule.h"

#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/tensor/jit/jit.h"

namespace strata::optim {
namespace {

TEST(Schedule, PartsFollowEachOther) {
  const Schedule lr = warmup(4, 1).then(cosine(1, 0, 10));
  EXPECT_DOUBLE_EQ(lr(0), 0.25);
  EXPECT_DOUBLE_EQ(lr(3), 1);
  EXPECT_DOUBLE_EQ(lr(4), 1);
  EXPECT_DOUBLE_EQ(lr(9), 0.5);
  EXPECT_NEAR(lr(14), 0, 1e-15);
  EXPECT_NEAR(lr(1000), 0, 1e-15);
}

TEST(Schedule, StepsMultiply) {
  const Schedule lr = steps(1, 0.1, {3, 5});
  for (auto [step, rate] : {std::pair(0, 1.0), {2, 1.0}, {3, 0.1}, {4, 0.1}, {5, 0.01}, {99, 0.01}})
    EXPECT_NEAR(lr(step), rate, 1e-15);
}

TEST(Schedule, TheProgramComputesWhatTheHostDoes) {
  const Schedule lr = warmup(3, 0.5).then(linear(0.5, 0.2, 4)).then(cosine(0.2, 0.1, 5)).then(constant(0.05));
  auto program = jit([&](Tensor step) { return lr(step); });
  for (int64_t step = 0; step < 16; ++step)
    EXPECT_NEAR(program(Tensor::scalar(static_cast<double>(step), DType::i64)).item(), lr(step), 1e-12) << step;
  EXPECT_EQ(program.recordings(), 1);
}

TEST(Schedule, PartsBehindAnEndlessOneAreRefused) {
  EXPECT_THROW(constant(1).then(constant(2)), base::Error);
  EXPECT_THROW(linear(1, 2, -1), base::Error);
}

}  // namespace
}  // namespace strata::optim
