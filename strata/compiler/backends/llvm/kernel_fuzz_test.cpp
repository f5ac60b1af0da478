// Random kernels, native against interpreter, and what objects promise. STRATA_FUZZ_KERNELS=n runs n kernels.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

#include "strata/base/testing/fuzz_seeds.h"
#include "strata/compiler/testing/kernel_run.h"
#include "strata/compiler/testing/native_comparison.h"
#include "strata/compiler/testing/random_kernel.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/loops/verify.h"

namespace strata::compiler::llvm_backend {
namespace {

using ir::loops::Kernel;

TEST(KernelFuzz, RandomKernelsGiveTheInterpretersBitsAtEveryLevel) {
  const base::FuzzSeeds seeds(24, "STRATA_FUZZ_KERNELS");
  int compiled_not_run = 0;
  for (uint64_t seed = seeds.first; seed < seeds.end; ++seed) {
    const Kernel kernel = random_kernel(seed, fmt::format("fuzz{}", seed));
    ir::loops::verify(kernel, ir::loops::Stage::Scheduled);
    const std::string difference = compare_with_interpreter({&kernel}, {5, 3}, seed, &compiled_not_run);
    ASSERT_EQ(difference, "") << ir::loops::print(kernel);
  }
  if (compiled_not_run)
    fmt::print("{} kernels were compiled, not run: the host lacks their instruction set\n", compiled_not_run);
}

TEST(Objects, CompilingTheSameKernelsTwiceGivesTheSameBytes) {
  for (const machine::CpuTarget& cpu : machine::kCpuTargets) {
    const Kernel a = random_kernel(77, "a"), b = random_kernel(78, "b"), a2 = random_kernel(77, "a"),
                 b2 = random_kernel(78, "b");
    const Kernel *once[] = {&a, &b}, *again[] = {&a2, &b2};
    EXPECT_EQ(test_generator().compile(once, cpu), test_generator().compile(again, cpu));
  }
}

TEST(Objects, ThreadsCompileLoadAndRunAtTheSameTime) {
  std::string differences[2];
  auto work = [&](uint64_t t) {
    for (uint64_t i = 0; i < 3 && differences[t].empty(); ++i) {
      const Kernel kernel = random_kernel(900 + 10 * t + i, fmt::format("thread{}", t));
      differences[t] = compare_with_interpreter({&kernel}, {3, 4}, i);
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  EXPECT_EQ(differences[0], "");
  EXPECT_EQ(differences[1], "");
}

TEST(Objects, NoFloatingPointInstructionCarriesAFastMathFlag) {
  const Kernel kernel = random_kernel(5, "flags");
  const Kernel* kernels[] = {&kernel};
  for (Listing what : {Listing::EmittedIr, Listing::OptimisedIr}) {
    const std::string text = test_generator().listing(kernels, machine::kAvx2, what);
    for (const char* flag :
         {" fast ", " contract ", " reassoc ", " nnan ", " nsz ", " ninf ", " arcp ", " afn ", "fmuladd"})
      EXPECT_EQ(text.find(flag), std::string::npos) << flag;
  }
}

TEST(Objects, ListingsShowAssemblyOfTheLevelThatWasAskedFor) {
  Kernel kernel;
  kernel.name = "double";
  kernel.context = std::make_shared<ir::loops::LoopContext>();
  auto& c = *kernel.context;
  const auto* y = c.buffer({"y", ir::DType::f32, {16}, ir::loops::BufferKind::InOut});
  kernel.params = {y};
  const auto value = c.load(y, {c.ramp(c.i64(0), 1, 16)});
  kernel.body = {ir::loops::make_store(y, {c.ramp(c.i64(0), 1, 16)}, c.binary(ir::loops::ExprOp::Add, value, value))};
  const Kernel* kernels[] = {&kernel};
  const auto& generator = test_generator();
  EXPECT_NE(generator.listing(kernels, machine::kAvx512, Listing::Assembly).find("%zmm"), std::string::npos);
  const std::string avx2 = generator.listing(kernels, machine::kAvx2, Listing::Assembly);
  EXPECT_NE(avx2.find("%ymm"), std::string::npos);
  EXPECT_EQ(avx2.find("%zmm"), std::string::npos);
  EXPECT_EQ(generator.listing(kernels, machine::kScalar, Listing::Assembly).find("%ymm"), std::string::npos);
}

/// x through `terms` steps of Horner's rule, each with a constant of its own.
Kernel polynomial(int lanes, int terms) {
  Kernel kernel;
  kernel.name = "polynomial";
  kernel.context = std::make_shared<ir::loops::LoopContext>();
  auto& c = *kernel.context;
  const auto* y = c.buffer({"y", ir::DType::f32, {16}, ir::loops::BufferKind::InOut});
  kernel.params = {y};
  const auto x = c.load(y, {c.ramp(c.i64(0), 1, lanes)});
  auto value = x;
  for (int i = 0; i < terms; ++i) value = c.fma(value, x, c.broadcast(c.constant(ir::DType::f32, i + 0.5), lanes));
  kernel.body = {ir::loops::make_store(y, {c.ramp(c.i64(0), 1, lanes)}, value)};
  return kernel;
}

TEST(Objects, APolynomialOfManyTermsNeedsNoBroadcastsOfItsOwnOnAvx2) {
  const Kernel kernel = polynomial(8, 40);  // more than there are registers
  const Kernel* kernels[] = {&kernel};
  const std::string text = test_generator().listing(kernels, machine::kAvx2, Listing::Assembly);
  EXPECT_EQ(text.find("vbroadcastss"), std::string::npos) << text;
  EXPECT_EQ(compare_with_interpreter({&kernel}, {}, 1), "");
}

TEST(Objects, ConstantsOfAvx512StayOneElement) {
  const Kernel kernel = polynomial(16, 40);
  const Kernel* kernels[] = {&kernel};
  EXPECT_EQ(test_generator().listing(kernels, machine::kAvx512, Listing::Assembly).find("splat"), std::string::npos);
}

/// Under a mask the processor prefetches nothing.
TEST(Objects, SelectsReadMemoryWithoutAMask) {
  using ir::loops::ExprOp;
  for (const ir::DType type : {ir::DType::f32, ir::DType::f64, ir::DType::i32, ir::DType::bf16, ir::DType::i8})
    for (const int lanes : {8, 16, 64}) {
      Kernel kernel;
      kernel.name = "selects";
      kernel.context = std::make_shared<ir::loops::LoopContext>();
      auto& c = *kernel.context;
      const auto* x = c.buffer({"x", type, {64}, ir::loops::BufferKind::Input});
      const auto* z = c.buffer({"z", ir::DType::f32, {64}, ir::loops::BufferKind::Input});
      const auto* y = c.buffer({"y", type, {64}, ir::loops::BufferKind::Output});
      kernel.params = {x, z, y};
      const auto at = c.ramp(c.i64(0), 1, lanes), zero = c.broadcast(c.constant(ir::DType::f32, 0), lanes);
      const auto is_large = c.binary(ExprOp::Gt, c.load(z, {at}), zero);
      const auto value = c.load(x, {at});
      kernel.body = {
          ir::loops::make_store(y, {at}, c.select(is_large, value, c.broadcast(c.constant(type, 0), lanes)))};
      const Kernel* kernels[] = {&kernel};
      const std::string text = test_generator().listing(kernels, machine::kAvx512, Listing::Assembly);
      for (size_t line = text.find("(%r"); line != std::string::npos; line = text.find("(%r", line + 1)) {
        const std::string rest = text.substr(line, text.find('\n', line) - line);
        EXPECT_EQ(rest.find("{%k"), std::string::npos) << rest;
      }
      EXPECT_EQ(compare_with_interpreter({&kernel}, {}, 1), "");
    }
}

TEST(Objects, TheDeepestExpressionThatTheMakersAllowCompiles) {
  Kernel kernel;
  kernel.name = "deep";
  kernel.context = std::make_shared<ir::loops::LoopContext>();
  auto& c = *kernel.context;
  const auto* y = c.buffer({"y", ir::DType::f32, {8}, ir::loops::BufferKind::InOut});
  kernel.params = {y};
  auto value = c.load(y, {c.i64(0)});
  const auto step = c.load(y, {c.i64(1)});
  for (int i = 0; i < 1900; ++i) value = c.fma(value, step, step);
  kernel.body = {ir::loops::make_store(y, {c.i64(2)}, value)};
  EXPECT_EQ(compare_with_interpreter({&kernel}, {}, 1), "");
}

}  // namespace
}  // namespace strata::compiler::llvm_backend
