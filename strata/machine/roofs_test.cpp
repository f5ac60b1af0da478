#include "strata/machine/roofs.h"

#include <gtest/gtest.h>

#include <limits>

namespace strata::machine {
namespace {

/// Peaks of 100 and 200 GF/s, an L1 of 1000 bytes with 400 GB/s, DRAM with 10 and 15 GB/s.
Roofs made_up() {
  return {.peaks = {.threads = 2, .fma_gflops = 100, .fma_gflops_all_threads = 200},
          .levels = {{"L1", 1000, 400, 800}, {"DRAM", std::numeric_limits<int64_t>::max(), 10, 15}}};
}

TEST(Roofs, TheBoundIsTheSlowerOfArithmeticAndTheLevelThatHoldsTheBytes) {
  const Roofs roofs = made_up();
  EXPECT_EQ(bound_of(roofs, 1e9, 1e6, 1).name, "arithmetic");
  EXPECT_DOUBLE_EQ(bound_of(roofs, 1e9, 1e6, 1).least_seconds, 0.01);
  EXPECT_DOUBLE_EQ(bound_of(roofs, 1e9, 1e6, 2).least_seconds, 0.005);
  EXPECT_EQ(bound_of(roofs, 1, 1e6, 1).name, "DRAM");
  EXPECT_DOUBLE_EQ(bound_of(roofs, 1, 1e6, 1).least_seconds, 1e-4);
  EXPECT_EQ(bound_of(roofs, 1, 800, 1).name, "L1");
  EXPECT_EQ(bound_of(roofs, 1, 1800, 1).name, "DRAM");
  EXPECT_EQ(bound_of(roofs, 1, 1800, 2).name, "L1") << "each thread has its own";
  EXPECT_DOUBLE_EQ(bound_of(roofs, 1e9, 1e6, 1).share(0.02), 0.5);
}

TEST(Roofs, NothingIsSaidWhereNothingWasMeasuredOrTimed) {
  EXPECT_EQ(bound_of({}, 1e9, 1e6, 1).least_seconds, 0);
  EXPECT_EQ(bound_of(made_up(), 1e9, 1e6, 1).share(0), 0);
  EXPECT_EQ(bound_of(made_up(), 0, 0, 1).share(1), 0);
}

TEST(Roofs, LevelsAreInOrderAndEachIsRead) {
  const CpuTarget target = chosen_cpu_target();
  const std::vector<MemoryLevel> levels = measure_memory_levels(target, {.threads = 1, .memory_gbytes_per_s = 5});
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.back().name, "DRAM");
  EXPECT_EQ(levels.back().gbytes_per_s, 5);
  for (size_t i = 0; i + 1 < levels.size(); ++i) {
    EXPECT_GT(levels[i].gbytes_per_s, 0);
    EXPECT_GT(levels[i].gbytes_per_s_all_threads, 0);
    EXPECT_LT(levels[i].bytes, levels[i + 1].bytes);
  }
}

}  // namespace
}  // namespace strata::machine
