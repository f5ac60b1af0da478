#include "strata/runtime/machine/isa_level.h"

#include <gtest/gtest.h>

#include "strata/base/error/error.h"

namespace strata::runtime {
namespace {

TEST(IsaLevel, NamesRoundTripAndUnknownOnesAreRefused) {
  for (IsaLevel level : kAllIsaLevels) EXPECT_EQ(isa_level_from_name(isa_level_name(level)), level);
  EXPECT_FALSE(isa_level_from_name("avx10"));
}

TEST(IsaLevel, AForcedLevelIsChosenUntilItIsTakenBack) {
  force_isa_level(IsaLevel::Scalar);
  EXPECT_EQ(chosen_isa_level(), IsaLevel::Scalar);
  force_isa_level(std::nullopt);
  EXPECT_TRUE(host_can_run(chosen_isa_level()));
}

TEST(IsaLevel, ForcingALevelThatTheHostLacksIsAnError) {
  if (host_isa_level() == IsaLevel::Avx512) GTEST_SKIP() << "this host runs every level";
  EXPECT_THROW(force_isa_level(IsaLevel::Avx512), base::Error);
}

TEST(IsaLevel, AgreesWithTheCompilersOwnDetection) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  EXPECT_EQ(host_can_run(IsaLevel::Avx512), avx512);
  EXPECT_LE(host_can_run(IsaLevel::Avx2), avx2);
}

TEST(IsaLevel, LanesFillARegisterAndHalfFloatsCountAsF32) {
  EXPECT_EQ(vector_lanes(ir::DType::f32, IsaLevel::Avx2), 8);
  EXPECT_EQ(vector_lanes(ir::DType::bf16, IsaLevel::Avx2), 8);
  EXPECT_EQ(vector_lanes(ir::DType::f64, IsaLevel::Avx512), 8);
  EXPECT_EQ(vector_lanes(ir::DType::i8, IsaLevel::Scalar), 16);
}

TEST(IsaLevel, TheFingerprintIsStableWithinAProcessAndNamesTheVendor) {
  EXPECT_EQ(cpu_fingerprint(), cpu_fingerprint());
  EXPECT_GT(cpu_fingerprint().size(), 40u);
}

}  // namespace
}  // namespace strata::runtime
