// Random kernels, native against interpreter, and what objects promise. STRATA_FUZZ_KERNELS=n runs n kernels.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "strata/compiler/backends/llvm/native_comparison.h"
#include "strata/compiler/backends/llvm/random_kernel.h"
#include "strata/ir/loops/text_form.h"
#include "strata/ir/loops/verify.h"

namespace strata::compiler::llvm_backend {
namespace {

using ir::loops::Kernel;

TEST(KernelFuzz, RandomKernelsGiveTheInterpretersBitsAtEveryLevel) {
  const char* wanted = std::getenv("STRATA_FUZZ_KERNELS");
  const char* first = std::getenv("STRATA_FUZZ_SEED");
  const uint64_t start = first ? std::strtoull(first, nullptr, 10) : 1;
  int compiled_not_run = 0;
  for (uint64_t seed = start, end = start + (wanted ? std::strtoull(wanted, nullptr, 10) : 24); seed < end; ++seed) {
    const Kernel kernel = random_kernel(seed, fmt::format("fuzz{}", seed));
    ir::loops::verify(kernel, ir::loops::Stage::Scheduled);
    const std::string difference = compare_with_interpreter({&kernel}, {5, 3}, seed, &compiled_not_run);
    ASSERT_EQ(difference, "") << ir::loops::print(kernel);
  }
  if (compiled_not_run) fmt::print("{} kernels were compiled, not run: the host lacks their level\n", compiled_not_run);
}

TEST(Objects, CompilingTheSameKernelsTwiceGivesTheSameBytes) {
  for (runtime::IsaLevel level : runtime::kAllIsaLevels) {
    const Kernel a = random_kernel(77, "a"), b = random_kernel(78, "b"), a2 = random_kernel(77, "a"),
                 b2 = random_kernel(78, "b");
    const Kernel *once[] = {&a, &b}, *again[] = {&a2, &b2};
    EXPECT_EQ(test_generator().compile(once, level), test_generator().compile(again, level));
  }
}

}  // namespace
}  // namespace strata::compiler::llvm_backend
