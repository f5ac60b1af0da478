#include "strata/machine/peaks.h"

#include <gtest/gtest.h>

#include <string>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/hash.h"
#include "strata/base/bytes/temp_folder.h"

namespace strata::machine {
namespace {

std::string with_hash(const std::string& line) { return line + " " + base::hash_text(line).hex() + "\n"; }

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
  EXPECT_EQ(after_keeping(folder, with_hash("strata-peaks 2 " + threads + " 0.5 " + all + " 0.25 0.25")).fma_gflops,
            0.5);
}

TEST(MachinePeaks, AreMeasuredAgainWhenTheMachineWasBusyAndTheBestStands) {
  const base::TempFolder folder;
  const std::string threads = std::to_string(machine_peaks(kScalar, folder.path()).threads);
  const MachinePeaks again = after_keeping(folder, with_hash("strata-peaks 2 " + threads + " 0.5 0.1 99999 0.25"));
  EXPECT_NE(again.fma_gflops, 0.5);  // measured again
  EXPECT_EQ(again.memory_gbytes_per_s, 99999);
}

TEST(MachinePeaks, ADamagedFileIsMeasuredAnew) {
  const base::TempFolder folder;
  const std::string threads = std::to_string(machine_peaks(kScalar, folder.path()).threads);
  const std::string name = (*base::list_folder(folder.path())).at(0);
  EXPECT_GT(after_keeping(folder, "strata-peaks 1 nonsense").fma_gflops, 0);
  const std::string untrue = "strata-peaks 2 " + threads + " 1e308 1e308 1e308 1e308";
  for (const std::string& text : {untrue, untrue + "\n", untrue + " " + std::string(32, '0') + "\n",
                                  with_hash("strata-peaks 2 " + threads + " inf inf 1 1"), std::string()}) {
    testing::internal::CaptureStderr();
    const MachinePeaks peaks = after_keeping(folder, text);
    EXPECT_LT(peaks.fma_gflops, 1e6) << text;
    EXPECT_GT(peaks.fma_gflops, 0) << text;
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find(name + ": the figures of this machine's speed are damaged; they are measured again"),
              std::string::npos)
        << text << said;
  }
}

TEST(MachinePeaks, AFolderThatCannotBeMadeIsNoError) {
  EXPECT_GT(machine_peaks(host_cpu_target(), "/proc/no/such/folder").fma_gflops, 0);
}

}  // namespace
}  // namespace strata::machine
