#include "strata/runtime/machine/peaks.h"

#include <gtest/gtest.h>

#include <chrono>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"

namespace strata::runtime {
namespace {

TEST(MachinePeaks, AreMeasuredOnceAndThenReadFromTheFolder) {
  const base::TempFolder folder;
  const MachinePeaks first = machine_peaks(IsaLevel::Scalar, folder.path());
  EXPECT_GT(first.fma_gflops, 1.0);
  EXPECT_GT(first.fma_gflops_all_threads, 0.3 * first.fma_gflops);
  EXPECT_GT(first.memory_gbytes_per_s, 0.5);
  const auto names = base::list_folder(folder.path());
  ASSERT_EQ((*names).size(), 1u);
  const auto start = std::chrono::steady_clock::now();
  const MachinePeaks second = machine_peaks(IsaLevel::Scalar, folder.path());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(20));
  EXPECT_NEAR(second.fma_gflops, first.fma_gflops, 0.1);
}

TEST(MachinePeaks, AFolderThatCannotBeMadeIsNoError) {
  EXPECT_GT(machine_peaks(host_isa_level(), "/proc/no/such/folder").fma_gflops, 1.0);
}

}  // namespace
}  // namespace strata::runtime
