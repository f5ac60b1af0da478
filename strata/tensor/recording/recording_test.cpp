#include "strata/tensor/recording/recording.h"

#include <gtest/gtest.h>

#include <thread>

namespace strata {
namespace {

TEST(Recording, AThreadMayEndWithOpsThatWereNeverRun) {
  for (int i = 0; i < 20; ++i)
    std::thread([] {
      const Tensor x = Tensor::from({1.f, 2.f});
      Tensor y = exp(x);
      for (int k = 0; k < 100; ++k) y = y + Tensor::from({1.f, static_cast<float>(k)});
    }).join();
  EXPECT_FLOAT_EQ((Tensor::from({1.f}) + 1).item(), 2);
}

}  // namespace
}  // namespace strata
