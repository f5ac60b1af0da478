#include "strata/machine/cpu_target.h"

#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/base/error/message_of.h"

namespace strata::machine {
namespace {

TEST(CpuTarget, NamesRoundTripAndUnknownOnesAreRefused) {
  for (const CpuTarget& target : kCpuTargets) EXPECT_EQ(cpu_target_named(target.name, "test"), target);
  EXPECT_FALSE(find_cpu_target("avx10"));
  EXPECT_EQ(base::message_of([] { cpu_target_named("avx513", "--isa"); }),
            "error[E0401]: --isa: 'avx513' is no instruction set that Strata compiles for\nhint: did you mean avx512?\n"
            "hint: there are scalar, avx2, avx512, avx512-vnni, avx512-bf16");
}

TEST(CpuTarget, AForcedOneIsChosenUntilItIsTakenBack) {
  force_cpu_target(kScalar);
  EXPECT_EQ(chosen_cpu_target(), kScalar);
  force_cpu_target(std::nullopt);
  EXPECT_TRUE(host_can_run(chosen_cpu_target()));
}

TEST(CpuTarget, ForcingWhatTheHostLacksIsAnErrorThatNamesTheFeatures) {
  if (host_can_run(kAvx512Bf16)) GTEST_SKIP() << "this host runs all of them";
  const std::string message = base::message_of([] { force_cpu_target(kAvx512Bf16); });
  EXPECT_TRUE(
      message.starts_with("error[E0401]: force_cpu_target: this CPU can't run avx512-bf16, which needs fma f16c"
                          " avx2 avx512 avx512_vnni avx512_bf16\nnote: it has "))
      << message;
}

TEST(CpuTarget, AgreesWithTheCompilersOwnDetection) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  EXPECT_EQ(host_can_run(kAvx512), avx512);
  EXPECT_EQ(host_can_run(kAvx512Vnni), avx512 && __builtin_cpu_supports("avx512vnni"));
  EXPECT_EQ(host_can_run(kAvx512Bf16), host_can_run(kAvx512Vnni) && __builtin_cpu_supports("avx512bf16"));
  EXPECT_LE(host_can_run(kAvx2), avx2);
}

TEST(CpuTarget, EachPresetHasWhatTheOneBeforeHas) {
  for (size_t i = 1; i < std::size(kCpuTargets); ++i)
    EXPECT_TRUE(kCpuTargets[i].features.includes(kCpuTargets[i - 1].features));
  EXPECT_EQ(host_cpu_targets().front(), kScalar);
}

TEST(CpuFeatures, AreASetInNoOrder) {
  const CpuFeatures some{CpuFeature::AvxVnni, CpuFeature::Avx2};
  EXPECT_TRUE(some.has(CpuFeature::AvxVnni));
  EXPECT_FALSE(some.includes(kAvx2.features)) << "no fma";
  EXPECT_FALSE(kAvx512.features.includes(some)) << "VNNI of 256 bits does not come with AVX-512";
  EXPECT_EQ(some.str(), "avx2 avx_vnni");
  EXPECT_EQ(CpuFeatures().str(), "none");
}

TEST(VectorUnit, LanesFillARegisterAndAreAtLeastOne) {
  EXPECT_EQ(kAvx2.vectors.lanes(4), 8);
  EXPECT_EQ(kAvx512.vectors.lanes(1), 64);
  EXPECT_EQ((VectorUnit{4, 8}.lanes(8)), 1);
}

TEST(CpuFingerprint, IsStableWithinAProcessAndNamesTheVendor) {
  EXPECT_EQ(cpu_fingerprint(), cpu_fingerprint());
  EXPECT_GT(cpu_fingerprint().size(), 40u);
}

}  // namespace
}  // namespace strata::machine
