#include "strata/machine/peaks.h"

#include <gtest/gtest.h>

#include <string>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"

namespace strata::machine {
namespace {

/// Replaces what is kept; returns what the next start takes.
MachinePeaks after_keeping(const base::TempFolder& folder, const std::string& text) {
  base::AtomicFile file(folder / (*base::list_folder(folder.path())).at(0));
  file.write(text);
  file.commit();
  return machine_peaks(kScalar, folder.path());
}

TEST(MachinePeaks, AreMeasuredOnceAndThenReadFromTheFolder) {
  const base::TempFolder folder;
  const MachinePeaks first = machine_peaks(kScalar, folder.path());
  EXPECT_GT(first.fma_gflops, 0);
  EXPECT_GT(first.memory_gbytes_per_s, 0);
  ASSERT_EQ((*base::list_folder(folder.path())).size(), 1u);
  const std::string threads = std::to_string(first.threads), all = std::to_string(first.threads * 0.5);
  // Figures that no measurement gives: they were read.
  EXPECT_EQ(after_keeping(folder, "strata-peaks 1 " + threads + " 0.5 " + all + " 0.25 0.25\n").fma_gflops, 0.5);
}

TEST(MachinePeaks, AreMeasuredAgainWhenTheMachineWasBusyAndTheBestStands) {
  const base::TempFolder folder;
  const std::string threads = std::to_string(machine_peaks(kScalar, folder.path()).threads);
  const MachinePeaks again = after_keeping(folder, "strata-peaks 1 " + threads + " 0.5 0.1 99999 0.25\n");
  EXPECT_NE(again.fma_gflops, 0.5);  // measured again
  EXPECT_EQ(again.memory_gbytes_per_s, 99999);
}

TEST(MachinePeaks, ADamagedFileIsMeasuredAnew) {
  const base::TempFolder folder;
  machine_peaks(kScalar, folder.path());
  EXPECT_GT(after_keeping(folder, "strata-peaks 1 nonsense").fma_gflops, 0);
}

TEST(MachinePeaks, AFolderThatCannotBeMadeIsNoError) {
  EXPECT_GT(machine_peaks(host_cpu_target(), "/proc/no/such/folder").fma_gflops, 0);
}

}  // namespace
}  // namespace strata::machine
